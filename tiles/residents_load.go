package tiles

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onemap/layers"
)

// Where a layer was read.
const (
	fromStore = "store"
	fromDisk  = "disk"
)

var errGone = errors.New("the layer was defined anew meanwhile")

// load reads a layer that is not in memory nor being loaded, and returns from where;
// what fails is tried again later.
func (rs *residents) load(ctx context.Context, layer string) (from string) {
	r := rs.begin(layer)
	if r == nil {
		return ""
	}
	begun := time.Now()
	err := guard(func() error { return rs.read(ctx, r) })
	switch code := layers.CodeOf(err); {
	case err == nil:
		s := r.state.Load()
		rs.log.DebugContext(ctx, "layer loaded for tiles", "layer", layer, "from", r.from, "features", s.count(), "bytes", s.size(), "took", time.Since(begun).Round(time.Millisecond))
		return r.from
	case rs.failed(r, err):
	case !rs.dropThis(r) || ctx.Err() != nil: // whoever dropped it has it loaded again
	case code == layers.NotFound:
		rs.remove(layer)
	default:
		rs.log.WarnContext(ctx, "a layer can't be loaded for tiles; trying again", "layer", layer, "error", err)
		time.AfterFunc(retryAfter, func() { rs.loads.add(layer) })
	}
	return ""
}

// begin has a layer hear of what changes, if none does.
func (rs *residents) begin(layer string) *resident {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.byID[layer] != nil {
		return nil
	}
	r := &resident{id: layer}
	rs.byID[layer] = r
	return r
}

// read loads a layer and publishes it.
func (rs *residents) read(ctx context.Context, r *resident) error {
	reader := rs.src.As(layers.Owner)
	e, err := reader.Layer(ctx, r.id)
	if err != nil {
		return err
	}
	r.layer = e.Layer
	if rs.isForStore(e.Status.Count) {
		return errForStore
	}
	kept, err := rs.readFile(ctx, e, rs.room(r))
	if err != nil {
		return fmt.Errorf("read the log since the file of layer %s: %w", r.id, err)
	}
	var s *snapshot
	var at layers.Cursor
	var file *filed
	if kept != nil {
		s, at, file, r.from = kept.snapshot, kept.at, &kept.file, fromDisk
	} else {
		if s, at, err = rs.scan(ctx, reader, r, e); err != nil {
			return err
		}
		r.from = fromStore
	}
	if err := rs.reserve(r, s); err != nil {
		return err
	}
	r.complete(s, at, file)
	rs.redraw(r.id)
	if r.needsMerge(mergeLeast) {
		rs.merges.add(r)
	}
	return nil
}

// scan reads a layer from the store.
func (rs *residents) scan(ctx context.Context, reader layers.Reader, r *resident, e layers.Entry) (s *snapshot, at layers.Cursor, err error) {
	b := newRun(formatOf(e.Layer, rs.tolerance), nil)
	for f, err := range reader.Scan(ctx, r.id, layers.Range{}) {
		if err != nil {
			return nil, at, fmt.Errorf("read layer %s: %w", r.id, err)
		}
		b.add(f)
		if b.len()%checkEvery == 0 {
			if err := rs.goOn(r, b.size(), int64(b.len()), e.Status.Count); err != nil {
				return nil, at, err
			}
		}
	}
	if at, err = rs.catchUp(ctx); err != nil {
		return nil, at, err
	}
	s = b.base()
	s.plan = s.makePlan(rs.budget)
	return s, at, nil
}

// catchUp waits until follow was told of everything that a scan may have seen, and
// returns up to where that is.
func (rs *residents) catchUp(ctx context.Context) (at layers.Cursor, err error) {
	log, ok := rs.src.(layers.Log)
	if !ok || rs.waitFor == nil {
		return at, nil
	}
	if at, err = log.Head(ctx); err != nil {
		return at, fmt.Errorf("read the head of the log: %w", err)
	}
	return at, rs.waitFor(ctx, at.Position)
}
