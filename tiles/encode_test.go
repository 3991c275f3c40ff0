package tiles

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/wkt"
	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// here is the tile of the tests: Nanning.
var here = Coord{12, 3280, 1782}

func TestATileShowsEachGeometryAsItIsOnItsGrid(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"point", "POINT (10 20)", "POINT(10 20)"},
		{"point between grid lines", "POINT (10.5 20.49)", "POINT(11 20)"},
		{"points that fall together", "MULTIPOINT ((10 20), (10.2 20), (30 40))", "MULTIPOINT((10 20),(30 40))"},
		{"point in the buffer", "POINT (-64 4160)", "POINT(-64 4160)"},
		{"point beyond the buffer", "POINT (-65 10)", ""},
		{"point that rounds into the buffer", "POINT (4160.4 -64.4)", "POINT(4160 -64)"},
		{"some points beyond", "MULTIPOINT ((5 5), (9000 5))", "POINT(5 5)"},
		{"line", "LINESTRING (0 0, 100 50, 200 0)", "LINESTRING(0 0,100 50,200 0)"},
		{"line with repeated vertices", "LINESTRING (0 0, 0.3 0, 100 50, 100 50)", "LINESTRING(0 0,100 50)"},
		{"line below the grid", "LINESTRING (7.1 7.1, 7.2 7.2, 7.1 7.3)", "LINESTRING(7 7,8 7)"},
		{"line through the tile", "LINESTRING (-1000 2000, 9000 2000)", "LINESTRING(-64 2000,4160 2000)"},
		{"line that leaves and comes back", "LINESTRING (4000 100, 5000 100, 5000 200, 4000 200)", "MULTILINESTRING((4000 100,4160 100),(4160 200,4000 200))"},
		{"line that passes a corner", "LINESTRING (-1000 800, 900 -1100)", ""},
		{"line that touches a corner", "LINESTRING (-128 0, 0 -128)", ""},
		{"line that touches the edge", "LINESTRING (-64 100, -100 50)", ""},
		{"lines", "MULTILINESTRING ((0 0, 10 10), (9000 9000, 9001 9001), (20 20, 30 30))", "MULTILINESTRING((0 0,10 10),(20 20,30 30))"},
		{"lines below the grid", "MULTILINESTRING ((1 1, 1.1 1), (1.2 1, 1.1 1), (5 5, 5.1 5))", "MULTILINESTRING((1 1,2 1),(5 5,6 5))"},
		{"polygon", "POLYGON ((0 0, 0 100, 100 100, 100 0, 0 0))", "POLYGON((100 0,100 100,0 100,0 0,100 0))"},
		{"polygon the other way round", "POLYGON ((0 0, 100 0, 100 100, 0 100, 0 0))", "POLYGON((0 0,100 0,100 100,0 100,0 0))"},
		{"polygon with a hole", "POLYGON ((0 0, 100 0, 100 100, 0 100, 0 0), (10 10, 20 10, 20 20, 10 20, 10 10))",
			"POLYGON((0 0,100 0,100 100,0 100,0 0),(10 20,20 20,20 10,10 10,10 20))"},
		{"polygon with a hole below the grid", "POLYGON ((0 0, 100 0, 100 100, 0 100, 0 0), (10 10, 10.1 10, 10.1 10.1, 10 10))", "POLYGON((0 0,100 0,100 100,0 100,0 0))"},
		{"polygon below the grid", "POLYGON ((7.1 7.1, 7.3 7.1, 7.3 7.3, 7.1 7.1))", "POLYGON((7 7,8 7,8 8,7 8,7 7))"},
		{"flat polygon", "POLYGON ((0 7.1, 500 7.1, 500 7.3, 0 7.3, 0 7.1))", "POLYGON((0 7,500 7,500 8,0 8,0 7))"},
		{"upright polygon", "POLYGON ((7.1 0, 7.3 0, 7.3 500, 7.1 500, 7.1 0))", "POLYGON((8 0,8 500,7 500,7 0,8 0))"},
		{"polygon around the tile", "POLYGON ((-9000 -9000, 9000 -9000, 9000 9000, -9000 9000, -9000 -9000))", "POLYGON((-64 4160,-64 -64,4160 -64,4160 4160,-64 4160))"},
		{"polygon that touches the buffer's edge", "POLYGON ((-64 0, -64 100, -200 100, -200 0, -64 0))", ""},
		{"polygon with a spike", "POLYGON ((0 0, 100 0, 100 50, 300 50, 100 50, 100 100, 0 100, 0 0))", "POLYGON((0 0,100 0,100 50,100 100,0 100,0 0))"},
		{"polygon cut in two", "POLYGON ((4000 0, 5000 0, 5000 300, 4000 300, 4000 200, 4900 200, 4900 100, 4000 100, 4000 0))",
			"MULTIPOLYGON(((4160 300,4000 300,4000 200,4160 200,4160 300)),((4160 100,4000 100,4000 0,4160 0,4160 100)))"},
		{"polygon with a hole over the edge", "POLYGON ((4000 0, 4500 0, 4500 300, 4000 300, 4000 0), (4100 100, 4100 200, 4300 200, 4300 100, 4100 100))",
			"POLYGON((4160 300,4000 300,4000 0,4160 0,4160 100,4100 100,4100 200,4160 200,4160 300))"},
		{"polygons", "MULTIPOLYGON (((0 0, 10 0, 10 10, 0 0)), ((20 20, 30 20, 30 30, 20 20)), ((9000 0, 9010 0, 9010 10, 9000 0)))",
			"MULTIPOLYGON(((0 0,10 0,10 10,0 0)),((20 20,30 20,30 30,20 20)))"},
		{"archipelago below the grid", "MULTIPOLYGON (((3 3, 3.1 3, 3.1 3.1, 3 3)), ((3.2 3, 3.3 3, 3.3 3.1, 3.2 3)), ((9 9, 9.1 9, 9.1 9.1, 9 9)))",
			"MULTIPOLYGON(((3 3,4 3,4 4,3 4,3 3)),((9 9,10 9,10 10,9 10,9 9)))"},
		{"height and measure", "LINESTRING ZM (0 0 5 6, 100 50 7 8)", "LINESTRING(0 0,100 50)"},
		{"empty point", "POINT EMPTY", ""},
		{"empty line", "LINESTRING EMPTY", ""},
		{"empty polygon", "POLYGON EMPTY", ""},
		{"empty collection", "GEOMETRYCOLLECTION EMPTY", ""},
		{"points with an empty one", "MULTIPOINT (EMPTY, (3 3))", "POINT(3 3)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			for _, g := range encodeOne(t, here, in(t, here, c.in)) {
				got += wkt.MarshalString(g)
			}
			if got != c.want {
				t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.want)
			}
		})
	}
}

func TestACollectionBecomesOneFeatureOfEachType(t *testing.T) {
	l := testLayer("mixed", layers.Attribute{Name: "name", Type: layers.String})
	m := newMemory(l)
	m.put("mixed", feature(5, in(t, here, `GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (0 0, 9 9), GEOMETRYCOLLECTION (POINT (2 2),
		POLYGON ((0 0, 5 0, 5 5, 0 0))), POLYGON ((10 10, 15 10, 15 15, 10 10)))`), map[string]any{"name": "邕江"}))
	raw, err := Encode(context.Background(), m.As(layers.Public), l, here)
	if err != nil {
		t.Fatal(err)
	}
	fs := decode(t, raw)[0].Features
	var types []string
	for _, f := range fs {
		types = append(types, f.Geometry.GeoJSONType())
		if f.ID != float64(5) || f.Properties["name"] != "邕江" || f.Properties[IDKey] != "f5" {
			t.Errorf("the %s lost its id or properties: %v %v", f.Geometry.GeoJSONType(), f.ID, f.Properties)
		}
	}
	if want := []string{"MultiPoint", "LineString", "MultiPolygon"}; !slices.Equal(types, want) {
		t.Errorf("got %v, want %v", types, want)
	}
}

func TestPropertiesKeepTheirTypesAndNullsAreLeftOut(t *testing.T) {
	l := testLayer("types",
		layers.Attribute{Name: "s", Type: layers.String}, layers.Attribute{Name: "i", Type: layers.Integer}, layers.Attribute{Name: "n", Type: layers.Integer},
		layers.Attribute{Name: "f", Type: layers.Number}, layers.Attribute{Name: "yes", Type: layers.Boolean}, layers.Attribute{Name: "no", Type: layers.Boolean},
		layers.Attribute{Name: "day", Type: layers.DateType}, layers.Attribute{Name: "at", Type: layers.DateTime}, layers.Attribute{Name: "j", Type: layers.JSON},
		layers.Attribute{Name: "null", Type: layers.String}, layers.Attribute{Name: "absent", Type: layers.String}, layers.Attribute{Name: "big", Type: layers.Integer},
		layers.Attribute{Name: IDKey, Type: layers.String})
	m := newMemory(l)
	f := feature(1<<53, in(t, here, "POINT (1 1)"), map[string]any{
		"s": "水位\xff", "i": int64(7), "n": int64(-7), "f": 0.1, "yes": true, "no": false, "day": layers.Date("2026-07-01"),
		"at": time.Date(2026, 7, 1, 8, 0, 0, 250e6, layers.Beijing), "j": json.RawMessage(`{"a":[1]}`), "null": nil, "big": int64(math.MaxInt64),
		"notInTheSchema": "x", IDKey: "no id",
	})
	f.ID = "井-01"
	m.put("types", f)
	raw, err := Encode(context.Background(), m.As(layers.Public), l, here)
	if err != nil {
		t.Fatal(err)
	}
	got := decode(t, raw)[0]
	if got.Version != 2 || got.Extent != 4096 || got.Name != "types" {
		t.Errorf("the layer is version %d, extent %d, %q", got.Version, got.Extent, got.Name)
	}
	if got.Features[0].ID != float64(1<<53) {
		t.Errorf("the id is %v", got.Features[0].ID)
	}
	want := map[string]any{
		"s": "水位\uFFFD", "i": 7.0, "n": -7.0, "f": 0.1, "yes": true, "no": false, "day": "2026-07-01", "at": "2026-07-01T00:00:00.25Z",
		"j": `{"a":[1]}`, "big": float64(math.MaxInt64), IDKey: "井-01",
	}
	if p := map[string]any(got.Features[0].Properties); !reflect.DeepEqual(p, want) {
		t.Errorf("got  %v\nwant %v", p, want)
	}
}

func TestTheSameFeaturesGiveTheSameBytesInAnyOrder(t *testing.T) {
	l := testLayer("many", layers.Attribute{Name: "a", Type: layers.Integer}, layers.Attribute{Name: "b", Type: layers.String})
	rnd := rand.New(rand.NewPCG(1, 2))
	var fs []*layers.Feature
	for i := range 300 {
		fs = append(fs, feature(int64(i+1), in(t, here, fmt.Sprintf("POINT (%d %d)", rnd.IntN(4096), rnd.IntN(4096))),
			map[string]any{"a": int64(rnd.IntN(9)), "b": fmt.Sprint(rnd.IntN(5))}))
	}
	var first []byte
	for range 5 {
		m := newMemory(l)
		m.put("many", fs...)
		raw, err := Encode(context.Background(), m.As(layers.Public), l, here)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = raw
		}
		if !bytes.Equal(raw, first) {
			t.Fatal("another order of the scan gave other bytes")
		}
		rnd.Shuffle(len(fs), func(i, j int) { fs[i], fs[j] = fs[j], fs[i] })
	}
}

func TestEncodingLeavesTheStoredGeometryAlone(t *testing.T) {
	for _, text := range []string{
		"POLYGON ((0 0, 0 9000, 9000 9000, 9000 0, 0 0), (10 10, 20 10, 20 20, 10 20, 10 10))",
		"LINESTRING (-900 0, 5 5, 9000 5)", "MULTIPOINT ((1 1), (9000 1))",
		"GEOMETRYCOLLECTION (POINT (1 1), POLYGON ((0 0, 0 9000, 9000 9000, 0 0)))",
	} {
		g := in(t, here, text)
		before := flats(g)
		encodeOne(t, here, g)
		if !reflect.DeepEqual(flats(g), before) {
			t.Errorf("%s was changed", text)
		}
	}
}

func flats(g geom.T) [][]float64 {
	if c, ok := g.(*geom.GeometryCollection); ok {
		var out [][]float64
		for _, p := range c.Geoms() {
			out = append(out, flats(p)...)
		}
		return out
	}
	return [][]float64{slices.Clone(g.FlatCoords())}
}

func TestNothingVanishesAtAnyZoom(t *testing.T) {
	// Some 30 m, in Nanning.
	for _, g := range []geom.T{
		geom.NewPointFlat(geom.XY, []float64{108.32, 22.82}),
		geom.NewLineStringFlat(geom.XY, []float64{108.32, 22.82, 108.3203, 22.8202}),
		geom.NewPolygonFlat(geom.XY, []float64{108.32, 22.82, 108.3203, 22.82, 108.3203, 22.8203, 108.32, 22.82}, []int{8}),
	} {
		for z := 0; z <= MaxZoom; z++ {
			if got := encodeOne(t, At(108.32001, 22.820001, z), g); len(got) != 1 {
				t.Errorf("a %T is %d features at zoom %d", g, len(got), z)
			}
		}
	}
}

func TestPolesAndAntimeridianAreDrawnAtTheWorldsEdge(t *testing.T) {
	top, bottom, east, west := Coord{2, 1, 0}, Coord{2, 1, 3}, Coord{2, 3, 1}, Coord{2, 0, 1}
	for _, c := range []struct {
		name string
		g    geom.T
		tile Coord
		want string
	}{
		{"north pole", geom.NewPointFlat(geom.XY, []float64{-45, 90}), top, "POINT(2048 0)"},
		{"south pole", geom.NewPointFlat(geom.XY, []float64{-45, -90}), bottom, "POINT(2048 4095)"},
		{"beyond the limit", geom.NewPointFlat(geom.XY, []float64{-45, 87}), top, "POINT(2048 0)"},
		{"antimeridian from the west", geom.NewPointFlat(geom.XY, []float64{180, MaxLatitude / 2}), east, "POINT(4095 1954)"},
		{"antimeridian from the east", geom.NewPointFlat(geom.XY, []float64{-180, MaxLatitude / 2}), west, "POINT(0 1954)"},
		{"world", geom.NewPolygonFlat(geom.XY, []float64{-180, -90, 180, -90, 180, 90, -180, 90, -180, -90}, []int{10}), Coord{0, 0, 0}, "POLYGON((4096 0,4096 4096,0 4096,0 0,4096 0))"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			for _, g := range encodeOne(t, c.tile, c.g) {
				got += wkt.MarshalString(canonical(g))
			}
			if want := c.want; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// canonical turns a polygon's exterior so that it starts at its greatest x with
// the least y.
func canonical(g orb.Geometry) orb.Geometry {
	p, ok := g.(orb.Polygon)
	if !ok {
		return g
	}
	r := p[0][:len(p[0])-1]
	best := 0
	for i, v := range r {
		if v[0] > r[best][0] || v[0] == r[best][0] && v[1] < r[best][1] {
			best = i
		}
	}
	turned := append(slices.Clone(r[best:]), r[:best]...)
	return orb.Polygon{append(turned, turned[0])}
}

func TestWhatIsNoPlaceIsLeftOut(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, g := range []geom.T{
		geom.NewPointFlat(geom.XY, []float64{inf, 3}),
		geom.NewLineStringFlat(geom.XY, []float64{nan, nan, 108, nan}),
		geom.NewPolygonFlat(geom.XY, []float64{nan, 0, nan, 1, nan, 2, nan, 0}, []int{8}),
		geom.NewPolygonFlat(geom.XY, []float64{1e300, 0, 1e301, 1, 1e302, 2, 1e300, 0}, []int{8}),
	} {
		if got := encodeOne(t, Coord{0, 0, 0}, g); len(got) != 0 {
			t.Errorf("%T %v was drawn as %v", g, g.FlatCoords(), got)
		}
	}
}

func TestANegativeNumberIsNoTileID(t *testing.T) {
	l := testLayer("neg")
	m := newMemory(l)
	m.put("neg", feature(-3, in(t, here, "POINT (1 1)"), nil))
	raw, err := Encode(context.Background(), m.As(layers.Public), l, here)
	if err != nil {
		t.Fatal(err)
	}
	if f := decode(t, raw)[0].Features[0]; f.ID != nil {
		t.Errorf("the id is %v", f.ID)
	}
}
