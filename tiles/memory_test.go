package tiles

import (
	"context"
	"iter"
	"slices"
	"sync"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkt"

	"onemap/layers"
)

// memory is a Source for tests that need to hold a scan at a certain point or
// don't care where features come from. Methods of Reader that tiles never call
// panic.
type memory struct {
	mu       sync.Mutex
	layers   map[string]*layers.Layer
	features map[string][]*layers.Feature
	onScan   func() // called before a scan reads
}

func newMemory(ls ...*layers.Layer) *memory {
	m := &memory{layers: map[string]*layers.Layer{}, features: map[string][]*layers.Feature{}}
	for _, l := range ls {
		m.layers[l.ID] = l
	}
	return m
}

func (m *memory) put(layer string, fs ...*layers.Feature) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.features[layer] = append(slices.Clone(m.features[layer]), fs...)
}

func (m *memory) set(layer string, fs ...*layers.Feature) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.features[layer] = fs
}

func (m *memory) As(v layers.View) layers.Reader { return &memoryReader{m: m, view: v} }

type memoryReader struct {
	layers.Reader
	m    *memory
	view layers.View
}

func (r *memoryReader) Layers(context.Context) (all []layers.Entry, _ layers.Position, _ error) {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	for id, l := range r.m.layers {
		all = append(all, layers.Entry{Layer: l, Status: layers.Status{Count: int64(len(r.m.features[id]))}})
	}
	return all, 0, nil
}

func (r *memoryReader) Definition(ctx context.Context, id string) (*layers.Layer, error) {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	return r.see(ctx, id)
}

// see is for who holds the lock.
func (r *memoryReader) see(ctx context.Context, id string) (*layers.Layer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := r.m.layers[id]
	if l == nil || !r.view.Sees(l) {
		return nil, layers.Errorf(layers.NotFound, "no layer %s", id)
	}
	return l, nil
}

func (r *memoryReader) Layer(ctx context.Context, id string) (layers.Entry, error) {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	l, err := r.see(ctx, id)
	if err != nil {
		return layers.Entry{}, err
	}
	e := layers.Entry{Layer: l}
	for _, f := range r.m.features[id] {
		if b, ok := layers.BoundOf(f.Geometry); ok && e.Status.Extent == nil {
			e.Status.Extent = &b
		} else if ok {
			*e.Status.Extent = e.Status.Extent.Union(b)
		}
	}
	return e, nil
}

func (r *memoryReader) Scan(ctx context.Context, id string, rg layers.Range) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		r.m.mu.Lock()
		l, fs, onScan := r.m.layers[id], r.m.features[id], r.m.onScan
		r.m.mu.Unlock()
		if onScan != nil {
			onScan()
		}
		for _, f := range fs {
			b, ok := layers.BoundOf(f.Geometry)
			if boxes := rg.Boxes(); boxes != nil && (!ok || !slices.ContainsFunc(boxes, b.Intersects)) {
				continue
			}
			rest := rg.Selection
			if rest.BBox = nil; l != nil && !rest.Matches(l, f) {
				continue
			}
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(f, nil) {
				return
			}
		}
	}
}

func testLayer(id string, schema ...layers.Attribute) *layers.Layer {
	return &layers.Layer{
		ID: id, Title: layers.Text{Zh: "示例" + id}, Sharing: layers.Unconditional, Open: true,
		UpdateCycle: layers.Irregular, Geometry: layers.AnyGeometry, Schema: schema,
	}
}

// in returns the geometry whose WKT is written in the tile's own units. Snapped
// to the tile's grid, it has these coordinates again.
func in(t testing.TB, c Coord, text string) geom.T {
	t.Helper()
	g, err := wkt.Unmarshal(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	toLonLat(g, c)
	return g
}

func toLonLat(g geom.T, c Coord) {
	if gc, ok := g.(*geom.GeometryCollection); ok {
		for _, part := range gc.Geoms() {
			toLonLat(part, c)
		}
		return
	}
	flat := g.FlatCoords()
	for i := 0; i < len(flat); i += g.Stride() {
		p := gridOf(c.Z).unproject(float64(c.X)*TileExtent+flat[i], float64(c.Y)*TileExtent+flat[i+1])
		flat[i], flat[i+1] = p[0], p[1]
	}
}

func feature(num int64, g geom.T, properties map[string]any) *layers.Feature {
	return &layers.Feature{ID: "f" + string(rune('0'+num%10)), Num: num, Geometry: g, Properties: properties}
}

func decode(t testing.TB, raw []byte) mvt.Layers {
	t.Helper()
	ls, err := mvt.Unmarshal(raw)
	if err != nil {
		t.Fatalf("the tile can't be read: %v", err)
	}
	return ls
}

// encodeOne returns the features that a tile makes of one geometry.
func encodeOne(t testing.TB, c Coord, g geom.T) []orb.Geometry {
	t.Helper()
	l := testLayer("one")
	m := newMemory(l)
	m.put("one", feature(1, g, nil))
	raw, err := Encode(context.Background(), m.As(layers.Public), l, c)
	if err != nil {
		t.Fatal(err)
	}
	var out []orb.Geometry
	for _, l := range decode(t, raw) {
		for _, f := range l.Features {
			out = append(out, f.Geometry)
		}
	}
	return out
}
