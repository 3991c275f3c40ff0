package tiles

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strings"

	"github.com/paulmach/orb"
	"golang.org/x/sync/errgroup"

	"onemap/layers"
)

// Source is where the service reads: a store, or a part of one.
type Source interface {
	As(layers.View) layers.Reader
}

// Options are the settings of a Service. The zero value is good.
type Options struct {
	CacheBytes int64      // what cached tiles may take, 256 MiB unless set; or NoCache
	Encoders   int        // tiles encoded at a time, one a processor and two at least unless set
	Bounds     *orb.Bound // CRS84: TileJSON's bounds cover at least this; see TileJSON
	PushDown   int64      // a layer of more features than this has its tiles made by the store, if it can; 0: none
	Log        *slog.Logger
}

const defaultCacheBytes = 256 << 20

// NoCache is a cache that no tile is small enough for: every tile is made anew.
const NoCache = 1

// Service serves tiles to views. It is a sink of the feed: after Apply returned,
// no call of Tile answers with what was before. All methods may be called
// concurrently.
type Service struct {
	src    Source
	cache  *cache
	packer packer
	push   int64
	slots  chan struct{} // one for each tile that is being encoded
	bounds *orb.Bound
}

// New returns a Service that reads from src.
func New(src Source, o Options) (*Service, error) {
	if o.CacheBytes <= 0 {
		o.CacheBytes = defaultCacheBytes
	}
	if o.Encoders <= 0 {
		o.Encoders = max(2, runtime.GOMAXPROCS(0))
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c, err := newCache(o.CacheBytes, o.Log)
	if err != nil {
		return nil, err
	}
	return &Service{src: src, cache: c, push: o.PushDown, slots: make(chan struct{}, o.Encoders), bounds: o.Bounds}, nil
}

// Tile returns the tile of one layer, or of several in the order asked. A layer
// that the view does not see is NotFound, cached or not.
func (s *Service) Tile(ctx context.Context, view layers.View, layerIDs []string, z, x, y int) (*Tile, error) {
	c := Coord{z, x, y}
	if err := c.Check(); err != nil {
		return nil, err
	}
	seen, err := s.see(ctx, view, layerIDs)
	if err != nil {
		return nil, err
	}
	if len(seen) == 1 {
		return s.layerTile(ctx, view, seen[0], c)
	}
	return s.composite(ctx, view, seen, c)
}

// see returns the layers' definitions, as far as the view may see them all.
func (s *Service) see(ctx context.Context, view layers.View, ids []string) ([]layers.Entry, error) {
	if err := checkLayers(ids); err != nil {
		return nil, err
	}
	r := s.src.As(view)
	seen := make([]layers.Entry, len(ids))
	for i, id := range ids {
		e, err := r.Layer(ctx, id)
		if err != nil {
			return nil, err
		}
		seen[i] = e
	}
	return seen, nil
}

func (s *Service) layerTile(ctx context.Context, view layers.View, e layers.Entry, c Coord) (*Tile, error) {
	k := key{layer: e.ID, class: view.Class(e.Layer), at: c}
	return s.cache.get(ctx, k, func(ctx context.Context) (*Tile, error) {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		// The definition is read again: the one above may have changed before the
		// cache knew that this tile is being loaded.
		r := s.src.As(view)
		e, err := r.Layer(ctx, k.layer)
		if err != nil {
			return nil, err
		}
		raw, err := s.make(ctx, r, e, c)
		if err != nil {
			return nil, err
		}
		return s.packer.pack(raw)
	})
}

// make encodes a tile, or has the store make it.
func (s *Service) make(ctx context.Context, r layers.Reader, e layers.Entry, c Coord) ([]byte, error) {
	if store, ok := r.(layers.TileMaker); ok && s.push > 0 && e.Status.Count > s.push {
		return store.MakeTile(ctx, e.ID, c.spec())
	}
	return Encode(ctx, r, e.Layer, c)
}

// composite joins the layers' tiles. A message followed by another is a valid
// message that has the fields of both, so joining is concatenating.
//
// A composite needs no invalidation of its own: it is cached with the entity
// tags of its parts, and holds as long as the parts have them.
func (s *Service) composite(ctx context.Context, view layers.View, seen []layers.Entry, c Coord) (*Tile, error) {
	parts := make([]*Tile, len(seen))
	g, gctx := errgroup.WithContext(ctx)
	for i, e := range seen {
		if t, ok := s.cache.cached(key{layer: e.ID, class: view.Class(e.Layer), at: c}); ok {
			parts[i] = t
			continue
		}
		g.Go(func() (err error) {
			parts[i], err = s.layerTile(gctx, view, e, c)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var ids, classes, tags []string
	var bodies [][]byte
	for i, e := range seen {
		ids, classes = append(ids, e.ID), append(classes, view.Class(e.Layer))
		tags, bodies = append(tags, parts[i].ETag), append(bodies, parts[i].Raw)
	}
	k := key{layer: strings.Join(ids, ","), class: strings.Join(classes, ","), at: c}
	etags := strings.Join(tags, ",")
	if e, ok := s.cache.entries.GetIfPresent(k); ok && e.parts == etags {
		return e.tile, nil
	}
	t, err := s.packer.pack(slices.Concat(bodies...))
	if err != nil {
		return nil, err
	}
	s.cache.entries.Set(k, entry{tile: t, parts: etags})
	return t, nil
}

// Apply forgets the tiles that the commits touch: at the old and the new place of
// each feature, at every zoom.
func (s *Service) Apply(commits []layers.Commit) {
	type change struct {
		all   bool
		moved []*layers.Feature
	}
	byLayer := map[string]*change{}
	for _, commit := range commits {
		for _, ch := range commit.Changes {
			l := byLayer[ch.Layer]
			if l == nil {
				l = &change{}
				byLayer[ch.Layer] = l
			}
			switch ch.Kind {
			case layers.ChangePut, layers.ChangeDelete:
				l.moved = append(l.moved, ch.Old, ch.New)
			default:
				l.all = true
			}
		}
	}
	for id, l := range byLayer {
		if l.all {
			s.cache.invalidateLayer(id)
		} else {
			s.cache.invalidate(id, places(l.moved...))
		}
	}
}

// Reset forgets everything: what happened before head is not known.
func (s *Service) Reset(layers.Cursor) { s.cache.clear() }

// Stats counts what the cache did since the start.
type Stats struct {
	Hits, Misses int64 // calls answered from the cache, and not
	Loads        int64 // tiles encoded, waiters not counted
	Failures     int64 // loads that ended in an error
	Discarded    int64 // loads that an invalidation overtook
	Invalidated  int64 // cached tiles that a change made old
	Entries      int   // tiles cached now, about
	Bytes        int64 // what they take, about
}

// Stats returns the counters for metrics.
func (s *Service) Stats() Stats {
	c := s.cache
	return Stats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Loads: c.loads.Load(), Failures: c.failures.Load(),
		Discarded: c.discarded.Load(), Invalidated: c.invalidated.Load(),
		Entries: c.entries.EstimatedSize(), Bytes: int64(c.entries.WeightedSize()),
	}
}
