package tiles

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onemap/layers"
)

// load reads a layer; what fails is tried again later.
func (rs *residents) load(ctx context.Context, layer string) {
	begun := time.Now()
	s, err := rs.read(ctx, layer)
	switch code := layers.CodeOf(err); {
	case err == nil:
		if s != nil {
			rs.log.DebugContext(ctx, "layer loaded for tiles", "layer", layer, "features", s.count(), "bytes", s.size(), "took", time.Since(begun).Round(time.Millisecond))
		}
	case errors.Is(err, errGone) || ctx.Err() != nil:
	case code == layers.NotFound:
		rs.mu.Lock()
		rs.drop(layer)
		rs.mu.Unlock()
	case errors.Is(err, errTooLarge), errors.Is(err, errPushedDown):
		rs.log.WarnContext(ctx, "a layer is not kept in memory: its tiles are made by the store", "layer", layer, "reason", err)
		rs.mu.Lock()
		rs.drop(layer)
		rs.tooLarge[layer] = true
		rs.mu.Unlock()
	default:
		rs.log.WarnContext(ctx, "a layer can't be loaded for tiles; trying again", "layer", layer, "error", err)
		rs.mu.Lock()
		rs.drop(layer)
		rs.mu.Unlock()
		time.AfterFunc(retryAfter, func() { rs.add(job{layer: layer}) })
	}
}

// read loads a layer and publishes it.
func (rs *residents) read(ctx context.Context, layer string) (*snapshot, error) {
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
	r.layer = e.Layer
	b := newRun(formatOf(e.Layer, rs.tolerance), nil)
	room := rs.room(layer)
	for f, err := range reader.Scan(ctx, layer, layers.Range{}) {
		if err != nil {
			return nil, fmt.Errorf("read layer %s: %w", layer, err)
		}
		b.add(f)
		if b.len()%checkEvery == 0 {
			if r.isGone() {
				return nil, errGone
			}
			if b.size() > room {
				return nil, errTooLarge
			}
		}
	}
	if err := rs.catchUp(ctx); err != nil {
		return nil, err
	}
	base := b.base()
	if base.size() > room {
		return nil, errTooLarge
	}
	base.plan = base.makePlan(rs.budget)
	rs.mu.Lock()
	if rs.byID[layer] != r {
		rs.mu.Unlock()
		return nil, errGone
	}
	rs.mu.Unlock()
	r.complete(base)
	rs.redraw(layer)
	return base, nil
}

// catchUp waits until follow was told of everything that a scan may have seen.
func (rs *residents) catchUp(ctx context.Context) error {
	log, ok := rs.src.(interface {
		Head(context.Context) (layers.Cursor, error)
	})
	if !ok || rs.waitFor == nil {
		return nil
	}
	head, err := log.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the head of the log: %w", err)
	}
	return rs.waitFor(ctx, head.Position)
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
