package coverage

import (
	"math"
	"sync"
)

// Vertex is a place in the Web Mercator world, 2^32 units wide and high (9 mm at
// the equator). At zoom z a tile unit, of which a tile has 4096, is 2^(20-z) of
// them.
type Vertex struct{ X, Y uint32 }

// Chain is a line or a ring among the vertices that Grade is given: it begins
// where the chain before it ends. A ring need not repeat its first vertex.
type Chain struct {
	End    int // the index after its last vertex
	Closed bool
}

// Never is the grade of a vertex that adds nothing at any zoom. Grades fit into
// five bits.
const Never = 31

// DefaultTolerance is a third of a CSS pixel, in tile units: a tile of 4096 is
// drawn 512 pixels wide, so a pixel is 8 of them. It is still below a device's
// pixel where that is half a CSS pixel, and two thirds of a CSS pixel just before
// the map goes to the next zoom. Half a unit, the grid's own error, would keep
// twice the vertices, and nobody would see the difference.
const DefaultTolerance = 2.5

// Options are the settings of Grade. The zero value is good.
type Options struct {
	// Tolerance is how far, in tile units of the zoom, an outline may be from
	// where it is in the data: Tolerance × 2^(20-z) world units at zoom z.
	Tolerance float64
	Workers   int // goroutines, 1 unless set
}

// Grade returns for each vertex the lowest zoom from which it matters: a chain
// drawn at zoom z with the vertices of grade ≤ z only is within the tolerance of
// the whole chain, and each vertex that is left out is within it of the segment
// that replaces it.
//
// The grade is a property of the place. It depends on no order, direction or
// start of the chains, and on no other chains than those that pass the chains
// through a vertex: grading these alone gives the same.
//
// Vertices where chains part, cross or end have the grade 0: they are where
// borders are put together again. A ring without such a vertex has its smallest
// one (by x, then y) at grade 0. So each chain has a vertex that is drawn at
// every zoom. A ring may have fewer than three at low zooms; then it is thinner
// than twice the tolerance. A chain that is all in one place is a point: it has the
// grade 0, and others pass it as if it were not there.
func Grade(vertices []Vertex, chains []Chain, o Options) []uint8 {
	if o.Tolerance <= 0 {
		o.Tolerance = DefaultTolerance
	}
	g := grader{vertices: vertices, chains: chains, marks: make([]mark, len(vertices)), grades: make([]uint8, len(vertices)), coarsest: squared(math.Ldexp(o.Tolerance, 20))}
	workers := max(o.Workers, 1)
	g.markEnds()
	g.markJunctions(workers)
	share(workers, workers, func(i int) {
		var a arc
		for c := i * len(chains) / workers; c < (i+1)*len(chains)/workers; c++ {
			g.gradeChain(c, &a)
		}
	})
	return g.grades
}

// mark is what is known of a vertex while its chain is graded.
type mark uint8

const (
	edge     mark = 1 << iota // its neighbours are not simply those before and after it
	repeat                    // it is where the one before it in the chain is
	shared                    // another vertex stands for its place
	junction                  // arcs end here
)

type grader struct {
	vertices []Vertex
	chains   []Chain
	marks    []mark
	grades   []uint8
	coarsest float64 // the tolerance at zoom 0, squared
}

// bounds returns the vertices of a chain as a range.
func (g *grader) bounds(chain int) (lo, hi int) {
	if chain > 0 {
		lo = g.chains[chain-1].End
	}
	return lo, g.chains[chain].End
}

// markEnds marks what needs the chain to be understood: its first and last
// vertex, and repeated ones. A ring's end that repeats its start counts as such, and
// so does all of a chain that never leaves its place.
func (g *grader) markEnds() {
	for c := range g.chains {
		lo, hi := g.bounds(c)
		if lo == hi {
			continue
		}
		g.marks[lo] |= edge
		g.marks[hi-1] |= edge
		repeats := 0
		for i := lo + 1; i < hi; i++ {
			if g.vertices[i] == g.vertices[i-1] {
				g.marks[i-1] |= edge
				g.marks[i] |= edge | repeat
				repeats++
			}
		}
		if repeats == hi-lo-1 {
			g.marks[lo] |= repeat
		}
		for i := hi - 1; g.chains[c].Closed && i > lo && g.vertices[i] == g.vertices[lo]; i-- {
			g.marks[i] |= edge | repeat
		}
	}
}

// gradeChain divides a chain at its junctions and grades the arcs between.
func (g *grader) gradeChain(c int, a *arc) {
	lo, hi := g.bounds(c)
	if lo == hi || g.marks[lo]&repeat != 0 {
		return
	}
	start := lo
	for start < hi && g.marks[start]&junction == 0 {
		start++
	}
	if start == hi { // only a ring has none
		start = g.markSmallest(lo, hi)
	}
	// A line begins at a junction, so that the way around comes back to it at once.
	a.reset()
	for n, i := 0, start; n <= hi-lo; n++ {
		if g.marks[i]&repeat == 0 {
			a.add(i, g.vertices[i])
		}
		if g.marks[i]&junction != 0 {
			if n > 0 && (g.chains[c].Closed || i > lo) {
				a.grade(g.grades, g.coarsest)
			}
			a.reset()
			a.add(i, g.vertices[i])
		}
		if i++; i == hi {
			i = lo
		}
	}
	for i := lo + 1; i < hi; i++ {
		if g.marks[i]&repeat == 0 {
			continue
		}
		if g.vertices[i] == g.vertices[i-1] {
			g.grades[i] = g.grades[i-1]
		} else {
			g.grades[i] = g.grades[lo]
		}
	}
}

// markSmallest makes the smallest vertex of a ring a junction, wherever the ring
// passes it, and returns the first of them.
func (g *grader) markSmallest(lo, hi int) int {
	first := lo
	for i := lo; i < hi; i++ {
		if g.marks[i]&repeat == 0 && g.vertices[i].before(g.vertices[first]) {
			first = i
		}
	}
	for i := first; i < hi; i++ {
		if g.marks[i]&repeat == 0 && g.vertices[i] == g.vertices[first] {
			g.marks[i] |= junction
		}
	}
	return first
}

func (v Vertex) before(w Vertex) bool { return v.X < w.X || v.X == w.X && v.Y < w.Y }

// share runs n tasks on some goroutines.
func share(workers, n int, task func(int)) {
	if workers <= 1 || n <= 1 {
		for i := range n {
			task(i)
		}
		return
	}
	var group sync.WaitGroup
	for w := range min(workers, n) {
		group.Go(func() {
			for i := w; i < n; i += workers {
				task(i)
			}
		})
	}
	group.Wait()
}
