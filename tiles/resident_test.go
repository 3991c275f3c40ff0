package tiles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/paulmach/orb/geojson"
	"github.com/twpayne/go-geom"
	"pgregory.net/rapid"

	"onemap/layers"
)

// keep runs the service and returns when its layers are in memory.
func keep(t testing.TB, src *memory, o Options) *Service {
	t.Helper()
	loaded := make(chan struct{})
	o.Progress = func(_, _ int, layer string, _ int, _ string) {
		if layer == "" {
			close(loaded)
		}
	}
	s := newService(t, src, o)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	<-loaded
	return s
}

var residentSchema = layers.Schema{
	{Name: "name", Type: layers.String}, {Name: "level", Type: layers.Number, Aggregate: true}, {Name: "state", Type: layers.String},
	{Name: "n", Type: layers.Integer, Aggregate: true}, {Name: "ok", Type: layers.Boolean},
}

// scene is a layer in a memory, a service that keeps it, and what is in it.
type scene struct {
	src     *memory
	service *Service
	layer   *layers.Layer
	now     map[int64]*layers.Feature
	next    int64
	commit  func([]layers.Change) // nil: the service is told at once
	hold    func(edit func())     // nil: edits happen at once
}

func newScene(t testing.TB, g layers.GeometryType, o Options) *scene {
	l := testLayer("kept", residentSchema...)
	l.Geometry = g
	l.Display = layers.Display{ColorBy: "state", Classes: []layers.Class{{Value: "好"}, {Value: "坏"}}}
	src := newMemory(l)
	return &scene{src: src, service: keep(t, src, o), layer: l, now: map[int64]*layers.Feature{}}
}

// draw draws a place; many share a few, and some are apart by less than a unit.
func (sc *scene) drawGeometry(t *rapid.T) geom.T {
	if rapid.IntRange(0, 19).Draw(t, "null") == 0 {
		return nil
	}
	lon := rapid.OneOf(rapid.SampledFrom([]float64{108, 108.00001, 108.2, -180, 180, 0}), rapid.Float64Range(107, 109)).Draw(t, "lon")
	lat := rapid.OneOf(rapid.SampledFrom([]float64{22.5, 22.500001, 23, 86, -86, 0}), rapid.Float64Range(22, 24)).Draw(t, "lat")
	if sc.layer.Geometry == layers.Point {
		return geom.NewPointFlat(geom.XY, []float64{lon, lat})
	}
	size := rapid.SampledFrom([]float64{1e-6, 1e-3, 0.05, 0.3}).Draw(t, "size")
	flat := []float64{lon, lat, lon + size, lat, lon + size, lat + size, lon, lat + size/2}
	switch rapid.IntRange(0, 5).Draw(t, "type") {
	case 4, 5:
		return parcel(rapid.IntRange(0, 3).Draw(t, "column"), rapid.IntRange(0, 2).Draw(t, "row"), rapid.SampledFrom([]float64{0.001, 0.02}).Draw(t, "unit"))
	case 0:
		return geom.NewPointFlat(geom.XY, flat[:2])
	case 1:
		return geom.NewLineStringFlat(geom.XY, flat)
	case 2:
		return geom.NewPolygonFlat(geom.XY, append(flat, lon, lat), []int{10})
	default:
		return geom.NewGeometryCollection().MustPush(geom.NewPointFlat(geom.XY, flat[6:]), geom.NewLineStringFlat(geom.XY, flat[:6]))
	}
}

// parcel returns one of a lattice of areas that share their borders with their
// neighbours, vertex by vertex.
func parcel(column, row int, unit float64) geom.T {
	const steps = 12
	corner := func(x, y int) []float64 { // every place of the lattice is always the same
		wobble := float64((x*7+y*13)%5) * unit / 40
		return []float64{108 + unit*float64(x)/steps + wobble, 22.5 + unit*float64(y)/steps - wobble}
	}
	var flat []float64
	x0, y0 := column*steps, row*steps
	for i := range steps {
		flat = append(flat, corner(x0+i, y0)...)
	}
	for i := range steps {
		flat = append(flat, corner(x0+steps, y0+i)...)
	}
	for i := range steps {
		flat = append(flat, corner(x0+steps-i, y0+steps)...)
	}
	for i := range steps {
		flat = append(flat, corner(x0, y0+steps-i)...)
	}
	flat = append(flat, flat[0], flat[1])
	return geom.NewPolygonFlat(geom.XY, flat, []int{len(flat)})
}

// edit changes some features, in the store and then, as the feed does, in the
// service.
func (sc *scene) edit(t *rapid.T, most int) {
	var changes []layers.Change
	for range rapid.IntRange(1, most).Draw(t, "edits") {
		ch := layers.Change{Layer: sc.layer.ID, Kind: layers.ChangePut}
		if nums := slices.Sorted(maps.Keys(sc.now)); len(nums) > 0 && rapid.Bool().Draw(t, "old") {
			ch.Old = sc.now[rapid.SampledFrom(nums).Draw(t, "which")]
		}
		if ch.Old == nil || rapid.IntRange(0, 3).Draw(t, "delete") > 0 {
			f := &layers.Feature{Geometry: sc.drawGeometry(t), Properties: map[string]any{
				"name": rapid.SampledFrom([]string{"甲", "乙", "丙"}).Draw(t, "name"), "level": float64(rapid.IntRange(0, 3000).Draw(t, "level")) / 1000,
				"n": rapid.Int64Range(-2, 300).Draw(t, "n"), "ok": rapid.Bool().Draw(t, "ok"),
			}}
			if s := rapid.SampledFrom([]string{"好", "坏", "未知", ""}).Draw(t, "state"); s != "" {
				f.Properties["state"] = s
			}
			if ch.Old != nil {
				f.Num, f.ID = ch.Old.Num, ch.Old.ID
				if rapid.Bool().Draw(t, "stays") {
					f.Geometry = ch.Old.Geometry
				}
			} else {
				sc.next++
				f.Num, f.ID = sc.next, fmt.Sprint(sc.next)
				if sc.next%3 == 0 {
					f.ID = "号" + f.ID
				}
			}
			ch.New = f
			sc.now[f.Num] = f
		} else {
			delete(sc.now, ch.Old.Num)
		}
		changes = append(changes, ch)
	}
	all := slices.Collect(maps.Values(sc.now))
	happens := func() {
		sc.src.set(sc.layer.ID, all...)
		if sc.commit != nil {
			sc.commit(changes)
		} else {
			sc.service.Apply([]layers.Commit{{Changes: changes}})
		}
	}
	if sc.hold != nil {
		sc.hold(happens)
		return
	}
	happens()
}

// merge makes a new base now, however small the overlay is.
func (sc *scene) merge(budget int64) {
	r := sc.service.kept.byID[sc.layer.ID]
	r.mu.Lock()
	r.merging = len(r.state.Load().runs)
	r.mu.Unlock()
	if r.merge(budget) {
		sc.service.cache.invalidateLayer(sc.layer.ID)
	}
}

// corners are the tiles around some place at all zooms, where borders are crossed.
func (sc *scene) corners() (out []Coord) {
	for z := 0; z <= MaxZoom; z += 2 {
		for _, p := range [][2]float64{{108, 22.5}, {108.2, 23}, {-180, 0}, {180, 86}} {
			at := At(p[0], p[1], z)
			for _, c := range []Coord{at, {z, at.X - 1, at.Y}, {z, at.X, at.Y + 1}} {
				if c.Check() == nil && !slices.Contains(out, c) {
					out = append(out, c)
				}
			}
		}
	}
	return out
}

func TestAKeptLayersTilesAreThoseOfThePlainEncoder(t *testing.T) {
	for _, g := range []layers.GeometryType{layers.Point, layers.AnyGeometry} {
		t.Run(string(g), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				sc := newScene(t, g, Options{Tolerance: -1})
				for range rapid.IntRange(1, 6).Draw(rt, "batches") {
					sc.edit(rt, 12)
					if rapid.IntRange(0, 4).Draw(rt, "merge") == 0 {
						sc.merge(defaultBudget)
					}
				}
				if _, kept := sc.service.kept.find("kept"); kept == nil {
					rt.Fatal("the layer is not in memory")
				}
				for _, c := range sc.corners() {
					for _, v := range []Variant{{}, {fine: true}} {
						want, err := encode(t.Context(), sc.src.As(layers.Public), sc.layer, c, v)
						if err != nil {
							rt.Fatal(err)
						}
						if got := derive(rt, sc.service, c, v, "kept"); !bytes.Equal(got.Raw, want) {
							rt.Fatalf("tile %s, %s: %v\nwant %v", c, v, describe(t, got.Raw), describe(t, want))
						}
					}
				}
			})
		})
	}
}

func describe(t testing.TB, raw []byte) (out []string) {
	for _, l := range decode(t, raw) {
		for _, f := range l.Features {
			out = append(out, fmt.Sprint(f.ID, f.Geometry, f.Properties))
		}
	}
	return out
}

// crowd fills the scene so that features merge.
func crowd(t *rapid.T, g layers.GeometryType, tb testing.TB) *scene {
	sc := newScene(tb, g, Options{TileBytes: 200})
	for range 3 {
		sc.edit(t, 40)
	}
	sc.merge(200)
	return sc
}

func TestCountsOverAllTilesOfAZoomAddUp(t *testing.T) {
	for _, g := range []layers.GeometryType{layers.Point, layers.AnyGeometry} {
		t.Run(string(g), func(t *testing.T) {
			merged := 0
			rapid.Check(t, func(rt *rapid.T) {
				sc := crowd(rt, g, t)
				sc.edit(rt, 10) // and an overlay
				want, sum := int64(0), 0.0
				for _, f := range sc.now {
					if _, ok := firstPlace(f.Geometry); ok {
						want, sum = want+1, sum+f.Properties["level"].(float64)
					}
				}
				for z := 0; z <= 14; z++ {
					count, level := int64(0), 0.0
					for _, c := range sc.tiles(z) {
						for _, f := range features(t, mustTile(rt, sc.service, c, "kept").Raw) {
							n := countOf(f)
							if n > 1 {
								merged++
							}
							if count += n; g == layers.Point && n > 1 {
								level += f.Properties["level:sum"].(float64)
							} else if g == layers.Point && n == 1 {
								level += f.Properties["level"].(float64)
							}
						}
					}
					if count != want {
						rt.Fatalf("zoom %d has %d features, the layer %d", z, count, want)
					}
					if g == layers.Point && (level-sum > 1e-9 || sum-level > 1e-9) {
						rt.Fatalf("zoom %d sums up to %v, the layer to %v", z, level, sum)
					}
				}
			})
			if merged == 0 {
				t.Error("nothing was merged")
			}
		})
	}
}

// tiles are those of a zoom that something can be in.
func (sc *scene) tiles(z int) []Coord {
	seen := map[Coord]bool{}
	for _, f := range sc.now {
		for _, b := range places(f) {
			area := touched(b, z, 1000)
			for x := area.x0; x <= area.x1; x++ {
				for y := area.y0; y <= area.y1; y++ {
					seen[Coord{z, x, y}] = true
				}
			}
		}
	}
	return slices.Collect(maps.Keys(seen))
}

func features(t testing.TB, raw []byte) (out []*mvtFeature) {
	for _, l := range decode(t, raw) {
		out = append(out, l.Features...)
	}
	return out
}

func countOf(f *mvtFeature) int64 {
	switch n := f.Properties[CountKey].(type) {
	case nil:
		return 1
	case float64:
		return int64(n)
	default:
		panic(fmt.Sprintf("a count of %T", n))
	}
}

func TestAfterEditsTheTilesAreThoseOfALayerReadAnew(t *testing.T) {
	for _, g := range []layers.GeometryType{layers.Point, layers.AnyGeometry} {
		t.Run(string(g), func(t *testing.T) {
			named, changed := 0, 0
			rapid.Check(t, func(rt *rapid.T) {
				sc := crowd(rt, g, t)
				// What is cached before the edits must not be served after them.
				before, fine := map[Coord]*Tile{}, Variant{fine: true}
				for _, c := range sc.corners() {
					before[c] = mustTile(rt, sc.service, c, "kept")
					derive(rt, sc.service, c, fine, "kept")
				}
				sc.edit(rt, 8)
				for range 2 { // the first time may make zooms coarser
					_, state := sc.service.kept.find("kept")
					for c := range before {
						got := derive(rt, sc.service, c, fine, "kept")
						if _, now := sc.service.kept.find("kept"); now == state && !bytes.Equal(got.Raw, sc.service.fromMemory(state, "kept", c, fine)) {
							rt.Fatalf("the fine tile %s changed and was not named", c)
						}
					}
				}
				for c, was := range before {
					_, cached := sc.service.cache.cached(key{"kept", "full", c})
					differs := !bytes.Equal(mustTile(rt, sc.service, c, "kept").Raw, was.Raw)
					if differs && cached {
						rt.Fatalf("tile %s changed and was not named", c)
					}
					if !cached {
						named++
					}
					if differs {
						changed++
					}
				}
				if rapid.Bool().Draw(rt, "merge") {
					sc.merge(200)
				}
				sc.mustBeAnew(rt, t)
			})
			if changed == 0 {
				t.Fatal("no tile changed")
			}
			t.Logf("%.2f tiles were named for each that changed (%d)", float64(named)/float64(changed), changed)
		})
	}
}

func TestALayerThatIsDefinedAnewIsReadAgain(t *testing.T) {
	sc := newScene(t, layers.Point, Options{})
	sc.src.put("kept", feature(1, geom.NewPointFlat(geom.XY, []float64{108, 22.5}), map[string]any{"fresh": "x"}))
	l := *sc.layer
	l.Schema = layers.Schema{{Name: "fresh", Type: layers.String}}
	sc.src.mu.Lock()
	sc.src.layers["kept"] = &l
	sc.src.mu.Unlock()
	sc.service.Apply([]layers.Commit{{Changes: []layers.Change{{Layer: "kept", Kind: layers.ChangeDefine}}}})
	for deadline := time.Now().Add(10 * time.Second); ; {
		if f := features(t, mustTile(t, sc.service, At(108, 22.5, 9), "kept").Raw); len(f) != 1 || f[0].Properties["fresh"] != "x" {
			t.Fatalf("got %v", f)
		}
		if _, s := sc.service.kept.find("kept"); s != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it is not in memory again")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestALayerBeyondTheMemoryIsReadFromTheStore(t *testing.T) {
	l := testLayer("large", residentSchema...)
	src := newMemory(l)
	for i := range 2 * checkEvery {
		src.features["large"] = append(src.features["large"], feature(int64(i), geom.NewPointFlat(geom.XY, []float64{108, 22.5}), map[string]any{"name": fmt.Sprint(i)}))
	}
	s := keep(t, src, Options{Memory: 100_000})
	if _, kept := s.kept.find("large"); kept != nil || !s.kept.isTooLarge("large") {
		t.Error("it is in memory")
	}
	if n := len(features(t, mustTile(t, s, At(108, 22.5, 9), "large").Raw)); n != 2*checkEvery {
		t.Errorf("%d features", n)
	}
}

type mvtFeature = geojson.Feature
