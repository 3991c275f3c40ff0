package tiles

import (
	"cmp"
	"context"
	"errors"
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
	files

	mu       sync.Mutex
	byID     map[string]*resident
	tooLarge map[string]bool
	jobs     []job
	wake     chan struct{}
}

// job is a layer to load, one that is to get a new base, or all to load.
type job struct {
	layer string
	merge *resident
	all   bool
}

const (
	loaders    = 2
	retryAfter = 5 * time.Second
	checkEvery = 4096 // rows
)

var (
	errGone       = errors.New("the layer was defined anew meanwhile")
	errPushedDown = errors.New("the layer has more features than tiles.pushDown")
	errTooLarge   = errors.New("the layer does not fit into what is left of tiles.memory")
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
func (rs *residents) apply(layer string, changes []layers.Change, upTo layers.Position, anew bool) []orb.Bound {
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
	also := r.follow(changes, upTo)
	if r.needsMerge() {
		rs.add(job{layer: layer, merge: r})
	}
	return also
}

// reload drops a layer's state and reads it again.
func (rs *residents) reload(layer string) {
	rs.mu.Lock()
	rs.drop(layer)
	rs.mu.Unlock()
	rs.add(job{layer: layer})
}

// reset reads everything again, also what nobody has heard of.
func (rs *residents) reset() {
	rs.mu.Lock()
	for _, id := range slices.Collect(maps.Keys(rs.byID)) {
		rs.drop(id)
	}
	rs.mu.Unlock()
	rs.add(job{all: true})
}

// drop forgets a layer. The caller holds the lock.
func (rs *residents) drop(layer string) {
	if r := rs.byID[layer]; r != nil {
		r.mu.Lock()
		r.gone = true
		r.mu.Unlock()
		delete(rs.byID, layer)
	}
	delete(rs.tooLarge, layer)
}

func (rs *residents) add(j job) {
	if rs.memory < 0 {
		return
	}
	rs.mu.Lock()
	rs.jobs = append(rs.jobs, j)
	rs.mu.Unlock()
	select {
	case rs.wake <- struct{}{}:
	default:
	}
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
	all.Go(func() error {
		if err := first.Wait(); err != nil {
			return err
		}
		rs.report(len(entries), len(entries), "", 0, "")
		return rs.keepFiled(actx)
	})
	all.Go(func() error { return rs.work(actx) })
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

// work does what comes up, one job after the other.
func (rs *residents) work(ctx context.Context) error {
	for {
		rs.mu.Lock()
		var next []job
		next, rs.jobs = rs.jobs, nil
		rs.mu.Unlock()
		for _, j := range next {
			switch {
			case j.merge != nil:
				rs.merge(j)
			case j.all:
				entries, err := rs.list(ctx)
				if err != nil {
					return err
				}
				for _, e := range entries {
					rs.load(ctx, e.ID)
				}
			default:
				rs.load(ctx, j.layer)
			}
		}
		if len(next) > 0 {
			continue
		}
		select {
		case <-rs.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// room returns what of the memory other layers leave.
func (rs *residents) room(layer string) int64 {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	left := rs.memory
	for id, r := range rs.byID {
		if s := r.state.Load(); s != nil && id != layer {
			left -= s.size()
		}
	}
	return left
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

// isTooLarge reports whether the memory has no room for a layer.
func (rs *residents) isTooLarge(layer string) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.tooLarge[layer]
}

func (r *resident) isGone() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gone
}
