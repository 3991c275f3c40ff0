package tiles

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"onemap/layers"
)

// files are the states of layers on disk, so that a start reads them and the log
// since instead of the store. They may be deleted at any time.
type files struct {
	dir    string
	cursor func() layers.Cursor // up to which all changes were told
	least  int64                // bytes of a layer in memory that is worth a file
	filing sync.Mutex           // one at a time
}

const (
	fileSuffix = ".layer"
	tempSuffix = ".tmp"
	// worthFiling is what a store reads in a tenth of a second.
	worthFiling = 1 << 20
	fileCheck   = time.Minute
	fileEvery   = 5 * time.Minute // a layer at most
	fileWithin  = 5 * time.Second // all at the end
)

// filed is what a layer's file holds: the state that was the resident's at these
// counts. A pointer to the state would keep it in memory.
type filed struct {
	at              layers.Position
	changes, merges int
	when            time.Time // it was written
}

func (f *files) name(layer string) string {
	return filepath.Join(f.dir, url.PathEscape(layer)+fileSuffix)
}

// remove deletes a layer's file, if there is one.
func (rs *residents) remove(layer string) {
	if rs.dir == "" {
		return
	}
	if err := os.Remove(rs.name(layer)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		rs.log.Warn("a layer's file can't be removed", "layer", layer, "error", err)
	}
}

// sweep removes the files of layers that are gone, and what was never finished.
func (rs *residents) sweep(entries []layers.Entry) {
	if rs.dir == "" {
		return
	}
	known := map[string]bool{}
	for _, e := range entries {
		known[rs.name(e.ID)] = true
	}
	all, _ := os.ReadDir(rs.dir) // if there is none, there is nothing to remove
	for _, one := range all {
		name := filepath.Join(rs.dir, one.Name())
		if !known[name] && (strings.HasSuffix(name, fileSuffix) || strings.HasSuffix(name, fileSuffix+tempSuffix)) {
			_ = os.Remove(name) // the next start tries again
		}
	}
}

// keepFiled writes files until ctx ends.
func (rs *residents) keepFiled(ctx context.Context) error {
	tick := time.NewTicker(fileCheck)
	defer tick.Stop()
	for {
		rs.fileAll(ctx, false)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fileAll writes the layers whose files are behind, the small ones first; at the end
// of the server, all that changed.
func (rs *residents) fileAll(ctx context.Context, closing bool) {
	rs.filing.Lock()
	defer rs.filing.Unlock()
	if _, ok := rs.src.(layers.Log); !ok || rs.dir == "" || rs.cursor == nil {
		return
	}
	type one struct {
		layer string
		r     *resident
		size  int64
	}
	var all []one
	rs.mu.Lock()
	for id, r := range rs.byID {
		if s := r.state.Load(); s != nil {
			all = append(all, one{id, r, s.size()})
		}
	}
	rs.mu.Unlock()
	slices.SortFunc(all, func(a, b one) int { return cmp.Compare(a.size, b.size) })
	for _, o := range all {
		if o.size < rs.least {
			rs.remove(o.layer)
			continue
		}
		err := guard(func() error { return rs.file(ctx, o.layer, o.r, closing) })
		if errors.Is(err, context.Canceled) {
			return
		}
		if err != nil {
			// The next would fail as well, and the next start reads the store.
			rs.log.Warn("layers in memory can't be written to the disk; the next start may take longer", "layer", o.layer, "error", err)
			return
		}
	}
}

// file brings a layer's file up to date, if that is worth it.
func (rs *residents) file(ctx context.Context, layer string, r *resident, closing bool) error {
	s, now, was := r.moment(rs.cursor)
	if s == nil {
		return nil
	}
	if was != nil && was.changes == now.changes {
		if was.at == now.at.Position {
			return nil
		}
		return rs.move(layer, r, *was, now.at)
	}
	// Of few changes the log tells soon enough.
	few := was != nil && was.merges == now.merges && now.at.Position-was.at < farBehind/2
	if !closing && was != nil && (few || time.Since(was.when) < fileEvery) {
		return nil
	}
	begun, base := time.Now(), s.runs[0].run
	if s.overlay() > 0 {
		var err error
		if base, err = joinWithin(ctx, s.format, s.runs, nil); err != nil {
			return err
		}
	}
	head := fileHead{Layer: layer, Definition: s.format.definition(layer, rs.budget), Cursor: now.at}
	if err := rs.write(ctx, head, &s.plan, base); err != nil {
		return err
	}
	rs.log.DebugContext(ctx, "layer written to the disk", "layer", layer, "cursor", now.at, "took", time.Since(begun).Round(time.Millisecond))
	r.setFiled(&filed{at: now.at.Position, changes: now.changes, merges: now.merges, when: time.Now()})
	return nil
}

func (r *resident) setFiled(f *filed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.filed = f
}

// write makes a layer's file. Until it is whole and on the disk, the one before
// stays.
func (f *files) write(ctx context.Context, head fileHead, p *plan, r *run) (err error) {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	name := f.name(head.Layer)
	out, err := os.OpenFile(name+tempSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err == nil {
			err = os.Rename(name+tempSuffix, name)
		}
		if err != nil {
			_ = os.Remove(name + tempSuffix)
		}
	}()
	if _, err := out.Seek(headSize, io.SeekStart); err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	e := fileEncoder{ctx: ctx, w: w}
	e.encodeBody(p, r)
	if err := cmp.Or(e.err, w.Flush()); err != nil {
		return err
	}
	head.Format, head.Rows, head.Bytes = fileFormat, r.len(), e.n
	raw, err := head.encode()
	if err != nil {
		return err
	}
	if _, err := out.WriteAt(raw, 0); err != nil {
		return err
	}
	return out.Sync()
}

// move says in a file that nothing has changed up to a later cursor. A head that
// was written in part is refused.
func (rs *residents) move(layer string, r *resident, was filed, to layers.Cursor) error {
	f, err := os.OpenFile(rs.name(layer), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		r.setFiled(nil) // somebody deleted it: the next time writes another
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	head, err := readHead(f)
	if err != nil {
		return err
	}
	head.Cursor = to
	raw, err := head.encode()
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(raw, 0); err != nil {
		return err
	}
	was.at = to.Position
	r.setFiled(&was)
	return nil
}
