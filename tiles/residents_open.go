package tiles

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"onemap/layers"
)

const (
	// farBehind is how many changes of the log are read in less time than a layer, as
	// far as one can tell; a layer with more rows takes more.
	farBehind   = 50_000
	replayBatch = 5000
)

// onDisk is a state as its file and the log since have it.
type onDisk struct {
	*snapshot
	at   layers.Cursor
	file filed
}

// readFile returns a layer's state from its file, or nil if there is none that can
// be used.
func (rs *residents) readFile(ctx context.Context, e layers.Entry, room int64) (*onDisk, error) {
	log, ok := rs.src.(layers.Log)
	if !ok || rs.dir == "" {
		return nil, nil
	}
	in, err := os.Open(rs.name(e.ID))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			rs.log.WarnContext(ctx, "a layer's file can't be opened; the store is read", "layer", e.ID, "error", err)
		}
		return nil, nil
	}
	defer in.Close()
	s, err := rs.open(ctx, log, in, e, room)
	var bad damaged
	var old refused
	switch {
	case errors.As(err, &bad):
		rs.log.WarnContext(ctx, "a layer's file can't be used; the store is read", "layer", e.ID, "reason", err)
	case errors.As(err, &old):
		rs.log.InfoContext(ctx, "a layer's file is not used; the store is read", "layer", e.ID, "reason", err)
	default:
		return s, err
	}
	rs.remove(e.ID)
	return nil, nil
}

// open reads a file and what the log has since.
func (rs *residents) open(ctx context.Context, log layers.Log, in *os.File, e layers.Entry, room int64) (*onDisk, error) {
	head, err := readHead(in)
	if err != nil {
		return nil, err
	}
	info, err := in.Stat()
	if err != nil {
		return nil, damaged(err.Error())
	}
	f := formatOf(e.Layer, rs.tolerance)
	switch size := info.Size() - headSize; {
	case head.Layer != e.ID || head.Definition != f.definition(e.ID, rs.budget):
		return nil, refused("the layer is defined in another way now")
	case head.Bytes != size:
		return nil, damaged(fmt.Sprintf("%d bytes of %d", size, head.Bytes))
	case size > room:
		return nil, refused("it takes more memory than there is left")
	}
	// The log's end is asked for after the resident hears of changes: none is missed.
	now, err := log.Head(ctx)
	if err != nil {
		return nil, err
	}
	at := head.Cursor
	if behind := now.Position - at.Position; now.Epoch == at.Epoch && behind > layers.Position(max(head.Rows, farBehind)) {
		return nil, refused(fmt.Sprintf("%d changes came after it", behind))
	}
	commits, err := log.Changes(ctx, at, replayBatch) // before so much is read in vain
	if err != nil {
		return nil, expired(err)
	}
	d := fileDecoder{r: in, left: head.Bytes}
	s, err := d.decodeBody(f, head.Rows)
	if err != nil {
		return nil, err
	}
	for len(commits) > 0 {
		if s, err = s.replay(e.ID, commits); err != nil {
			return nil, err
		}
		if at.Position = commits[len(commits)-1].Position(); at.Position >= now.Position {
			break
		}
		if commits, err = log.Changes(ctx, at, replayBatch); err != nil {
			return nil, expired(err)
		}
	}
	return &onDisk{s, at, filed{at: head.Cursor.Position, when: info.ModTime()}}, nil
}

func expired(err error) error {
	if layers.CodeOf(err) == layers.Expired {
		return refused(err.Error())
	}
	return err
}

// replay returns the state after what some commits changed in its layer.
func (s *snapshot) replay(layer string, commits []layers.Commit) (*snapshot, error) {
	var changes []layers.Change
	for _, c := range commits {
		for _, ch := range c.Changes {
			switch {
			case ch.Layer != layer:
			case ch.Kind == layers.ChangePut || ch.Kind == layers.ChangeDelete:
				changes = append(changes, ch)
			default:
				return nil, refused(fmt.Sprintf("the layer has a %s after it", ch.Kind))
			}
		}
	}
	if len(changes) > 0 {
		s, _ = s.apply(changes, true)
		s.compact(1)
	}
	return s, nil
}
