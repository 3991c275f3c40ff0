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
)

// key names a cached tile. A composite's layer and class are lists with commas,
// which no layer id contains.
type key struct {
	layer string
	class string // Variant.class: what the reader may see of the layer, and asked for
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

// flight is one load under way and those who wait for it.
type flight struct {
	ctx     context.Context // ends when nobody waits any more
	cancel  context.CancelFunc
	done    chan struct{}
	waiting int  // guarded by cache.mu
	stale   bool // an invalidation overtook it; guarded by cache.mu
	tile    *Tile
	err     error
}

// wait returns when the load has ended, or false when ctx has.
func (f *flight) wait(ctx context.Context) bool {
	select {
	case <-f.done: // before ctx is asked for its channel, which may cost a timer
		return true
	default:
	}
	select {
	case <-f.done:
		return true
	case <-ctx.Done():
		return false
	}
}

func newCache(maxBytes int64, log *slog.Logger) (*cache, error) {
	entries, err := otter.New(&otter.Options[key, entry]{
		MaximumWeight: uint64(maxBytes),
		Weigher: func(k key, e entry) uint32 {
			return uint32(min(e.tile.weight()+int64(len(k.layer)+len(e.parts)), math.MaxUint32))
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
// A quick load takes milliseconds. It is run by who asks first, to its end, if it
// need not wait for its turn: a goroutine of its own would cost as much as it.
func (c *cache) get(ctx context.Context, k key, turns turns, quick bool, load func(context.Context) (*Tile, error)) (*Tile, error) {
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
		var run func(context.Context) (*Tile, error)
		if f == nil {
			f, run = c.start(ctx, k), load
		}
		f.waiting++
		c.mu.Unlock()
		switch {
		case run == nil:
		case quick && turns.free():
			c.run(k, f, run)
			turns.end()
		default:
			go func() {
				err := turns.wait(f.ctx)
				if err != nil {
					c.land(k, f, nil, err)
					return
				}
				defer turns.end()
				c.run(k, f, run)
			}()
		}

		if !f.wait(ctx) {
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
func (c *cache) start(ctx context.Context, k key) *flight {
	f := &flight{done: make(chan struct{})}
	f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.flights[k] = f
	c.shelve(k)
	c.loads.Add(1)
	return f
}

func (c *cache) run(k key, f *flight, load func(context.Context) (*Tile, error)) {
	t, err := safely(f.ctx, load)
	c.land(k, f, t, err)
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
	f.cancel()
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
		c.weighed(k, t)
		c.entries.Set(k, entry{tile: t})
	}
	if c.flights[k] == f {
		delete(c.flights, k)
	}
	close(f.done)
	c.prune()
}

// weighed has a tile that is about to be cached weighed again whenever it grows, as
// long as it is the one that is cached.
func (c *cache) weighed(k key, t *Tile) {
	t.grew = func() {
		c.entries.ComputeIfPresent(k, func(now entry) (entry, otter.ComputeOp) {
			if now.tile != t {
				return now, otter.CancelOp
			}
			return now, otter.WriteOp
		})
	}
}

// join caches a composite, unless somebody has put together the same one meanwhile,
// and returns the one that is cached: so it is compressed once.
func (c *cache) join(k key, e entry) *Tile {
	c.weighed(k, e.tile)
	now, _ := c.entries.Compute(k, func(old entry, found bool) (entry, otter.ComputeOp) {
		if found && old.parts == e.parts {
			return old, otter.CancelOp
		}
		return e, otter.WriteOp
	})
	return now.tile
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

// otterLog passes what otter has to say to our log.
type otterLog struct{ log *slog.Logger }

func (l otterLog) Warn(ctx context.Context, msg string, err error) {
	l.log.WarnContext(ctx, "tile cache: "+msg, "error", err)
}

func (l otterLog) Error(ctx context.Context, msg string, err error) {
	l.log.ErrorContext(ctx, "tile cache: "+msg, "error", err)
}
