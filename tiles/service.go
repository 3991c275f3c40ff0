package tiles

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/paulmach/orb"

	"onemap/layers"
	"onemap/tiles/coverage"
)

// Source is where the service reads: a store, or a part of one.
type Source interface {
	As(layers.View) layers.Reader
}

// Options are the settings of a Service. The zero value is good.
type Options struct {
	CacheBytes int64      // what cached tiles may take, 256 MiB unless set; or NoCache
	Encoders   int        // tiles encoded at a time, of the store and of memory each: one a processor and two at least unless set
	Bounds     *orb.Bound // CRS84: TileJSON's bounds cover at least this; see TileJSON
	PushDown   int64      // a layer of more features than this has its tiles made by the store, if it can; 0: none
	Memory     int64      // what layers in memory may take, 2 GiB unless set; or NoMemory; see Run
	TileBytes  int        // what a resident layer's tile may take before compression, 150 kB unless set
	// Tolerance is how far outlines of layers in memory may be from the data, in tile
	// units, coverage.DefaultTolerance unless set; negative: no vertex is left out.
	Tolerance float64
	// WaitFor returns when Apply was told of everything up to a position. Run needs
	// it: a layer is complete when what a scan saw has been heard of.
	WaitFor func(context.Context, layers.Position) error
	// Redrawn hears of layers all of whose tiles look different though nothing in them
	// changed: they merge in other cells, or came into memory, or left it.
	Redrawn func(layer string)
	// Progress hears how far Run's first load is, and from where the layer was read
	// (disk, store, or nothing: it is not in memory); layer is empty when it is done.
	Progress func(done, of int, layer string, features int, from string)
	// Dir is where layers in memory are written to, so that a start reads them there;
	// empty: nowhere. It needs Cursor, up to which Apply was told of everything.
	Dir    string
	Cursor func() layers.Cursor
	Log    *slog.Logger
}

const (
	defaultCacheBytes = 256 << 20
	defaultMemory     = 2 << 30
)

// NoCache is a cache that no tile is small enough for: every tile is made anew.
const NoCache = 1

// NoMemory is a memory that no layer is small enough for.
const NoMemory = -1

// Service serves tiles to views. It is a sink of the feed: after Apply returned,
// no call of Tile answers with what was before. All methods may be called
// concurrently.
type Service struct {
	src     Source
	cache   *cache
	packer  *packer
	push    int64
	kept    *residents
	drafts  sync.Pool
	shares  shares
	thinned thinned
	redrawn func(layer string)
	// Tiles of the store take long, and those of memory don't wait for them.
	ofStore, ofMemory turns
	bounds            *orb.Bound
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
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	if o.TileBytes <= 0 {
		o.TileBytes = defaultBudget
	}
	if o.Tolerance == 0 {
		o.Tolerance = coverage.DefaultTolerance
	}
	if o.Redrawn == nil {
		o.Redrawn = func(string) {}
	}
	if o.Progress == nil {
		o.Progress = func(int, int, string, int, string) {}
	}
	packer, err := newPacker()
	if err != nil {
		return nil, err
	}
	s := &Service{src: src, cache: c, packer: packer, push: o.PushDown, ofStore: make(turns, o.Encoders), ofMemory: make(turns, o.Encoders), bounds: o.Bounds, redrawn: o.Redrawn,
		thinned: thinned{plans: map[string]*plan{}}, shares: shares{sets: map[string]*share{}, layers: map[string]*[MaxZoom + 1]uint8{}},
	}
	s.drafts.New = func() any { return new(draft) }
	s.kept = &residents{
		src: src, log: o.Log, memory: o.Memory, budget: int64(o.TileBytes), waitFor: o.WaitFor, report: o.Progress,
		redraw: func(layer string) { c.invalidateLayer(layer); o.Redrawn(layer) }, most: o.PushDown, tolerance: o.Tolerance,
		files: files{dir: o.Dir, cursor: o.Cursor, least: worthFiling},
		byID:  map[string]*resident{}, outside: map[string]leftOut{}, again: time.Minute,
	}
	return s, nil
}

// Run loads the layers into memory, one after the other, and keeps them there
// until ctx ends. Tiles are served without it, and of layers that are not loaded,
// from the store.
func (s *Service) Run(ctx context.Context) error { return s.kept.run(ctx) }

// Tile returns the tile of one layer, or of several in the order asked. A layer
// that the view does not see is NotFound, cached or not.
func (s *Service) Tile(ctx context.Context, view layers.View, layerIDs []string, z, x, y int) (*Tile, error) {
	return s.TileOf(ctx, view, layerIDs, Coord{z, x, y}, Variant{})
}

// TileOf is Tile for a variant.
func (s *Service) TileOf(ctx context.Context, view layers.View, layerIDs []string, c Coord, v Variant) (*Tile, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	seen, err := s.see(ctx, view, layerIDs)
	if err != nil {
		return nil, err
	}
	if v, err = v.fit(seen); err != nil {
		return nil, err
	}
	if len(seen) == 1 {
		return s.layerTile(ctx, view, seen[0], c, v)
	}
	return s.composite(ctx, view, seen, c, v)
}

// see returns the layers' definitions, as far as the view may see them all. It is
// the store that says so: a layer in memory is as old as the feed.
func (s *Service) see(ctx context.Context, view layers.View, ids []string) ([]*layers.Layer, error) {
	if err := checkLayers(ids); err != nil {
		return nil, err
	}
	r := s.src.As(view)
	seen := make([]*layers.Layer, len(ids))
	for i, id := range ids {
		l, err := r.Definition(ctx, id)
		if err != nil {
			return nil, err
		}
		seen[i] = l
	}
	return seen, nil
}

func (s *Service) layerTile(ctx context.Context, view layers.View, l *layers.Layer, c Coord, v Variant) (*Tile, error) {
	k := key{layer: l.ID, class: v.class(view, l), at: c}
	turns, quick := s.ofStore, s.Kept(l.ID) && v.choice(l.ID, l.Schema).fromMemory()
	if quick {
		turns = s.ofMemory
	}
	return s.cache.get(ctx, k, turns, quick, func(ctx context.Context) (*Tile, error) {
		if _, state := s.kept.find(k.layer); state != nil && v.choice(k.layer, state.format.schema).fromMemory() {
			return s.packer.pack(s.fromMemory(state, k.layer, c, v)), nil
		}
		// The definition is read again: the one above may have changed before the
		// cache knew that this tile is being loaded.
		r := s.src.As(view)
		e, err := r.Layer(ctx, k.layer)
		if err != nil {
			return nil, err
		}
		raw, err := s.make(ctx, r, e, c, v)
		if err != nil {
			return nil, err
		}
		return s.packer.pack(raw), nil
	})
}

// fromMemory encodes a tile. One that is too large has its zoom merge in coarser
// cells than planned, if that helps.
func (s *Service) fromMemory(state *snapshot, layer string, c Coord, v Variant) []byte {
	d := s.drafts.Get().(*draft)
	d.variant = v
	raw, needed := state.choose(v.choice(layer, state.format.schema)).fit(d, layer, c, v, s.kept.limit(state.format))
	s.drafts.Put(d) // not after a panic
	if needed > 0 {
		s.kept.coarsen(layer, c.Z, needed)
	}
	return raw
}

// fit encodes a tile, in coarser cells than planned if it is larger than the limit and
// that helps. It returns the cells that were needed, 0 if they were the planned ones.
func (s *snapshot) fit(d *draft, layer string, c Coord, v Variant, limit int) (raw []byte, needed uint8) {
	try := *s
	try.plan[c.Z] = try.format.coarserBy(try.plan[c.Z], v.coarser)
	raw = try.encode(d, layer, c)
	for k, ok := try.format.coarser(try.plan[c.Z]); ok && v.agg == "" && v.coarser == 0 && len(raw) > limit; k, ok = try.format.coarser(k) {
		try.plan[c.Z] = k
		if smaller := try.encode(d, layer, c); len(smaller) < len(raw) {
			raw, needed = smaller, k
		}
	}
	return raw, needed
}

// make encodes a tile, or has the store make it. If it is too large, or others of its
// zoom were, its features merge.
func (s *Service) make(ctx context.Context, r layers.Reader, e layers.Entry, c Coord, v Variant) ([]byte, error) {
	chosen := v.choice(e.ID, e.Schema)
	if v.agg != "" {
		return encodeCellsOf(ctx, &draft{variant: v}, choose(r, chosen), e.Layer, c)
	}
	if s.thinned.of(e.ID)[c.Z] == 0 && v.coarser == 0 {
		raw, err := s.whole(ctx, r, e, c, v, chosen)
		if err != nil || len(raw) <= s.kept.limit(formatOf(e.Layer, -1)) {
			return raw, err
		}
	}
	return s.thin(ctx, choose(r, chosen), e.Layer, c, v)
}

// whole is a tile with every feature by itself.
func (s *Service) whole(ctx context.Context, r layers.Reader, e layers.Entry, c Coord, v Variant, chosen choice) ([]byte, error) {
	if store, ok := r.(layers.TileMaker); ok && !v.some && !chosen.any() && (s.push > 0 && e.Status.Count > s.push || s.kept.isTooLarge(e.ID)) {
		return store.MakeTile(ctx, e.ID, c.spec(v.extent()))
	}
	return encode(ctx, choose(r, chosen), e.Layer, c, v)
}

// Apply forgets the tiles that the commits touch: at the old and the new place of
// each feature, at every zoom.
func (s *Service) Apply(commits []layers.Commit) {
	type change struct {
		all   bool
		list  []layers.Change
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
				l.list, l.moved = append(l.list, ch), append(l.moved, ch.Old, ch.New)
			default:
				l.all = true
			}
		}
	}
	for id, l := range byLayer {
		also := s.kept.apply(id, l.list, commits[len(commits)-1].Position(), l.all)
		if !l.all {
			l.all = guard(func() error {
				s.cache.invalidate(id, append(places(l.moved...), also...), s.margin(id))
				return nil
			}) != nil // they may be anywhere
		}
		if l.all {
			s.cache.invalidateLayer(id)
		}
	}
}

// margin returns how far from a change, in tile units, a layer's tiles may look
// different. Where features merge, another one may be drawn for them, which lies
// in the same cell and reaches into the next.
func (s *Service) margin(layer string) func(z int) float64 {
	_, state := s.kept.find(layer)
	thinned := s.thinned.of(layer)
	return func(z int) float64 {
		var k uint8
		switch {
		case state == nil:
			if thinned[z] > 0 || s.shares.ofLayer(layer, z) > 0 {
				k = uint8(coarsest) // and what was only tried
			}
		case state.format.shapes:
			k = state.format.coarserBy(state.plan[z], s.shares.ofLayer(layer, z))
		}
		if k == 0 {
			return scanMargin
		}
		return scanMargin + 2*float64(int(TileExtent)>>k)
	}
}

// Reset forgets everything: what happened before head is not known.
func (s *Service) Reset(layers.Cursor) {
	s.kept.reset()
	s.cache.clear()
}

// Kept reports whether a layer's tiles are made from memory.
func (s *Service) Kept(layer string) bool {
	_, state := s.kept.find(layer)
	return state != nil
}

// SourceZoom returns the deepest zoom of which a client needs a layer's tiles. It
// changes as the layer does.
func (s *Service) SourceZoom(layer string) int {
	if _, state := s.kept.find(layer); state != nil {
		return state.plan.sourceZoom()
	}
	p := s.thinned.of(layer)
	return p.sourceZoom()
}

// Stats counts what the cache did since the start.
type Stats struct {
	Hits, Misses int64 // calls answered from the cache, and not
	Loads        int64 // tiles encoded, waiters not counted
	Failures     int64 // loads that ended in an error
	Discarded    int64 // loads that an invalidation overtook
	Invalidated  int64 // cached tiles that a change made old
	Layers       int   // layers in memory
	LayersOfDisk int   // those of them that were read from Options.Dir
	LayerBytes   int64 // what they take
	Entries      int   // tiles cached now, about
	Bytes        int64 // what they take, about
}

// Stats returns the counters for metrics.
func (s *Service) Stats() Stats {
	c := s.cache
	n, disk, size := s.kept.total()
	return Stats{
		Layers: n, LayersOfDisk: disk, LayerBytes: size,
		Hits: c.hits.Load(), Misses: c.misses.Load(), Loads: c.loads.Load(), Failures: c.failures.Load(),
		Discarded: c.discarded.Load(), Invalidated: c.invalidated.Load(),
		Entries: c.entries.EstimatedSize(), Bytes: int64(c.entries.WeightedSize()),
	}
}
