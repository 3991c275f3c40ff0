package tiles

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"
	"github.com/paulmach/orb"
)

// key names a cached tile. A composite's layer and class are lists with commas,
// which no layer id contains.
type key struct {
	layer string
	class string // view.Class: what the reader may see of the layer
	at    Coord
}

// entry is a cached tile. A composite also has the entity tags of the tiles that
// it was put together from: it holds as long as they do.
type entry struct {
	tile  *Tile
	parts string
}

// cache keeps the layers' tiles, loads each missing one once, and forgets
// exactly what an invalidation names, loads under way included.
//
// otter bounds the bytes and chooses what to evict. The shelves beside it are the
// index by place, which otter has not: they hold every key that is cached or
// being loaded, and now and then one that was evicted. Loads end and
// invalidations happen under one lock, so a load that an invalidation overtook
// can't be stored after it.
type cache struct {
	entries *otter.Cache[key, entry]

	mu      sync.Mutex
	flights map[key]*flight
	shelves map[string]map[string]*shelf // by layer, by class
	size    int                          // keys on all shelves

	hits, misses, loads, failures, discarded, invalidated atomic.Int64
}

// shelf lists the tiles of one layer and class by zoom.
type shelf [MaxZoom + 1]map[Coord]struct{}

// flight is one load under way and those who wait for it.
type flight struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiting int  // guarded by cache.mu
	stale   bool // an invalidation overtook it; guarded by cache.mu
	tile    *Tile
	err     error
}

func newCache(maxBytes int64, log *slog.Logger) (*cache, error) {
	entries, err := otter.New(&otter.Options[key, entry]{
		MaximumWeight: uint64(maxBytes),
		Weigher: func(k key, e entry) uint32 {
			return uint32(min(int64(e.tile.weight()+len(k.layer)+len(e.parts)), math.MaxUint32))
		},
		// What it has to do after a write is less than a goroutine costs.
		Executor: func(task func()) { task() },
		Logger:   otterLog{log},
	})
	if err != nil {
		return nil, fmt.Errorf("make the tile cache: %w", err)
	}
	return &cache{entries: entries, flights: map[key]*flight{}, shelves: map[string]map[string]*shelf{}}, nil
}

// cached returns the tile if it is in the cache, and counts that as a hit.
func (c *cache) cached(k key) (*Tile, bool) {
	e, ok := c.entries.GetIfPresent(k)
	if ok {
		c.hits.Add(1)
	}
	return e.tile, ok
}

// get returns the cached tile or loads it. Whoever asks for a tile that is being
// loaded waits for that load. The load ends when nobody waits any more.
//
// What get returns was read no earlier than the call, or is cached and thus up
// to date with the invalidations.
//
// A quick load takes milliseconds at most and waits for nobody: it is run by who
// asks first, to its end, because a goroutine of its own would cost as much as it.
func (c *cache) get(ctx context.Context, k key, quick bool, load func(context.Context) (*Tile, error)) (*Tile, error) {
	if t, ok := c.cached(k); ok {
		return t, nil
	}
	c.misses.Add(1)
	for overtaken := false; ; overtaken = true {
		c.mu.Lock()
		if e, ok := c.entries.GetIfPresent(k); ok { // landed meanwhile
			c.mu.Unlock()
			return e.tile, nil
		}
		f := c.flights[k]
		var run func()
		if f == nil {
			f, run = c.start(ctx, k, load)
		}
		f.waiting++
		c.mu.Unlock()
		switch {
		case run != nil && quick:
			run()
		case run != nil:
			go run()
		}

		select {
		case <-f.done:
		case <-ctx.Done():
			c.leave(k, f)
			return nil, context.Cause(ctx)
		}
		// A load that was overtaken may have begun before this call. One that
		// began after it is good enough, even if it was overtaken as well: a layer
		// that changes all the time must not starve its readers.
		if !f.stale || overtaken {
			return f.tile, f.err
		}
	}
}

// start begins a load, which run does. The caller holds the lock.
func (c *cache) start(ctx context.Context, k key, load func(context.Context) (*Tile, error)) (f *flight, run func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f = &flight{done: make(chan struct{}), cancel: cancel}
	c.flights[k] = f
	c.shelve(k)
	c.loads.Add(1)
	return f, func() {
		defer cancel()
		t, err := safely(ctx, load)
		c.land(k, f, t, err)
	}
}

// safely turns a panic of a load into its error: others wait for it too, and on a
// goroutine of its own it would end the server instead of the request.
func safely(ctx context.Context, load func(context.Context) (*Tile, error)) (t *Tile, err error) {
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, fmt.Errorf("encoding a tile panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return load(ctx)
}

// land ends a load: it stores the tile unless an invalidation came in between.
func (c *cache) land(k key, f *flight, t *Tile, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.tile, f.err = t, err
	switch {
	case f.stale:
		c.discarded.Add(1)
	case err != nil:
		c.failures.Add(1)
		c.unshelve(k)
	default:
		c.entries.Set(k, entry{tile: t})
	}
	if c.flights[k] == f {
		delete(c.flights, k)
	}
	close(f.done)
	c.prune()
}

// leave takes back one waiter; the last one ends the load.
func (c *cache) leave(k key, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiting--; f.waiting > 0 {
		return
	}
	f.cancel()
	if c.flights[k] == f {
		f.stale = true // whoever comes next must not join it
		delete(c.flights, k)
	}
}

// invalidate forgets the layer's tiles that touch one of the places (CRS84), with
// a margin in tile units, by zoom.
func (c *cache) invalidate(layer string, at []orb.Bound, margin func(z int) float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for class, s := range c.shelves[layer] {
		for z, tiles := range s {
			for _, b := range at {
				if len(tiles) == 0 {
					break
				}
				area := touched(b, z, margin(z))
				if area.count() > len(tiles) {
					for t := range tiles {
						if area.has(t) {
							c.forget(key{layer, class, t})
						}
					}
					continue
				}
				for x := area.x0; x <= area.x1; x++ {
					for y := area.y0; y <= area.y1; y++ {
						t := Coord{z, x, y}
						if _, ok := tiles[t]; ok {
							c.forget(key{layer, class, t})
						}
					}
				}
			}
		}
	}
}

// invalidateLayer forgets all tiles of a layer.
func (c *cache) invalidateLayer(layer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for class, s := range c.shelves[layer] {
		for _, tiles := range s {
			for t := range tiles {
				c.forget(key{layer, class, t})
			}
		}
	}
	delete(c.shelves, layer)
}

// clear forgets everything.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.flights {
		f.stale = true
	}
	clear(c.flights)
	clear(c.shelves)
	c.size = 0
	c.invalidated.Add(int64(c.entries.EstimatedSize()))
	c.entries.InvalidateAll()
}

// forget drops one key, cached or being loaded. The caller holds the lock.
func (c *cache) forget(k key) {
	if f := c.flights[k]; f != nil {
		f.stale = true
		delete(c.flights, k)
	}
	if _, was := c.entries.Invalidate(k); was {
		c.invalidated.Add(1)
	}
	c.unshelve(k)
}

func (c *cache) shelve(k key) {
	byClass := c.shelves[k.layer]
	if byClass == nil {
		byClass = map[string]*shelf{}
		c.shelves[k.layer] = byClass
	}
	s := byClass[k.class]
	if s == nil {
		s = &shelf{}
		byClass[k.class] = s
	}
	if s[k.at.Z] == nil {
		s[k.at.Z] = map[Coord]struct{}{}
	}
	if _, ok := s[k.at.Z][k.at]; !ok {
		s[k.at.Z][k.at] = struct{}{}
		c.size++
	}
}

func (c *cache) unshelve(k key) {
	if s := c.shelves[k.layer][k.class]; s != nil {
		if _, ok := s[k.at.Z][k.at]; ok {
			delete(s[k.at.Z], k.at)
			c.size--
		}
	}
}

// prune takes evicted keys off the shelves, once they are the larger part. The
// caller holds the lock.
func (c *cache) prune() {
	if c.size <= 2*c.entries.EstimatedSize()+len(c.flights)+1024 {
		return
	}
	for layer, byClass := range c.shelves {
		for class, s := range byClass {
			for _, tiles := range s {
				for t := range tiles {
					k := key{layer, class, t}
					if _, cached := c.entries.GetEntryQuietly(k); !cached && c.flights[k] == nil {
						c.unshelve(k)
					}
				}
			}
		}
	}
}

// otterLog passes what otter has to say to our log.
type otterLog struct{ log *slog.Logger }

func (l otterLog) Warn(ctx context.Context, msg string, err error) {
	l.log.WarnContext(ctx, "tile cache: "+msg, "error", err)
}

func (l otterLog) Error(ctx context.Context, msg string, err error) {
	l.log.ErrorContext(ctx, "tile cache: "+msg, "error", err)
}
