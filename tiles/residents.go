package tiles

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/paulmach/orb"
	"golang.org/x/sync/errgroup"

	"onemap/layers"
)

// residents are the layers in memory, as far as the budget goes. What is not, or
// not yet, is read from the store tile by tile.
type residents struct {
	src       Source
	log       *slog.Logger
	memory    int64                                                       // bytes for all
	tolerance float64                                                     // of outlines, in tile units
	most      int64                                                       // features of a layer, if its store makes tiles; 0: any number
	budget    int64                                                       // bytes for a tile
	waitFor   func(context.Context, layers.Position) error                // until follow was told of a position
	redraw    func(layer string)                                          // all tiles of a layer look different
	report    func(done, of int, layer string, features int, from string) // how far the first load is
	again     time.Duration                                               // until what is outside is considered again
	files

	// What is to be done: layers to read, "" for all there are, and layers whose
	// overlay is to become part of a new base.
	loads  queue[string]
	merges queue[*resident]

	mu      sync.Mutex
	byID    map[string]*resident // in memory, or being loaded
	outside map[string]leftOut   // neither
}

const (
	loaders    = 2
	retryAfter = 5 * time.Second
	checkEvery = 4096 // rows
)

// find returns a layer's state, and its definition as of that state.
func (rs *residents) find(layer string) (*layers.Layer, *snapshot) {
	rs.mu.Lock()
	r := rs.byID[layer]
	rs.mu.Unlock()
	if r == nil {
		return nil, nil
	}
	s := r.state.Load()
	if s == nil {
		return nil, nil
	}
	return r.layer, s
}

// apply takes all of a layer's changes up to a position, before its tiles are
// invalidated, and returns where else tiles look different because of it (CRS84).
func (rs *residents) apply(layer string, changes []layers.Change, upTo layers.Position, anew bool) (also []orb.Bound) {
	if anew {
		rs.reload(layer)
		return nil
	}
	rs.mu.Lock()
	r := rs.byID[layer]
	rs.mu.Unlock()
	if r == nil {
		return nil
	}
	if err := guard(func() error { also = r.follow(changes, upTo); return nil }); err != nil {
		rs.failed(r, err)
		rs.redraw(layer)
		return nil
	}
	if r.needsMerge(mergeLeast) {
		rs.merges.add(r)
	}
	return also
}

// reload drops a layer's state and reads it again.
func (rs *residents) reload(layer string) {
	if rs.memory < 0 {
		return
	}
	rs.mu.Lock()
	rs.drop(layer)
	rs.mu.Unlock()
	rs.loads.add(layer)
}

// reset reads everything again, also what nobody has heard of.
func (rs *residents) reset() {
	if rs.memory < 0 {
		return
	}
	rs.mu.Lock()
	for _, id := range slices.Collect(maps.Keys(rs.byID)) {
		rs.drop(id)
	}
	clear(rs.outside)
	rs.mu.Unlock()
	rs.loads.add("")
}

// drop forgets a layer, whether it is in memory or not. The caller holds the lock.
func (rs *residents) drop(layer string) {
	if r := rs.byID[layer]; r != nil {
		r.mu.Lock()
		r.gone = true
		r.mu.Unlock()
		delete(rs.byID, layer)
	}
	delete(rs.outside, layer)
}

// dropThis is drop, unless another has taken the place of r.
func (rs *residents) dropThis(r *resident) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.byID[r.id] != r {
		return false
	}
	rs.drop(r.id)
	return true
}

// run loads all layers, the small ones first, and then keeps them.
func (rs *residents) run(ctx context.Context) error {
	if rs.memory < 0 {
		rs.report(0, 0, "", 0, "")
		<-ctx.Done()
		return ctx.Err()
	}
	entries, err := rs.list(ctx)
	if err != nil {
		return err
	}
	rs.sweep(entries)
	first, fctx := errgroup.WithContext(ctx)
	first.SetLimit(loaders)
	var mu sync.Mutex
	done := 0
	for _, e := range entries {
		first.Go(func() error {
			from := rs.load(fctx, e.ID)
			mu.Lock()
			defer mu.Unlock()
			done++
			rs.report(done, len(entries), e.ID, int(e.Status.Count), from)
			return fctx.Err()
		})
	}
	all, actx := errgroup.WithContext(ctx)
	all.Go(func() error { return rs.mergeAll(actx) })
	all.Go(func() error { return rs.reconsider(actx) })
	all.Go(func() error {
		if err := first.Wait(); err != nil {
			return err
		}
		rs.report(len(entries), len(entries), "", 0, "")
		return rs.keepFiled(actx)
	})
	all.Go(func() error { return rs.loadAll(actx) })
	err = all.Wait()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), fileWithin)
	defer cancel()
	rs.fileAll(closing, true)
	return err
}

// list returns the layers, the small ones first.
func (rs *residents) list(ctx context.Context) ([]layers.Entry, error) {
	for {
		entries, _, err := rs.src.As(layers.Owner).Layers(ctx)
		if err == nil {
			slices.SortStableFunc(entries, func(a, b layers.Entry) int { return cmp.Compare(a.Status.Count, b.Status.Count) })
			return entries, nil
		}
		rs.log.WarnContext(ctx, "the layers can't be listed to be loaded; trying again", "error", err)
		select {
		case <-time.After(retryAfter):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// loadAll reads what is to be read, one layer after the other.
func (rs *residents) loadAll(ctx context.Context) error {
	for {
		layer, err := rs.loads.take(ctx)
		if err != nil {
			return err
		}
		if layer != "" {
			rs.load(ctx, layer)
			continue
		}
		entries, err := rs.list(ctx)
		if err != nil {
			return err
		}
		for _, e := range entries {
			rs.load(ctx, e.ID)
		}
	}
}

// total returns how many layers are in memory, how many of them were read from the
// disk, and what they take.
func (rs *residents) total() (n, disk int, size int64) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, r := range rs.byID {
		if s := r.state.Load(); s != nil {
			n, size = n+1, size+s.size()
			if r.from == fromDisk {
				disk++
			}
		}
	}
	return n, disk, size
}
