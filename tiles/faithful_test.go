package tiles

import (
	"fmt"
	"testing"

	"github.com/paulmach/orb"
	"github.com/peterstace/simplefeatures/geom"
	gogeom "github.com/twpayne/go-geom"

	"onemap/layers"
	"onemap/tiles/coverage"
)

// snapshotOf holds some features, with a plan for a tile's budget.
func snapshotOf(l *layers.Layer, budget int64, fs ...*layers.Feature) *snapshot {
	b := newRun(formatOf(l, coverage.DefaultTolerance), nil)
	for _, f := range fs {
		b.add(f)
	}
	s := b.base()
	s.plan = s.makePlan(budget)
	return s
}

// lattice is a layer of areas that share their borders.
func lattice(unit float64) []*layers.Feature {
	var fs []*layers.Feature
	for column := range 4 {
		for row := range 3 {
			n := int64(len(fs) + 1)
			fs = append(fs, &layers.Feature{ID: fmt.Sprint(n), Num: n, Geometry: parcel(column, row, unit), Properties: map[string]any{"name": "甲"}})
		}
	}
	return fs
}

func TestNeighboursShareTheirBorderAtEveryZoom(t *testing.T) {
	l := testLayer("lattice", residentSchema...)
	l.Geometry = layers.Polygon
	shared := 0
	for _, unit := range []float64{0.02, 0.3} {
		s := snapshotOf(l, 1<<40, lattice(unit)...)
		for z := 6; z <= 14; z++ {
			at := At(108+unit*2, 22.5+unit*1.5, z)
			edges := map[[2]orb.Point]int{}
			for _, f := range features(t, s.encode(new(draft), "lattice", at)) {
				for _, ring := range rings(f.Geometry) {
					for i := 1; i < len(ring); i++ {
						edges[[2]orb.Point{ring[i-1], ring[i]}]++
					}
				}
			}
			for e, n := range edges {
				back := edges[[2]orb.Point{e[1], e[0]}]
				if n > 1 {
					t.Fatalf("zoom %d: %v is there %d times in one direction", z, e, n)
				}
				if back == 1 {
					shared++
				}
			}
			// What is nobody's other side is the rim of all, or of the tile.
			if rims := components(edges); rims != 1 {
				t.Fatalf("unit %v, zoom %d: %d rims; there are gaps between neighbours", unit, z, rims)
			}
		}
	}
	if shared < 1000 {
		t.Errorf("only %d edges were shared", shared)
	}
}

// components counts the closed ways that the unshared edges make.
func components(edges map[[2]orb.Point]int) (n int) {
	next := map[orb.Point]orb.Point{}
	for e := range edges {
		if edges[[2]orb.Point{e[1], e[0]}] == 0 {
			next[e[0]] = e[1]
		}
	}
	for len(next) > 0 {
		for p := range next {
			for q, ok := p, true; ok; {
				var to orb.Point
				to, ok = next[q]
				delete(next, q)
				q = to
			}
			break
		}
		n++
	}
	return n
}

func rings(g orb.Geometry) []orb.Ring {
	switch g := g.(type) {
	case orb.Polygon:
		return g
	case orb.MultiPolygon:
		var out []orb.Ring
		for _, p := range g {
			out = append(out, p...)
		}
		return out
	}
	return nil
}

// TestTilesOfAnyDataAreValid decodes tiles of what tile servers are compared with,
// at all zooms, merged and not.
func TestTilesOfAnyDataAreValid(t *testing.T) {
	for _, kind := range []layers.GeometryType{layers.Polygon, layers.LineString, layers.Point} {
		l, next := peerData(kind, 0)
		fs := make([]*layers.Feature, 3000)
		for i := range fs {
			fs[i] = next(i)
		}
		if kind == layers.Polygon {
			fs = append(fs, hole(5000), hole(5001))
		}
		for _, budget := range []int64{20_000, 1 << 40} {
			s := snapshotOf(l, budget, fs...)
			seen := 0
			for z := 0; z <= MaxZoom; z += 2 {
				for i := 0; i < s.runs[0].len(); i += 1 + s.runs[0].len()/20 {
					p := placeAt(squareOf(s.runs[0].keys[i], z).at)
					v := Variant{fine: i%2 == 1}
					raw := s.encode(&draft{variant: v}, "peer", Coord{z, int(p.X), int(p.Y)})
					for _, l := range decode(t, raw) {
						if l.Version != 2 || int64(l.Extent) != v.extent() || l.Name != "peer" {
							t.Fatalf("version %d, extent %d, name %s", l.Version, l.Extent, l.Name)
						}
						for _, f := range l.Features {
							seen++
							valid(t, f.Geometry)
						}
					}
				}
			}
			if seen < 1000 {
				t.Errorf("%s: only %d features were seen", kind, seen)
			}
		}
	}
}

func hole(n int64) *layers.Feature {
	x, y := 108.3+float64(n-5000), 22.8
	flat := []float64{x, y, x + 0.2, y, x + 0.2, y + 0.2, x, y + 0.2, x, y, x + 0.0001, y + 0.1, x + 0.1, y + 0.199, x + 0.19, y + 0.1, x + 0.1, y + 0.0001, x + 0.0001, y + 0.1}
	return &layers.Feature{ID: fmt.Sprint(n), Num: n, Geometry: gogeom.NewPolygonFlat(gogeom.XY, flat, []int{10, 20}), Properties: map[string]any{}}
}

// valid checks what the specification of MVT 2.1 wants of a geometry (4.3.3).
func valid(t *testing.T, g orb.Geometry) {
	t.Helper()
	var polygons orb.MultiPolygon
	switch g := g.(type) {
	case orb.Polygon:
		polygons = orb.MultiPolygon{g}
	case orb.MultiPolygon:
		polygons = g
	case orb.LineString:
		valid(t, orb.MultiLineString{g})
	case orb.MultiLineString:
		for _, l := range g {
			if len(l) < 2 {
				t.Fatalf("a line of %d points", len(l))
			}
		}
	}
	for _, p := range polygons {
		var rings []geom.LineString
		for i, r := range p {
			// y grows downwards, so a positive area of the formula is clockwise.
			if area := doubleArea(open(r)); area == 0 || (area > 0) != (i == 0) {
				t.Fatalf("ring %d of %v has the area %v", i, p, area/2)
			}
			var flat []float64
			for _, v := range r {
				flat = append(flat, v[0], v[1])
			}
			rings = append(rings, geom.NewLineString(geom.NewSequence(flat, geom.DimXY)))
		}
		if err := geom.NewPolygon(rings).Validate(); err != nil {
			t.Fatalf("%v: %v", err, p)
		}
	}
}

func open(r orb.Ring) (out []point) {
	for _, v := range r[:len(r)-1] {
		out = append(out, point{X: int64(v[0]), Y: int64(v[1])})
	}
	return out
}

func TestAreasThatMergeSayHowMuchTheyCover(t *testing.T) {
	l := testLayer("lattice", residentSchema...)
	l.Geometry = layers.Polygon
	s := snapshotOf(l, 100, lattice(0.001)...)
	fs := features(t, s.encode(new(draft), "lattice", At(108.001, 22.501, 4)))
	if len(fs) != 1 || fs[0].Properties[CountKey] != 12.0 {
		t.Fatalf("%v", describe(t, s.encode(new(draft), "lattice", At(108.001, 22.501, 4))))
	}
	// Twelve of 0.001° by 0.001° at 22.5° of latitude: 102.8 m by 111.3 m each.
	if got, want := fs[0].Properties[AreaKey].(float64), 12*102.8*111.3; got < 0.98*want || got > 1.02*want {
		t.Errorf("%v m², want about %v", got, want)
	}
}
