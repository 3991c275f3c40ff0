package coverage

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"pgregory.net/rapid"
)

func toGeometry(polygons [][][]Point) geom.MultiPolygon {
	var ps []geom.Polygon
	for _, polygon := range polygons {
		var rings [][]float64
		for _, r := range polygon {
			var xy []float64
			for i := range len(r) + 1 {
				xy = append(xy, float64(r[i%len(r)].X), float64(r[i%len(r)].Y))
			}
			rings = append(rings, xy)
		}
		ps = append(ps, geom.NewPolygonXY(rings...))
	}
	return geom.NewMultiPolygon(ps)
}

func area(r []Point) (twice float64) {
	for i, p := range r {
		q := r[(i+1)%len(r)]
		twice += float64(p.X*q.Y - p.Y*q.X)
	}
	return twice / 2
}

// checkPolygons fails unless polygons are valid, apart from each other, and wound.
func checkPolygons(t interface{ Fatalf(string, ...any) }, polygons [][][]Point) {
	for _, p := range polygons {
		for i, r := range p {
			if a := area(r); (a > 0) != (i == 0) || a == 0 {
				t.Fatalf("ring %d of %v has the area %v", i, p, a)
			}
		}
	}
	if err := toGeometry(polygons).Validate(); err != nil {
		t.Fatalf("%v is not valid: %v", polygons, err)
	}
}

// tangle draws rings that cross and touch themselves and each other.
func tangle(t *rapid.T) [][]Point {
	size := rapid.SampledFrom([]int64{3, 8, 40, 4000, maxCoordinate}).Draw(t, "size")
	x, y := rapid.Int64Range(-size, size), rapid.Int64Range(-size, size)
	step := rapid.Int64Range(-2, 2)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []Point {
		ring := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Point { return Point{x.Draw(t, "x"), y.Draw(t, "y")} }), 1, 12).Draw(t, "ring")
		if size < maxCoordinate && rapid.Bool().Draw(t, "near") { // some way along itself
			for _, p := range slices.Clone(ring) {
				ring = append(ring, Point{p.X + step.Draw(t, "dx"), p.Y + step.Draw(t, "dy")})
			}
		}
		return ring
	}), 1, 4).Draw(t, "rings")
}

func TestWhatIsRepairedIsValidAndTheSamePlace(t *testing.T) { rapid.Check(t, repairTangle()) }

func FuzzRepair(f *testing.F) { f.Fuzz(rapid.MakeFuzz(repairTangle())) }

func repairTangle() func(*rapid.T) {
	var r Repairer
	return func(t *rapid.T) {
		rings := tangle(t)
		before := clone(rings)
		got := r.Repair(rings)
		checkPolygons(t, got)
		for i := range rings {
			if !slices.Equal(rings[i], before[i]) {
				t.Fatalf("the caller's %v became %v", before[i], rings[i])
			}
		}
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "places"), 1))
		for range 30 {
			a, b := rings[rnd.IntN(len(rings))], rings[rnd.IntN(len(rings))]
			p, q := a[rnd.IntN(len(a))], b[rnd.IntN(len(b))]
			f := rnd.Float64()
			x, y := float64(p.X)*f+float64(q.X)*(1-f)+0.5, float64(p.Y)*f+float64(q.Y)*(1-f)+0.5
			if near(rings, x, y) < 1.5 {
				continue // snapping may move the outline over it
			}
			want := winding(rings[0], x, y) != 0
			holes := 0
			for _, h := range rings[1:] {
				if area(h) < 0 {
					holes -= winding(h, x, y)
				} else {
					holes += winding(h, x, y)
				}
			}
			want = want && holes == 0
			in := false
			for _, polygon := range got {
				sum := 0
				for _, r := range polygon {
					sum += winding(r, x, y)
				}
				in = in || sum != 0
			}
			if in != want {
				t.Fatalf("%v, %v is inside: %v, but after the repair %v", x, y, want, in)
			}
		}
	}
}

func clone(rings [][]Point) [][]Point {
	out := make([][]Point, len(rings))
	for i := range rings {
		out[i] = slices.Clone(rings[i])
	}
	return out
}

func near(rings [][]Point, x, y float64) float64 {
	least := math.Inf(1)
	for _, r := range rings {
		for i, a := range r {
			b := r[(i+1)%len(r)]
			dx, dy := float64(b.X-a.X), float64(b.Y-a.Y)
			px, py := x-float64(a.X), y-float64(a.Y)
			f := 0.0
			if a != b {
				f = min(max((px*dx+py*dy)/(dx*dx+dy*dy), 0), 1)
			}
			least = min(least, math.Hypot(px-f*dx, py-f*dy))
		}
	}
	return least
}

// winding is how often a ring runs around a place.
func winding(r []Point, x, y float64) (n int) {
	for i, a := range r {
		b := r[(i+1)%len(r)]
		ay, by := float64(a.Y), float64(b.Y)
		if (ay > y) == (by > y) {
			continue
		}
		if cross := float64(a.X) + (y-ay)/(by-ay)*float64(b.X-a.X); cross > x {
			if by > ay {
				n++
			} else {
				n--
			}
		}
	}
	return n
}

func TestRepairsOfKnownFaults(t *testing.T) {
	square := []Point{{0, 0}, {20, 0}, {20, 20}, {0, 20}}
	for _, c := range []struct {
		name     string
		rings    [][]Point
		polygons []int // the number of rings of each
		area     float64
	}{
		{"a bow", [][]Point{{{0, 0}, {10, 10}, {10, 0}, {0, 10}}}, []int{1, 1}, 50},
		{"wound the other way", [][]Point{{{0, 20}, {20, 20}, {20, 0}, {0, 0}}, {{5, 5}, {9, 5}, {9, 9}, {5, 9}}}, []int{2}, 384},
		{"a spike", [][]Point{{{0, 0}, {10, 0}, {10, 5}, {30, 5}, {10, 5}, {10, 10}, {0, 10}}}, []int{1}, 100},
		{"nothing but a spike", [][]Point{{{0, 0}, {9, 3}, {3, 1}}}, nil, 0},
		{"a hole across the exterior", [][]Point{square, {{10, 5}, {10, 15}, {30, 15}, {30, 5}}}, []int{1}, 300},
		{"a hole outside", [][]Point{square, {{30, 5}, {30, 9}, {40, 9}, {40, 5}}}, []int{1}, 400},
		{"a hole that is all", [][]Point{square, {{0, 20}, {20, 20}, {20, 0}, {0, 0}}}, nil, 0},
		{"holes with a side in common", [][]Point{square, {{5, 5}, {5, 10}, {10, 10}, {10, 5}}, {{10, 5}, {10, 10}, {15, 10}, {15, 5}}}, []int{2}, 350},
		{"a hole in a hole", [][]Point{square, {{5, 15}, {15, 15}, {15, 5}, {5, 5}}, {{8, 12}, {12, 12}, {12, 8}, {8, 8}}}, []int{2}, 300},
		{"a hole that touches", [][]Point{square, {{0, 10}, {5, 12}, {5, 8}}}, []int{2}, 390},
		{"a hole that divides", [][]Point{square, {{0, 10}, {10, 12}, {20, 10}, {10, 8}}}, []int{1, 1}, 360},
		{"a bay that closes", [][]Point{{{0, 0}, {20, 0}, {20, 9}, {15, 9}, {15, 5}, {10, 5}, {10, 9}, {20, 9}, {20, 20}, {0, 20}}}, []int{2}, 380},
		{"a neck", [][]Point{{{0, 0}, {10, 0}, {10, 10}, {20, 10}, {20, 20}, {10, 20}, {10, 10}, {0, 10}}}, []int{1, 1}, 200},
		{"twice around", [][]Point{slices.Repeat(square, 2)}, []int{1}, 400},
		{"an edge within half a unit of a vertex", [][]Point{{{0, 0}, {20, 1}, {20, 20}, {10, 1}, {0, 20}}}, []int{1}, 200},
		{"the same and a crossing", [][]Point{{{0, 0}, {20, 1}, {20, 20}, {10, 1}, {0, 20}}, {{1, 5}, {-1, 7}, {1, 9}}}, []int{1, 1}, 192},
		{"no ring", nil, nil, 0},
		{"a dot", [][]Point{{{1, 1}}}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r Repairer
			got := r.Repair(c.rings)
			checkPolygons(t, got)
			var rings []int
			sum := 0.0
			for _, p := range got {
				rings = append(rings, len(p))
				for _, ring := range p {
					sum += area(ring)
				}
			}
			if !slices.Equal(rings, c.polygons) && c.polygons != nil || sum != c.area {
				t.Errorf("%v with the area %v", got, sum)
			}
		})
	}
}

func TestASimplifiedPolygonIsValidAndAboutAsLargeAtEveryZoom(t *testing.T) {
	var r Repairer
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(5, 60).Draw(t, "n")
		size := math.Ldexp(1, rapid.IntRange(8, 29).Draw(t, "size"))
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		// The hole comes close to the exterior, without touching it.
		inner := size * math.Cos(math.Pi/float64(n)) / 2
		outer := around(1<<31, 1<<31, n, func() float64 { return size * (0.5 + 0.5*rnd.Float64()) })
		hole := around(1<<31, 1<<31, n, func() float64 { return inner * (0.5 + 0.49*rnd.Float64()) })
		slices.Reverse(hole)
		var vs []Vertex
		length := 0.0
		for _, ring := range [][]Point{outer, hole} {
			for i, p := range ring {
				vs = append(vs, Vertex{uint32(p.X), uint32(p.Y)})
				q := ring[(i+1)%n]
				length += math.Hypot(float64(q.X-p.X), float64(q.Y-p.Y))
			}
		}
		grades := Grade(vs, []Chain{{n, true}, {2 * n, true}}, Options{})
		for z := range uint8(21) {
			unit := int64(1) << (20 - z)
			rings := make([][]Point, 2)
			for i, v := range vs {
				if grades[i] <= z {
					rings[i/n] = append(rings[i/n], Point{(int64(v.X)+unit/2)/unit - 1<<(11+z), (int64(v.Y)+unit/2)/unit - 1<<(11+z)})
				}
			}
			got := r.Repair(rings)
			checkPolygons(t, got)
			sum, want := 0.0, (area(outer)+area(hole))/float64(unit*unit)
			for _, p := range got {
				for _, ring := range p {
					sum += area(ring)
				}
			}
			// Simplified, rounded and snapped, an outline is within 4 units of what it was.
			if d := math.Abs(sum - want); d > 2*4*length/float64(unit)+2*math.Pi*4*4 {
				t.Fatalf("at zoom %d %v is left of %v", z, sum, want)
			}
		}
	})
}

func TestWhatIsTooFarForExactArithmeticIsLeftAlone(t *testing.T) {
	var r Repairer
	for _, far := range []Point{{maxCoordinate + 1, 0}, {0, math.MinInt64}, {math.MaxInt64, math.MaxInt64}} {
		rings := [][]Point{{{0, 0}, {10, 10}, far, {10, 0}, {0, 10}}}
		if got := r.Repair(rings); r.Valid(rings) || len(got) != 1 || &got[0][0][0] != &rings[0][0] {
			t.Errorf("%v became %v", rings, got)
		}
	}
	if ring := []Point{{0, 0}, {maxCoordinate + 1, 0}, {9, 9}}; r.Valid([][]Point{ring}) {
		t.Errorf("%v is called valid", ring)
	}
}
