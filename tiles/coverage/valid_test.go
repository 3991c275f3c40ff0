package coverage

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestAPolygonThatTouchesNothingComesBackItself(t *testing.T) {
	var r Repairer
	seen := map[bool]int{}
	check := func(t *rapid.T, rings [][]Point) {
		want := true
		for i, ring := range rings {
			a := 0.0
			if len(ring) > 0 {
				a = area(ring)
			}
			want = want && len(ring) > 2 && a != 0 && (a > 0) == (i == 0)
		}
		want = want && !touches(rings) && toGeometry([][][]Point{rings}).Validate() == nil
		seen[want]++
		if got := r.Valid(rings); got != want {
			t.Fatalf("%v is valid: %v, not %v", rings, got, want)
		}
		if got := r.sweep.valid(rings); got != want { // also where there is a quicker way
			t.Fatalf("the sweep finds %v valid: %v, not %v", rings, got, want)
		}
		if got := r.Repair(rings); want && &got[0][0][0] != &rings[0][0] {
			t.Fatalf("%v became %v", rings, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		// Small holes in a small ring: often right, and often just not.
		n := rapid.OneOf(rapid.IntRange(3, 9), rapid.IntRange(30, 150)).Draw(t, "n")
		radius := rapid.Float64Range(3, 12)
		if n > 9 {
			radius = rapid.Float64Range(float64(n)/2, float64(n))
		}
		rings := [][]Point{around(0, 0, n, func() float64 { return radius.Draw(t, "r") })}
		for range rapid.IntRange(0, 3).Draw(t, "holes") {
			at := rapid.Float64Range(-8, 8)
			h := around(at.Draw(t, "x"), at.Draw(t, "y"), 4, func() float64 { return 1.6 })
			if !rapid.Bool().Draw(t, "wrong") {
				slices.Reverse(h)
			}
			rings = append(rings, h)
		}
		if rapid.IntRange(0, 9).Draw(t, "wrong") == 0 {
			slices.Reverse(rings[0])
		}
		check(t, rings)
		if rings = tangle(t); area(rings[0]) < 0 {
			slices.Reverse(rings[0])
		}
		check(t, rings[:1])
		check(t, rings)
	})
	if min(seen[true], seen[false]) < 10 {
		t.Errorf("%v: not much of a test", seen)
	}
}

// TestSmallRingsAreJudgedRight looks at every ring of few vertices in a small
// square, and at some with a hole: what only just touches is the hard case.
func TestSmallRingsAreJudgedRight(t *testing.T) {
	var r Repairer
	check := func(rings [][]Point, want bool) {
		if r.Valid(rings) != want || r.sweep.valid(rings) != want {
			t.Fatalf("%v is valid: %v, by the sweep %v, and not %v", rings, r.Valid(rings), r.sweep.valid(rings), want)
		}
	}
	for n := 3; n <= 5; n++ {
		ring := make([]Point, n)
		for code := range int(math.Pow(9, float64(n))) {
			for i := range ring {
				ring[i] = Point{int64(code % 3), int64(code / 3 % 3)}
				code /= 9
			}
			rings := [][]Point{ring}
			check(rings, area(ring) > 0 && !touches(rings))
		}
	}
	// A spike, its shorter edge ending where it can't be told from the longer one.
	check([][]Point{{{-1, 1}, {-4, 2}, {-1, -2}, {-1, 0}, {-3, 1}, {1, -1}}}, false)
	rnd := rand.New(rand.NewPCG(1, 1))
	valid := 0
	for range 100_000 {
		rings := [][]Point{around(5, 5, 3+rnd.IntN(5), func() float64 { return 2 + 4*rnd.Float64() }), nil, nil}
		if rnd.IntN(2) == 0 {
			rnd.Shuffle(len(rings[0]), func(i, j int) { rings[0][i], rings[0][j] = rings[0][j], rings[0][i] })
		}
		for i := range rings {
			x, y := rnd.Int64N(8), rnd.Int64N(8)
			for j := 0; i > 0 && j < 3; j++ {
				rings[i] = append(rings[i], Point{x + rnd.Int64N(3), y + rnd.Int64N(3)})
			}
			if (area(rings[i]) > 0) != (i == 0) {
				slices.Reverse(rings[i])
			}
		}
		want := !touches(rings) && area(rings[1]) < 0 && area(rings[2]) < 0
		for i, h := range rings[1:] {
			want = want && winding(rings[0], float64(h[0].X), float64(h[0].Y)+1e-6) != 0 &&
				winding(rings[2-i], float64(h[0].X), float64(h[0].Y)+1e-6) == 0
		}
		check(rings, want)
		check(rings[:1], area(rings[0]) > 0 && !touches(rings[:1]))
		if want {
			valid++
		}
	}
	if valid < 500 {
		t.Errorf("only %d polygons with holes were valid", valid)
	}
}

func around(x, y float64, n int, radius func() float64) (ring []Point) {
	for i := range n {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		r := radius()
		ring = append(ring, Point{int64(math.Round(x + r*cos)), int64(math.Round(y + r*sin))})
	}
	return ring
}

// touches compares each edge with each.
func touches(rings [][]Point) bool {
	type edge struct{ a, b Point }
	var edges []edge
	for _, r := range rings {
		for i := range r {
			e := edge{r[i], r[(i+1)%len(r)]}
			if e.a == e.b {
				return true
			}
			edges = append(edges, e)
		}
	}
	for i, e := range edges {
		for _, f := range edges[:i] {
			n := 0 // ends in common
			for _, p := range []Point{f.a, f.b} {
				if p == e.a || p == e.b {
					n++
				} else if onEdge(e.a, e.b, p) {
					return true
				}
			}
			for _, p := range []Point{e.a, e.b} {
				if p != f.a && p != f.b && onEdge(f.a, f.b, p) {
					return true
				}
			}
			if opposite(side(e.a, e.b, f.a), side(e.a, e.b, f.b)) && opposite(side(f.a, f.b, e.a), side(f.a, f.b, e.b)) {
				return true
			}
			if n == 2 || n == 1 && f.b != e.a && e.b != f.a { // no neighbours in a ring
				return true
			}
		}
	}
	return false
}

func onEdge(a, b, p Point) bool {
	return side(a, b, p) == 0 && min(a.X, b.X) <= p.X && p.X <= max(a.X, b.X) && min(a.Y, b.Y) <= p.Y && p.Y <= max(a.Y, b.Y)
}
