package cql2

import (
	"fmt"
	"math"
	"testing"

	"github.com/twpayne/go-geom"
	"pgregory.net/rapid"
)

// The distances are those of PostGIS 3.3, ST_Distance of geographies.
// Great circles go farther north than their ends.
func TestBoundsDoNotHideWhatIsNear(t *testing.T) {
	for _, c := range []struct {
		a, b   string
		metres float64
		want   bool
	}{
		{"LINESTRING(0 60,90 60)", "POINT(45 67)", 100_000, true},
		{"LINESTRING(0 -60,90 -60)", "POINT(45 -67)", 100_000, true},
		{"LINESTRING(0 60,90 60)", "POINT(45 60)", 100_000, false},
		{"LINESTRING(-100 70,100 70)", "POINT(0 60)", 100_000, false},
		{"POINT(0 10)", "POINT(0 11)", 110_620, true},
		{"POINT(0 10)", "POINT(0 11)", 110_600, false},
		{"MULTIPOINT((0 10),(170 10))", "POINT(85 80)", 1000, false},
	} {
		f := must(t, fmt.Sprintf("S_DWITHIN(geom, %s, %v)", c.b, c.metres))
		if got := f.Match(row{"geom": NewShape(mustGeometry(c.a))}); got != c.want {
			t.Errorf("%s within %v m of %s: %v", c.a, c.metres, c.b, got)
		}
	}
}

func TestADistanceIsAlongTheEllipsoidToTheMillimetre(t *testing.T) {
	for _, c := range []struct {
		a, b   string
		metres float64
	}{
		{"POINT(108.3 22.8)", "POINT(108.31 22.8)", 1026.72957307},
		{"POINT(108.3 22.8)", "POINT(110.29 25.27)", 340309.44516802},
		{"POINT(0 0)", "POINT(0 90)", 10001965.72931272},
		{"POINT(0 0)", "POINT(179 0.5)", 19902751.03259346},
		{"POINT(179.9 10)", "POINT(-179.9 10)", 21927.87247794},
		{"POINT(108 89.9)", "POINT(-72 89.9)", 22338.79568252},
		{"POINT(108.5 23)", "LINESTRING(108 22.5,109 22.5)", 55284.8499728},
		{"LINESTRING(108 22,109 23)", "LINESTRING(108 23,109 22)", 0},
		{"POINT(108.5 22.5)", "POLYGON((108 22,109 22,109 23,108 23,108 22))", 0},
		{"POINT(108.5 22.5)", "POLYGON((108 22,109 22,109 23,108 23,108 22),(108.4 22.4,108.6 22.4,108.6 22.6,108.4 22.6,108.4 22.4))", 10289.6241991},
		{"MULTIPOINT((100 22),(107.99 22.5))", "MULTIPOLYGON(((108 22,109 22,109 23,108 23,108 22)),((110 22,111 22,111 23,110 22)))", 1028.96249565},
		{"POLYGON((107 21,110 21,110 24,107 24,107 21))", "LINESTRING(108.1 22.1,108.2 22.2)", 0},
		{"GEOMETRYCOLLECTION(POINT(110.29 25.27),LINESTRING(108 22,109 22))", "POINT(108.7 22.01)", 1036.8193111},
	} {
		for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			r := row{"geom": NewShape(mustGeometry(pair[0]))}
			if !must(t, fmt.Sprintf("S_DWITHIN(geom, %s, %.6f)", pair[1], c.metres+0.0005)).Match(r) {
				t.Errorf("%s and %s are farther apart than %v m", pair[0], pair[1], c.metres)
			}
			if c.metres > 0 && must(t, fmt.Sprintf("S_DWITHIN(geom, %s, %.6f)", pair[1], c.metres-0.0005)).Match(r) {
				t.Errorf("%s and %s are nearer than %v m", pair[0], pair[1], c.metres)
			}
		}
	}
	antipodes := row{"geom": NewShape(mustGeometry("POINT(0 0)"))}
	for distance, want := range map[string]bool{"19900000": false, "20004000": true} {
		if got := must(t, "S_DWITHIN(geom, POINT(180 0), "+distance+")").Match(antipodes); got != want {
			t.Errorf("the opposite end of the earth is within %s m: %v", distance, got)
		}
	}
	if f := must(t, "S_DWITHIN(geom, BBOX(-180,-90,180,90), 1)"); f.chosen(antipodes) != unknown {
		t.Error("the whole earth has an inside")
	}
}

// The search leaves out what is far by bounds and by circles; all pairs of edges leave
// out nothing.
func TestTheSearchFindsTheNearestOfAllEdges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := func(what string) (geom.T, []edge) {
			size := rapid.SampledFrom([]float64{0.01, 1, 60}).Draw(t, "size")
			west, south := rapid.Float64Range(-179, 118).Draw(t, "west"), rapid.Float64Range(-89, 28).Draw(t, "south")
			var flat []float64
			for range rapid.IntRange(1, 30).Draw(t, what) {
				flat = append(flat, west+rapid.Float64Range(0, size).Draw(t, "x"), south+rapid.Float64Range(0, size).Draw(t, "y"))
			}
			if len(flat) == 2 {
				v := vectors(flat, 2)[0]
				return geom.NewPointFlat(geom.XY, flat), []edge{{v, v}}
			}
			return geom.NewLineStringFlat(geom.XY, flat), path(vectors(flat, 2))
		}
		a, edges := line("corners of a")
		b, others := line("corners of b")
		all := search{best: 2 * math.Pi}
		for _, e := range edges {
			for _, f := range others {
				all.pair(e, f)
			}
		}
		metres := 0.0
		if all.best > 0 {
			metres = ellipsoidal(all.a, all.b)
		}
		asked := func(limit float64) truth {
			return near(&Literal{Value: NewShape(a)}, &Literal{Value: NewShape(b)}, &Literal{Value: limit})(nil)
		}
		if asked(metres+0.001) != yes || metres > 0.001 && asked(metres-0.001) != no {
			t.Fatalf("%s and %s are %v m apart", appendWKT(nil, a), appendWKT(nil, b), metres)
		}
	})
}
