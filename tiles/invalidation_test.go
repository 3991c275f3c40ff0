package tiles_test

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"
	"pgregory.net/rapid"

	"onemap/layers"
	"onemap/layers/gpkg"
	"onemap/tiles"
)

// world is a store, a service on it, and the place in the log up to which the
// service was told.
type world struct {
	store   *gpkg.Store
	service *tiles.Service
	at      layers.Cursor
	layer   string
}

func TestEveryTileThatAnEditChangesIsForgotten(t *testing.T) {
	ctx := context.Background()
	store, err := gpkg.Open(ctx, filepath.Join(t.TempDir(), "onemap.gpkg"), gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	w := newWorld(ctx, t, store)
	rapid.Check(t, func(t *rapid.T) {
		w.empty(ctx, t)
		for range rapid.IntRange(1, 2).Draw(t, "steps") {
			edits := w.edits(t)
			near := w.tilesNear(ctx, t, edits)
			before := map[tiles.Coord]*tiles.Tile{}
			for _, c := range near {
				before[c] = w.tile(ctx, t, c)
			}
			if _, err := store.Apply(ctx, layers.Actor{Name: "test"}, w.layer, edits); err != nil {
				t.Fatal(err)
			}
			w.follow(ctx, t)
			r := store.As(layers.Official)
			e, err := r.Layer(ctx, w.layer)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range near {
				want, err := tiles.Encode(ctx, r, e.Layer, c)
				if err != nil {
					t.Fatal(err)
				}
				if got := w.tile(ctx, t, c); !bytes.Equal(got.Raw, want) {
					t.Fatalf("tile %s is old after %v (it changed: %v)", c, edits, !bytes.Equal(before[c].Raw, want))
				}
			}
		}
	})
}

func newWorld(ctx context.Context, t *testing.T, store *gpkg.Store) *world {
	service, err := tiles.New(store, tiles.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{store: store, service: service, layer: "moving"}
	if w.at, err = store.DefineLayer(ctx, layers.Actor{Name: "test"}, &layers.Layer{
		ID: w.layer, Title: layers.Text{Zh: "示例"}, Sharing: layers.Unconditional, UpdateCycle: layers.Irregular, Geometry: layers.AnyGeometry,
		Schema: layers.Schema{{Name: "level", Type: layers.Integer}},
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

// empty deletes what the round before left, so that rounds don't depend on each
// other.
func (w *world) empty(ctx context.Context, t *rapid.T) {
	page, err := w.store.As(layers.Owner).Query(ctx, layers.Query{Layer: w.layer, Limit: 100, SkipGeometry: true})
	if err != nil {
		t.Fatal(err)
	}
	var edits []layers.Edit
	for _, f := range page.Features {
		edits = append(edits, layers.Edit{Op: layers.Delete, ID: f.ID})
	}
	if len(edits) == 0 {
		return
	}
	if _, err := w.store.Apply(ctx, layers.Actor{Name: "test"}, w.layer, edits); err != nil {
		t.Fatal(err)
	}
	w.follow(ctx, t)
}

// follow tells the service what happened, as the feed does.
func (w *world) follow(ctx context.Context, t *rapid.T) {
	for {
		commits, err := w.store.Changes(ctx, w.at, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(commits) == 0 {
			return
		}
		w.service.Apply(commits)
		w.at.Position = commits[len(commits)-1].Position()
	}
}

func (w *world) tile(ctx context.Context, t *rapid.T, c tiles.Coord) *tiles.Tile {
	tile, err := w.service.Tile(ctx, layers.Official, []string{w.layer}, c.Z, c.X, c.Y)
	if err != nil {
		t.Fatal(err)
	}
	return tile
}

// edits draws edits of a handful of features: they appear, move, change and go.
func (w *world) edits(t *rapid.T) []layers.Edit {
	var out []layers.Edit
	for _, id := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3, rapid.ID).Draw(t, "ids") {
		e := layers.Edit{Op: layers.Put, ID: id, Properties: map[string]any{"level": rapid.Int64Range(-2, 2).Draw(t, "level")}}
		if rapid.IntRange(0, 9).Draw(t, "null") > 0 {
			e.Geometry = drawGeometry(t)
		}
		if f, _, err := w.store.As(layers.Owner).Feature(context.Background(), w.layer, id); err == nil {
			switch rapid.IntRange(0, 4).Draw(t, "op") {
			case 0:
				e = layers.Edit{Op: layers.Delete, ID: id}
			case 1:
				e.Op, e.Geometry, e.KeepGeometry = layers.Patch, nil, true
			case 2: // moves a little
				e.Geometry = geom.NewPointFlat(geom.XY, shifted(t, f.Geometry))
			}
		}
		out = append(out, e)
	}
	return out
}

func shifted(t *rapid.T, g geom.T) []float64 {
	b, ok := layers.BoundOf(g)
	if !ok {
		return []float64{108, 22}
	}
	by := rapid.Float64Range(-1e-6, 1e-6)
	return []float64{clamp(b.Min[0]+by.Draw(t, "dx"), 180), clamp(b.Min[1]+by.Draw(t, "dy"), 90)}
}

func clamp(v, limit float64) float64 { return min(max(v, -limit), limit) }

// drawGeometry draws any geometry, from centimetres to continents.
func drawGeometry(t *rapid.T) geom.T {
	lon := rapid.OneOf(rapid.Float64Range(104, 113), rapid.Float64Range(-180, 180), rapid.SampledFrom([]float64{-180, 0, 180})).Draw(t, "lon")
	lat := rapid.OneOf(rapid.Float64Range(20, 27), rapid.Float64Range(-90, 90), rapid.SampledFrom([]float64{-90, 0, 85.0511, 90})).Draw(t, "lat")
	size := rapid.SampledFrom([]float64{1e-7, 1e-4, 0.01, 1, 30}).Draw(t, "size")
	at := func(dx, dy float64) []float64 { return []float64{clamp(lon+dx*size, 180), clamp(lat+dy*size, 90)} }
	flat := func(ps ...[]float64) (out []float64) {
		for _, p := range ps {
			out = append(out, p...)
		}
		return out
	}
	switch rapid.IntRange(0, 5).Draw(t, "type") {
	case 0:
		return geom.NewPointFlat(geom.XY, at(0, 0))
	case 1:
		return geom.NewMultiPointFlat(geom.XY, flat(at(0, 0), at(1, 0), at(5, -3)))
	case 2:
		return geom.NewLineStringFlat(geom.XY, flat(at(0, 0), at(1, 0.3), at(2, -1)))
	case 3:
		return geom.NewPolygonFlat(geom.XY, flat(at(0, 0), at(1, 0), at(0.5, 1), at(0, 0)), []int{8})
	case 4:
		return geom.NewMultiPolygonFlat(geom.XY, flat(at(0, 0), at(1, 0), at(0.5, 1), at(0, 0), at(3, 3), at(4, 3), at(3.5, 4), at(3, 3)), [][]int{{8}, {16}})
	default:
		return geom.NewGeometryCollection().MustPush(geom.NewPointFlat(geom.XY, at(0, 0)), geom.NewLineStringFlat(geom.XY, flat(at(2, 2), at(3, 3))))
	}
}

// tilesNear draws tiles around what the edits touch, before and after, where
// mistakes of the arithmetic would be: at their corners and next to them.
func (w *world) tilesNear(ctx context.Context, t *rapid.T, edits []layers.Edit) (out []tiles.Coord) {
	var bounds []orb.Bound
	for _, e := range edits {
		if b, ok := layers.BoundOf(e.Geometry); ok {
			bounds = append(bounds, b)
		}
		if f, _, err := w.store.As(layers.Owner).Feature(ctx, w.layer, e.ID); err == nil {
			if b, ok := layers.BoundOf(f.Geometry); ok {
				bounds = append(bounds, b)
			}
		}
	}
	seen := map[tiles.Coord]bool{}
	for _, b := range bounds {
		corner := rapid.SampledFrom([]orb.Point{b.Min, b.Max, b.Center()}).Draw(t, "corner")
		z := rapid.IntRange(0, tiles.MaxZoom).Draw(t, "z")
		c := tiles.At(corner[0], corner[1], z)
		for dx := -1; dx <= 1; dx++ {
			for dy := -1; dy <= 1; dy++ {
				n := tiles.Coord{Z: z, X: c.X + dx, Y: c.Y + dy}
				if n.Check() == nil && !seen[n] {
					seen[n] = true
					out = append(out, n)
				}
			}
		}
	}
	return out
}
