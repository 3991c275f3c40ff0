package coverage

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// line is a chain as the tests handle it.
type line struct {
	vs     []Vertex
	closed bool
}

func gradeLines(ls []line, o Options) [][]uint8 {
	var vs []Vertex
	var chains []Chain
	for _, l := range ls {
		vs = append(vs, l.vs...)
		chains = append(chains, Chain{len(vs), l.closed})
	}
	all := Grade(vs, chains, o)
	var out [][]uint8
	from := 0
	for _, c := range chains {
		out = append(out, all[from:c.End])
		from = c.End
	}
	return out
}

// mesh draws polygons that share wiggly borders, an island in a hole, lines along
// borders and across them, and some of it over and over again in one place.
func mesh(t *rapid.T, smallest int) []line {
	rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	n := rapid.IntRange(1, 4).Draw(t, "n")
	step := math.Ldexp(1, rapid.IntRange(smallest, 29).Draw(t, "size"))
	at := func(i, j int) Vertex {
		r := rand.New(rand.NewPCG(uint64(i), uint64(j)))
		return Vertex{uint32(step * (1 + float64(i) + r.Float64()/2)), uint32(step * (1 + float64(j) + r.Float64()/2))}
	}
	most := rapid.IntRange(0, 30).Draw(t, "wiggles")
	sides := map[[2]Vertex][]Vertex{}
	side := func(a, b Vertex) []Vertex { // with both its ends
		if b.before(a) {
			a, b = b, a
		}
		k := [2]Vertex{a, b}
		if sides[k] == nil {
			s := []Vertex{a}
			for i := range rnd.IntN(most + 1) {
				f := float64(i+1) / float64(most+2)
				s = append(s, Vertex{mix(a.X, b.X, f, rnd), mix(a.Y, b.Y, f, rnd)})
			}
			sides[k] = append(s, b)
		}
		return sides[k]
	}
	var ls []line
	for i := range n {
		for j := range n {
			var ring []Vertex
			corners := []Vertex{at(i, j), at(i+1, j), at(i+1, j+1), at(i, j+1)}
			for k, c := range corners {
				s := side(c, corners[(k+1)%4])
				if s[0] != c {
					s = reversed(s)
				}
				ring = append(ring, s[:len(s)-1]...)
			}
			ls = append(ls, line{ring, true})
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "islands") {
		var ring []Vertex
		for range 1 + rnd.IntN(40) {
			ring = append(ring, Vertex{uint32(step * rnd.Float64()), uint32(step * rnd.Float64())})
		}
		ls = append(ls, line{ring, true}, line{slices.Repeat(ring, 1+rnd.IntN(2)), true})
	}
	for range rapid.IntRange(0, 3).Draw(t, "lines") {
		from := ls[rnd.IntN(len(ls))].vs
		a, b := rnd.IntN(len(from)), rnd.IntN(len(from))
		l := slices.Clone(from[min(a, b) : max(a, b)+1])
		if rnd.IntN(2) == 0 { // there and back
			l = append(l, reversed(l)...)
		}
		if rnd.IntN(2) == 0 {
			l = append(l, at(rnd.IntN(9), rnd.IntN(9)))
		}
		ls = append(ls, line{l, rnd.IntN(4) == 0})
	}
	for range rapid.IntRange(0, 3).Draw(t, "points") {
		from := ls[rnd.IntN(len(ls))].vs
		ls = append(ls, line{[]Vertex{from[rnd.IntN(len(from))]}, rnd.IntN(2) == 0})
	}
	for range rapid.IntRange(0, 4).Draw(t, "repeats") {
		l := &ls[rnd.IntN(len(ls))]
		i := rnd.IntN(len(l.vs))
		l.vs = slices.Insert(slices.Clone(l.vs), i, l.vs[i], l.vs[i])
		if rnd.IntN(2) == 0 && l.closed {
			l.vs = append(l.vs, l.vs[0])
		}
	}
	return ls
}

func mix(a, b uint32, f float64, rnd *rand.Rand) uint32 {
	return uint32(float64(a)*(1-f) + float64(b)*f + (math.Abs(float64(a)-float64(b))+2)/8*rnd.Float64())
}

func reversed(vs []Vertex) []Vertex {
	vs = slices.Clone(vs)
	slices.Reverse(vs)
	return vs
}

// isPoint reports whether a chain never leaves its place.
func isPoint(vs []Vertex) bool {
	return !slices.ContainsFunc(vs, func(v Vertex) bool { return v != vs[0] })
}

// byPlace fails if a place has two grades. Points are at 0, and do not count.
func byPlace(t *rapid.T, ls []line, grades [][]uint8) map[Vertex]uint8 {
	at := map[Vertex]uint8{}
	for i, l := range ls {
		if isPoint(l.vs) {
			if slices.Max(grades[i]) > 0 {
				t.Fatalf("a point at %v has the grades %v", l.vs[0], grades[i])
			}
			continue
		}
		for j, v := range l.vs {
			if g, ok := at[v]; ok && g != grades[i][j] {
				t.Fatalf("%v has the grades %d and %d", v, g, grades[i][j])
			}
			at[v] = grades[i][j]
		}
	}
	return at
}

func TestAPlaceHasOneGradeWhateverTheOrderDirectionAndStart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ls := mesh(t, 4)
		before := byPlace(t, ls, gradeLines(ls, Options{}))
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 1))
		rnd.Shuffle(len(ls), func(i, j int) { ls[i], ls[j] = ls[j], ls[i] })
		for i, l := range ls {
			vs := slices.Clone(l.vs)
			if l.closed {
				k := rnd.IntN(len(vs))
				vs = append(vs[k:], vs[:k:k]...)
			}
			if rnd.IntN(2) == 0 {
				slices.Reverse(vs)
			}
			ls[i].vs = vs
		}
		for v, g := range byPlace(t, ls, gradeLines(ls, Options{Workers: 3})) {
			if before[v] != g {
				t.Fatalf("%v had the grade %d and now %d", v, before[v], g)
			}
		}
	})
}

func TestWhatIsLeftOutIsWithinTheToleranceAtEveryZoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ls := mesh(t, 4)
		tolerance := rapid.SampledFrom([]float64{0.5, DefaultTolerance, 7}).Draw(t, "tolerance")
		grades := gradeLines(ls, Options{Tolerance: tolerance})
		for i, l := range ls {
			if !slices.Contains(grades[i], 0) {
				t.Fatalf("%v has no vertex that is kept at every zoom", l.vs)
			}
			for z := range uint8(23) {
				limit := math.Ldexp(tolerance, 20-int(z)) * (1 + 1e-9)
				// Once round from a vertex that is kept.
				start := slices.IndexFunc(grades[i], func(g uint8) bool { return g <= z })
				if !l.closed && (start > 0 || grades[i][len(l.vs)-1] > z) {
					t.Fatalf("at zoom %d an end of %v is left out", z, l.vs)
				}
				last := start
				for n := 1; n <= len(l.vs); n++ {
					k := (start + n) % len(l.vs)
					if !l.closed && k < last {
						break
					}
					if grades[i][k] > z {
						continue
					}
					for j := last; j != k; j = (j + 1) % len(l.vs) {
						if d := distance(l.vs[j], l.vs[last], l.vs[k]); d > limit {
							t.Fatalf("at zoom %d %v is left out, %v from the line, and %v is allowed", z, l.vs[j], d, limit)
						}
					}
					last = k
				}
			}
		}
	})
}

func distance(p, a, b Vertex) float64 {
	x, y := float64(p.X)-float64(a.X), float64(p.Y)-float64(a.Y)
	bx, by := float64(b.X)-float64(a.X), float64(b.Y)-float64(a.Y)
	f := 0.0
	if a != b {
		f = min(max((x*bx+y*by)/(bx*bx+by*by), 0), 1)
	}
	return math.Hypot(x-f*bx, y-f*by)
}

func TestChainsThatTouchAChainSettleItsGrades(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ls := mesh(t, 4)
		whole := gradeLines(ls, Options{})
		c := rapid.IntRange(0, len(ls)-1).Draw(t, "chain")
		on := map[Vertex]bool{}
		for _, v := range ls[c].vs {
			on[v] = true
		}
		some := []line{ls[c]}
		for i, l := range ls {
			if i != c && slices.ContainsFunc(l.vs, func(v Vertex) bool { return on[v] }) {
				some = append(some, l)
			}
		}
		if got := gradeLines(some, Options{})[0]; !slices.Equal(got, whole[c]) {
			t.Fatalf("alone with what touches it %v, among all %v", got, whole[c])
		}
	})
}

// TestGradesAreThoseOfThePlainMethod compares with junctions from a map and
// Douglas and Peucker's recursion at each zoom. In a small mesh vertices are
// equally far, up to an error of rounding that is not the same here and there.
func TestGradesAreThoseOfThePlainMethod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ls := mesh(t, 22)
		got := byPlace(t, ls, gradeLines(ls, Options{}))
		for v, g := range plain(ls) {
			if got[v] != g {
				t.Fatalf("%v has the grade %d and not %d", v, got[v], g)
			}
		}
	})
}

func TestJunctionsAndOnlyTheyAreKeptAtEveryZoom(t *testing.T) {
	// Two squares share a side that has a bend; all is far below a pixel at zoom 0.
	a := []Vertex{{0, 0}, {30, 0}, {33, 15}, {30, 30}, {0, 30}}
	b := []Vertex{{60, 30}, {30, 30}, {33, 15}, {30, 0}, {60, 0}}
	got := gradeLines([]line{{a, true}, {b, true}}, Options{})
	for i, l := range [][]Vertex{a, b} {
		for j, v := range l {
			corner := v == Vertex{30, 0} || v == Vertex{30, 30}
			if kept := got[i][j] == 0; kept != corner {
				t.Errorf("%v has the grade %d", v, got[i][j])
			}
		}
	}
	// 3 units off the straight side: more than 2.5 units of zoom 20.
	if got[0][2] != 20 || got[1][2] != 20 {
		t.Errorf("the bend has the grades %d and %d", got[0][2], got[1][2])
	}
}

func TestAPointPartsNoBorder(t *testing.T) {
	bend := []Vertex{{0, 0}, {1000, 400}, {2000, 0}}
	without := gradeLines([]line{{bend, false}}, Options{})[0]
	for _, closed := range []bool{false, true} {
		point := line{[]Vertex{bend[1], bend[1]}, closed}
		if got := gradeLines([]line{point, {bend, false}, point}, Options{}); !slices.Equal(got[1], without) || slices.Max(got[0]) > 0 {
			t.Errorf("with a point the grades are %v, and %v without", got, without)
		}
	}
}

func TestASawIsGradedInSpiteOfItsShape(t *testing.T) {
	// Each tooth is the farthest vertex from what follows, so that the plain
	// method takes n² steps: here it would run for half an hour.
	const n = 1_000_000
	for _, left := range []bool{true, false} {
		vs := make([]Vertex, n)
		for i := range vs {
			height := uint32(n - i)
			if i%2 == 0 {
				height = -height
			}
			vs[i] = Vertex{uint32(i), 1<<31 + height}
		}
		if left {
			slices.Reverse(vs)
		}
		g := Grade(vs, []Chain{{End: n}}, Options{})
		// The largest teeth are two million high, and 2.5 × 2^19 is less.
		if lowest := slices.Min(g[1 : n-1]); lowest != 1 {
			t.Errorf("the lowest grade is %d", lowest)
		}
	}
}

func TestNothingAndNextToNothingIsGraded(t *testing.T) {
	for _, vs := range [][]Vertex{{}, {{1, 1}}, {{1, 1}, {1, 1}}, {{1, 1}, {2, 2}}, {{1, 1}, {2, 2}, {1, 1}}} {
		for _, closed := range []bool{false, true} {
			if got := gradeLines([]line{{nil, closed}, {vs, closed}}, Options{})[1]; len(got) != len(vs) || slices.ContainsFunc(got, func(g uint8) bool { return g > 0 }) {
				t.Errorf("%v, closed %v: %v", vs, closed, got)
			}
		}
	}
}
