package tiles_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/planar"
	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkt"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/postgis"
	"onemap/tiles"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// shapes draws random geometries of a type, from dots to provinces.
func shapes(rnd *rand.Rand, typ layers.GeometryType) geom.T {
	size := math.Pow(10, -5+6*rnd.Float64())
	x, y := 106+4*rnd.Float64(), 21.5+3*rnd.Float64()
	ring := func(x, y, size float64) []float64 {
		var flat []float64
		n := 4 + rnd.IntN(12)
		for i := range n { // star-shaped, so that it does not cross itself
			a, r := 2*math.Pi*float64(i)/float64(n), size*(0.4+0.6*rnd.Float64())
			flat = append(flat, x+r*math.Cos(a), y+r*math.Sin(a))
		}
		return append(flat, flat[0], flat[1])
	}
	line := func() []float64 { // it winds, but does not turn back on itself: ST_AsMVTGeom drops spikes
		flat, heading := []float64{x, y}, 2*math.Pi*rnd.Float64()
		for range 1 + rnd.IntN(20) {
			n := len(flat)
			heading += rnd.Float64() - 0.5
			flat = append(flat, flat[n-2]+size/10*math.Cos(heading), flat[n-1]+size/10*math.Sin(heading))
		}
		return flat
	}
	switch typ {
	case layers.Point:
		return geom.NewPointFlat(geom.XY, []float64{x, y})
	case layers.MultiPoint:
		return geom.NewMultiPointFlat(geom.XY, []float64{x, y, x + size, y, x, y + size})
	case layers.LineString:
		return geom.NewLineStringFlat(geom.XY, line())
	case layers.Polygon:
		flat := ring(x, y, size)
		return geom.NewPolygonFlat(geom.XY, flat, []int{len(flat)})
	case layers.MultiPolygon: // islands of all sizes, apart
		g := geom.NewMultiPolygon(geom.XY)
		for i := range 3 {
			flat := ring(x+3*size*float64(i), y, size*math.Pow(0.1, float64(i)))
			_ = g.Push(geom.NewPolygonFlat(geom.XY, flat, []int{len(flat)}))
		}
		return g
	}
	c := geom.NewGeometryCollection()
	for _, t := range []layers.GeometryType{layers.Point, layers.LineString, layers.Polygon} {
		_ = c.Push(shapes(rnd, t))
	}
	return c
}

var everyType = layers.Schema{{Name: "文字", Type: layers.String}, {Name: "n", Type: layers.Integer}, {Name: "f", Type: layers.Number}, {Name: "b", Type: layers.Boolean},
	{Name: "d", Type: layers.DateType}, {Name: "t", Type: layers.DateTime}, {Name: "j", Type: layers.JSON}, {Name: "never", Type: layers.String}, {Name: "unit", Type: layers.String}, {Name: "row", Type: layers.Integer}, {Name: "geom_1", Type: layers.String}}

func TestATileThatPostGISMakesShowsWhatOursShows(t *testing.T) {
	url := pgtest.Database(t)
	store, err := postgis.Open(t.Context(), url, postgis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	rnd := rand.New(rand.NewPCG(1, 2))
	var ids []string
	for _, typ := range []layers.GeometryType{layers.Point, layers.MultiPoint, layers.LineString, layers.Polygon, layers.MultiPolygon, layers.AnyGeometry} {
		l := &layers.Layer{ID: fmt.Sprintf("layer-%d", len(ids)), Title: layers.Text{Zh: "示例"}, Sharing: layers.Unconditional, UpdateCycle: layers.Daily, Geometry: typ, Schema: everyType}
		ids = append(ids, l.ID)
		if _, err := store.DefineLayer(t.Context(), layers.Actor{}, l); err != nil {
			t.Fatal(err)
		}
		var edits []layers.Edit
		for i := range 150 {
			edits = append(edits, layers.Edit{Op: layers.Put, ID: fmt.Sprintf("号 %d", i), Geometry: shapes(rnd, typ), Properties: map[string]any{
				"unit": "m", "row": 1, "文字": fmt.Sprintf("示例 'x' %d", i), "n": int64(i) - 75, "f": rnd.Float64() * 1e6, "b": i%2 == 0, "d": "2026-07-01", "t": fmt.Sprintf("2026-07-01T08:00:00.%d+08:00", i%4*250), "j": json.RawMessage(`{"a":[1,"x"]}`)}})
		}
		edits[7].Properties = nil
		edits[8].Geometry = nil
		if _, err := store.Apply(t.Context(), layers.Actor{}, l.ID, edits); err != nil {
			t.Fatal(err)
		}
	}
	ids = append(ids, attachTables(t, store, url)...)
	reader := store.As(layers.Owner)
	service := func(from int64) *tiles.Service {
		s, err := tiles.New(store, tiles.Options{PushDown: from})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	own, pushed := service(0), service(1)
	fine, _ := tiles.ParseVariant(func(name string) (string, bool) { return "8192", name == "extent" })
	compared := 0
	for _, id := range ids {
		for z := range 15 {
			for _, at := range []tiles.Coord{tiles.At(107.5, 22.8, z), tiles.At(108.4, 23.5, z), tiles.At(109.9, 24.4, z)} {
				for extent, v := range map[float64]tiles.Variant{tiles.TileExtent: {}, tiles.FineExtent: fine} {
					ours, err := own.TileOf(t.Context(), layers.Owner, []string{id}, at, v)
					if err != nil {
						t.Fatal(err)
					}
					theirs, err := pushed.TileOf(t.Context(), layers.Owner, []string{id}, at, v)
					if err != nil {
						t.Fatalf("%s %s: %v: %v", id, at, err, errors.Unwrap(err))
					}
					compared += compare(t, id+" "+at.String(), ours.Raw, theirs.Raw, extent)
				}
			}
		}
	}
	if _, ok := reader.(layers.TileMaker); !ok || compared < 20_000 {
		t.Errorf("%d features were compared", compared)
	}
}

// far are geometries of each type on both sides of the antimeridian.
var far = map[string][]string{
	"Point":        {"POINT(181 1)", "POINT(-181 1)", "POINT(400 60)", "POINT(539 80)"},
	"MultiPoint":   {"MULTIPOINT(181 1, 179 1)", "MULTIPOINT(-250 1, 250 2)"},
	"LineString":   {"LINESTRING(181 1, 179 1)", "LINESTRING(179 1, 181 1)", "LINESTRING(260 10, 270 20)"},
	"Polygon":      {"POLYGON((200 1, 170 1, 170 5, 200 5, 200 1))", "POLYGON((-250 1, -170 1, -170 5, -250 5, -250 1), (-200 2, -200 3, -190 3, -200 2))", "POLYGON((181 1, 181.000001 1, 181 1.000001, 181 1))"},
	"MultiPolygon": {"MULTIPOLYGON(((260 1, 270 1, 270 2, 260 1)), ((170 1, 171 1, 171 2, 170 1)))", "MULTIPOLYGON(((170 1, 190 1, 190 2, 170 1)), ((-10 1, 10 1, 0 9, -10 1)))"},
	"Geometry":     {"GEOMETRYCOLLECTION(POINT(260 1), LINESTRING(179 1, 182 3))", "GEOMETRYCOLLECTION(POLYGON((179 1, 300 1, 300 2, 179 1)), POINT(0 0))", "POINT(181 1)", "LINESTRING(190 1, 270 1)"},
}

// odd are geometries that end at the antimeridian, lie beyond Web Mercator or begin on a
// part that is thinner than the grid: what is drawn of them is not the same everywhere.
var odd = map[string][]string{
	"Point":      {"POINT(180 1)", "POINT(-180 1)", "POINT(539 89)"},
	"LineString": {"LINESTRING(180 1, 181 1)", "LINESTRING(170 88, 190 89)"},
	"Polygon":    {"POLYGON((180 1, 250 1, 250 50, 180 50, 180 1))", "POLYGON((-30 10, 60 10.0001, 60 50, 100 50, 100 -50, 60 -50, 60 9.9999, -30 10))"},
	"Geometry":   {"LINESTRING(180 1, 270 1)", "POLYGON((-30 10, 60 10.0001, 60 50, 100 50, 100 -50, 60 -50, 60 9.9999, -30 10))"},
}

func TestCountsOverAllTilesThatPostGISMakesAddUp(t *testing.T) {
	url := pgtest.Database(t)
	store, err := postgis.Open(t.Context(), url, postgis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rnd := rand.New(rand.NewPCG(3, 4))
	count := func(t *testing.T, name, typ string, texts []string, alike bool) {
		id := name + strings.ToLower(typ)
		var all []geom.T
		for _, text := range texts {
			g, err := wkt.Unmarshal(text)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, g)
		}
		for range 10 {
			all = append(all, shapes(rnd, layers.GeometryType(strings.Replace(typ, "Geometry", string(layers.AnyGeometry), 1))))
		}
		if _, err := conn.Exec(t.Context(), fmt.Sprintf("CREATE TABLE %s (k bigint PRIMARY KEY, geom geometry(%s, 4326))", id, typ)); err != nil {
			t.Fatal(err)
		}
		for i, g := range all {
			text, err := wkt.Marshal(g)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(t.Context(), "INSERT INTO "+id+" VALUES ($1, ST_GeomFromText($2, 4326))", i, text); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := store.Attach(t.Context(), layers.Actor{}, layers.Attachment{Table: id, Layer: layers.Layer{ID: id}}); err != nil {
			t.Fatal(err)
		}
		var makers []*tiles.Service
		for from := range int64(2) {
			s, err := tiles.New(store, tiles.Options{PushDown: from})
			if err != nil {
				t.Fatal(err)
			}
			makers = append(makers, s)
		}
		for _, z := range []int{0, 2, 9} {
			counts := [2]map[string]int{{}, {}}
			for at := range everyTile(z, all) {
				var raw [2][]byte
				for i, s := range makers {
					tile, err := s.Tile(t.Context(), layers.Owner, []string{id}, at.Z, at.X, at.Y)
					if err != nil {
						t.Fatalf("%s %s: %v: %v", id, at, err, errors.Unwrap(err))
					}
					raw[i] = tile.Raw
					for _, f := range byNumber(t, tile.Raw, tiles.TileExtent) {
						n, partly := f.Properties[tiles.CountKey].(float64)
						if !partly {
							n = 1
						}
						counts[i][fmt.Sprint(f.Properties[tiles.IDKey])] += int(n)
					}
				}
				if alike {
					compare(t, id+" "+at.String(), raw[0], raw[1], tiles.TileExtent)
				}
			}
			for i, g := range all {
				if own, theirs := counts[0][fmt.Sprint(i)], counts[1][fmt.Sprint(i)]; own != 1 || theirs != 1 {
					text, _ := wkt.Marshal(g)
					t.Errorf("at zoom %d the plain encoder counts %d, PostGIS %d, for %s", z, own, theirs, text)
				}
			}
		}
	}
	for typ, texts := range far {
		t.Run(typ, func(t *testing.T) { count(t, "far", typ, texts, true) })
	}
	for typ, texts := range odd {
		t.Run("odd "+typ, func(t *testing.T) { count(t, "odd", typ, texts, false) })
	}
}

// everyTile yields the tiles of a zoom; of a deep one only those around first and last
// vertices, on either side of the world.
func everyTile(z int, all []geom.T) iter.Seq[tiles.Coord] {
	some := map[tiles.Coord]bool{}
	for x := range 4 {
		for y := range 4 {
			at := tiles.Coord{Z: z, X: x, Y: y}
			some[at] = z <= 2 && at.Check() == nil
		}
	}
	for _, g := range all {
		for c, ok := g.(*geom.GeometryCollection); ok; c, ok = g.(*geom.GeometryCollection) {
			g = c.Geom(0)
		}
		flat := g.FlatCoords()
		for _, i := range []int{0, len(flat) - 2} {
			for _, turn := range []float64{-360, 0, 360} {
				some[tiles.At(flat[i]+turn, flat[i+1], z)] = true
			}
		}
	}
	return func(yield func(tiles.Coord) bool) {
		for at, there := range some {
			if there && !yield(at) {
				return
			}
		}
	}
}

// attachTables publishes tables of departments, in other reference systems and with other keys.
func attachTables(t *testing.T, store *postgis.Store, url string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range []string{
		`CREATE TABLE "Gauß" ("Key" text PRIMARY KEY, "f" real, ts timestamp, tags text[], geom geometry(Polygon, 4545))`,
		`INSERT INTO "Gauß" SELECT '号' || n, n / 3.0, '2026-07-01 08:00'::timestamp + n * interval '7.25 seconds', ARRAY['a', n::text], ST_Transform(ST_Buffer(ST_SetSRID(ST_Point(106 + random() * 4, 21.5 + random() * 3), 4326)::geography, 10 ^ (1 + 4 * random()))::geometry, 4545) FROM generate_series(1, 150) n`,
		`CREATE TABLE numbered (k bigint PRIMARY KEY, v numeric, geom geometry)`,
		`INSERT INTO numbered SELECT (n - 75) * 1000000000000000, n / 4.0, ST_SetSRID(ST_Point(106 + random() * 4, 21.5 + random() * 3), 4490) FROM generate_series(1, 150) n`,
		`INSERT INTO numbered VALUES (1, 'NaN', 'SRID=4490;POINT(107.5 22.8)'), (2, 1, 'SRID=4490;CURVEPOLYGON(CIRCULARSTRING(107 22, 108 23, 107 24, 106 23, 107 22))')`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	var ids []string
	for _, a := range []layers.Attachment{{Table: `"Gauß"`, Layer: layers.Layer{ID: "gauss"}}, {Table: "numbered"}} {
		found, _, err := store.Attach(t.Context(), layers.Actor{}, a)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, found.Layer.ID)
	}
	return ids
}

// compare expects the same features, numbers and attributes, and outlines within a
// unit in x and in y, and returns how many features it saw.
func compare(t *testing.T, what string, ours, theirs []byte, extent float64) int {
	t.Helper()
	a, b := byNumber(t, ours, extent), byNumber(t, theirs, extent)
	for key, f := range a {
		other, ok := b[key]
		if !ok {
			if !atTheEdge(f.Geometry, extent) { // where a unit decides whether it is inside the buffer
				t.Errorf("%s: PostGIS leaves out %s: %v", what, key, f.Geometry)
			}
			continue
		}
		if !reflect.DeepEqual(f.Properties, other.Properties) {
			t.Errorf("%s, %s:\nours   %v\ntheirs %v", what, key, f.Properties, other.Properties)
		}
		if d := math.Max(apart(f.Geometry, other.Geometry), apart(other.Geometry, f.Geometry)); d > 1.5 {
			t.Errorf("%s, %s: %.2f units apart:\nours   %v\ntheirs %v", what, key, d, f.Geometry, other.Geometry)
		}
	}
	for key, f := range b {
		if _, ok := a[key]; !ok && !atTheEdge(f.Geometry, extent) {
			t.Errorf("%s: PostGIS has %s too many: %v", what, key, f.Geometry)
		}
	}
	return len(a)
}

func byNumber(t *testing.T, tile []byte, extent float64) map[string]*geojsonFeature {
	t.Helper()
	all := map[string]*geojsonFeature{}
	if len(tile) == 0 {
		return all
	}
	decoded, err := mvt.Unmarshal(tile)
	if err != nil || len(decoded) != 1 || decoded[0].Version != 2 || float64(decoded[0].Extent) != extent {
		t.Fatalf("%v, %v", decoded, err)
	}
	for _, f := range decoded[0].Features {
		key := fmt.Sprint(f.ID, " ", f.Geometry.Dimensions())
		if all[key] != nil {
			t.Errorf("%s comes twice", key)
		}
		for name, v := range f.Properties { // each library decodes numbers in its own way
			if n, ok := v.(int64); ok {
				f.Properties[name] = float64(n)
			} else if n, ok := v.(uint64); ok {
				f.Properties[name] = float64(n)
			}
		}
		all[key] = &geojsonFeature{f.Geometry, f.Properties}
	}
	return all
}

type geojsonFeature struct {
	Geometry   orb.Geometry
	Properties map[string]any
}

// apart is how far the vertex of a that is farthest from b is away from it.
func apart(a, b orb.Geometry) float64 {
	worst := 0.0
	for _, p := range vertices(a) {
		nearest := math.Inf(1)
		for _, l := range outlines(b) {
			for i := range l {
				nearest = math.Min(nearest, planar.DistanceFromSegment(l[max(i-1, 0)], l[i], p))
			}
		}
		worst = math.Max(worst, nearest)
	}
	return worst
}

func outlines(g orb.Geometry) (all []orb.LineString) {
	switch g := g.(type) {
	case orb.Point:
		return []orb.LineString{{g}}
	case orb.MultiPoint:
		for _, p := range g {
			all = append(all, orb.LineString{p})
		}
	case orb.LineString:
		return []orb.LineString{g}
	case orb.MultiLineString:
		return g
	case orb.Polygon:
		for _, r := range g {
			all = append(all, orb.LineString(r))
		}
	case orb.MultiPolygon:
		for _, p := range g {
			all = append(all, outlines(p)...)
		}
	}
	return all
}

func vertices(g orb.Geometry) (all []orb.Point) {
	for _, l := range outlines(g) {
		all = append(all, l...)
	}
	return all
}

// atTheEdge tells whether a geometry is all within two units of where the buffer ends.
func atTheEdge(g orb.Geometry, extent float64) bool {
	low, high := 2-extent/64, extent+extent/64-2
	b := g.Bound()
	return b.Max[0] <= low || b.Max[1] <= low || b.Min[0] >= high || b.Min[1] >= high
}
