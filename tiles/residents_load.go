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

// load reads a layer, and returns from where; what fails is tried again later.
func (rs *residents) load(ctx context.Context, layer string) (from string) {
	begun := time.Now()
	r, err := rs.read(ctx, layer)
	switch code := layers.CodeOf(err); {
	case err == nil:
		s := r.state.Load()
		rs.log.DebugContext(ctx, "layer loaded for tiles", "layer", layer, "from", r.from, "features", s.count(), "bytes", s.size(), "took", time.Since(begun).Round(time.Millisecond))
		return r.from
	case errors.Is(err, errGone) || ctx.Err() != nil:
	case code == layers.NotFound:
		rs.mu.Lock()
		rs.drop(layer)
		rs.mu.Unlock()
		rs.remove(layer)
	case errors.Is(err, errTooLarge), errors.Is(err, errPushedDown):
		rs.log.WarnContext(ctx, "a layer is not kept in memory: its tiles are made by the store", "layer", layer, "reason", err)
		rs.mu.Lock()
		rs.drop(layer)
		rs.tooLarge[layer] = true
		rs.mu.Unlock()
		rs.remove(layer)
	default:
		rs.log.WarnContext(ctx, "a layer can't be loaded for tiles; trying again", "layer", layer, "error", err)
		rs.mu.Lock()
		rs.drop(layer)
		rs.mu.Unlock()
		time.AfterFunc(retryAfter, func() { rs.add(job{layer: layer}) })
	}
	return ""
}

// read loads a layer and publishes it.
func (rs *residents) read(ctx context.Context, layer string) (*resident, error) {
	r := &resident{}
	rs.mu.Lock()
	rs.drop(layer)
	rs.byID[layer] = r // from here on r hears of what changes
	rs.mu.Unlock()
	reader := rs.src.As(layers.Owner)
	e, err := reader.Layer(ctx, layer)
	if err != nil {
		return nil, err
	}
	if _, ok := reader.(layers.TileMaker); ok && rs.most > 0 && e.Status.Count > rs.most {
		return nil, errPushedDown
	}
	room := rs.room(layer)
	kept, err := rs.readFile(ctx, e, room)
	if err != nil {
		return nil, fmt.Errorf("read the log since the file of layer %s: %w", layer, err)
	}
	var s *snapshot
	var at layers.Cursor
	var file *filed
	if kept != nil {
		s, at, file, r.from = kept.snapshot, kept.at, &kept.file, fromDisk
	} else {
		if s, at, err = rs.scan(ctx, reader, r, e.Layer, room); err != nil {
			return nil, err
		}
		r.from = fromStore
	}
	if s.size() > room {
		return nil, errTooLarge
	}
	r.layer = e.Layer
	rs.mu.Lock()
	if rs.byID[layer] != r {
		rs.mu.Unlock()
		return nil, errGone
	}
	rs.mu.Unlock()
	r.complete(s, at, file)
	rs.redraw(layer)
	if r.needsMerge() {
		rs.add(job{layer: layer, merge: r})
	}
	return r, nil
}

// scan reads a layer from the store.
func (rs *residents) scan(ctx context.Context, reader layers.Reader, r *resident, l *layers.Layer, room int64) (s *snapshot, at layers.Cursor, err error) {
	b := newRun(formatOf(l, rs.tolerance), nil)
	for f, err := range reader.Scan(ctx, l.ID, layers.Range{}) {
		if err != nil {
			return nil, at, fmt.Errorf("read layer %s: %w", l.ID, err)
		}
		b.add(f)
		if b.len()%checkEvery == 0 {
			if r.isGone() {
				return nil, at, errGone
			}
			if b.size() > room {
				return nil, at, errTooLarge
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

func (rs *residents) merge(j job) {
	changed := j.merge.merge(rs.budget)
	s := j.merge.state.Load()
	rs.mu.Lock()
	if rs.byID[j.layer] != j.merge {
		rs.mu.Unlock()
		return
	}
	rs.mu.Unlock()
	if rs.room(j.layer) < s.size() {
		rs.log.Warn("a layer has grown and is not kept in memory any more", "layer", j.layer, "bytes", s.size())
		rs.mu.Lock()
		rs.drop(j.layer)
		rs.tooLarge[j.layer] = true
		rs.mu.Unlock()
		changed = true
	}
	if changed {
		rs.redraw(j.layer)
	}
}
