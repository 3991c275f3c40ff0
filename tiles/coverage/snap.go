package coverage

import (
	"math/bits"
	"slices"
	"sort"
)

// segment is an edge between grid points that no other one crosses. It runs in
// the sweep's direction.
type segment struct {
	a, b Point
	wind wind // how much the windings grow towards greater y
}

// wind is how often the exterior and the holes run around a place.
type wind struct{ exterior, holes int32 }

func (w wind) plus(v wind) wind { return wind{w.exterior + v.exterior, w.holes + v.holes} }

// inside reports whether a place belongs to the polygon.
func (w wind) inside() bool { return w.exterior != 0 && w.holes == 0 }

// noder divides edges so that they meet only at their ends, by snap rounding
// (Hobby 1999): each vertex and each crossing makes its grid point hot, and an
// edge that passes within the unit square around a hot point is bent to it. After
// that no two edges cross: a theorem, as long as all tests are exact.
type noder struct {
	edges, segments []segment
	hot, passed     []Point
}

// node returns the segments of some rings, each once, by their first end and then
// from smaller to greater y.
func (n *noder) node(rings [][]Point) []segment {
	n.edges, n.segments, n.hot = n.edges[:0], n.segments[:0], n.hot[:0]
	for i, ring := range rings {
		w := wind{exterior: 1}
		if i > 0 {
			// Holes may be wound either way, but must not cancel each other out.
			w = wind{holes: 1}
			if doubleArea(ring) < 0 {
				w.holes = -1
			}
		}
		for j, p := range ring {
			n.edges = appendSegment(n.edges, p, ring[(j+1)%len(ring)], w)
		}
		n.hot = append(n.hot, ring...)
	}
	slices.SortFunc(n.edges, func(e, f segment) int { return compare(e.a, f.a) })
	n.heatCrossings()
	slices.SortFunc(n.hot, compare)
	n.hot = slices.Compact(n.hot)
	for _, e := range n.edges {
		last := e.a
		for _, p := range n.hotPoints(e) {
			n.segments = appendSegment(n.segments, last, p, e.wind)
			last = p
		}
	}
	n.merge()
	return n.segments
}

// doubleArea is twice the area by the surveyor's formula, right in sign but for
// rings that are next to nothing for their length.
func doubleArea(ring []Point) (sum float64) {
	for i, p := range ring {
		q, o := ring[(i+1)%len(ring)], ring[0]
		sum += float64((p.X-o.X)*(q.Y-o.Y) - (p.Y-o.Y)*(q.X-o.X))
	}
	return sum
}

// appendSegment appends the segment from p to q, unless it is none.
func appendSegment(to []segment, p, q Point, w wind) []segment {
	switch {
	case p.before(q):
		return append(to, segment{p, q, w})
	case q.before(p):
		return append(to, segment{q, p, wind{-w.exterior, -w.holes}})
	}
	return to
}

// heatCrossings adds the grid point nearest to each crossing. It compares edges
// that have places in common in x: few, where edges are short.
func (n *noder) heatCrossings() {
	for i, e := range n.edges {
		low, high := min(e.a.Y, e.b.Y), max(e.a.Y, e.b.Y)
		for _, f := range n.edges[i+1:] {
			if f.a.X > e.b.X {
				break
			}
			if max(f.a.Y, f.b.Y) < low || min(f.a.Y, f.b.Y) > high {
				continue
			}
			s, t := side(f.a, f.b, e.a), side(f.a, f.b, e.b)
			// What only touches, does so at a vertex: that is hot.
			if opposite(s, t) && opposite(side(e.a, e.b, f.a), side(e.a, e.b, f.b)) {
				part, whole := uint64(max(s, -s)), uint64(max(s-t, t-s))
				n.hot = append(n.hot, Point{
					e.a.X + roundedShare(e.b.X-e.a.X, part, whole),
					e.a.Y + roundedShare(e.b.Y-e.a.Y, part, whole),
				})
			}
		}
	}
}

func opposite(s, t int64) bool { return s < 0 && t > 0 || s > 0 && t < 0 }

// roundedShare is v × part/whole, rounded to the nearest, halves up.
func roundedShare(v int64, part, whole uint64) int64 {
	hi, lo := bits.Mul64(2*uint64(max(v, -v)), part)
	up := whole
	if v < 0 { // of a negative number, halves up is towards 0
		up--
	}
	lo, carry := bits.Add64(lo, up, 0)
	q, _ := bits.Div64(hi+carry, lo, 2*whole)
	if v < 0 {
		return -int64(q)
	}
	return int64(q)
}

// hotPoints returns the hot points that an edge passes, from its first end to its
// last.
func (n *noder) hotPoints(e segment) []Point {
	n.passed = n.passed[:0]
	low, high := min(e.a.Y, e.b.Y), max(e.a.Y, e.b.Y)
	from := sort.Search(len(n.hot), func(i int) bool { return n.hot[i].X >= e.a.X })
	column := 0 // where the points of this x begin
	for _, p := range n.hot[from:] {
		if p.X > e.b.X {
			break
		}
		if p.Y < low || p.Y > high || !passes(e, p) {
			continue
		}
		if len(n.passed) > 0 && n.passed[len(n.passed)-1].X != p.X {
			column = len(n.passed)
		}
		if e.b.Y < e.a.Y { // this edge meets those of one x the other way round
			n.passed = slices.Insert(n.passed, column, p)
		} else {
			n.passed = append(n.passed, p)
		}
	}
	return n.passed
}

// passes reports whether an edge meets the unit square around p, of which the
// sides of smaller x and y are part and the others are not. The edge's box has p.
//
// The edge is between the sides in x for some part of its way, and between those in
// y for another; it meets the square if these parts have a place in common. They
// are compared in units of half the way.
func passes(e segment, p Point) bool {
	dx, dy := e.b.X-e.a.X, e.b.Y-e.a.Y
	if dx == 0 || dy == 0 {
		return true
	}
	// An edge enters in x by a side that is part of the square, for it runs east.
	enterX, leaveX := 2*(p.X-e.a.X)-1, 2*(p.X-e.a.X)+1
	if dy > 0 {
		enterY, leaveY := 2*(p.Y-e.a.Y)-1, 2*(p.Y-e.a.Y)+1
		return enterX*dy < leaveY*dx && enterY*dx < leaveX*dy
	}
	enterY, leaveY := 2*(e.a.Y-p.Y)-1, 2*(e.a.Y-p.Y)+1
	return enterX*-dy <= leaveY*dx && enterY*dx < leaveX*-dy
}

// merge sorts the segments, and makes one of those between the same points.
// Those that cancel each other out vanish.
func (n *noder) merge() {
	slices.SortFunc(n.segments, func(s, t segment) int {
		if c := compare(s.a, t.a); c != 0 {
			return c
		}
		switch turn := side(s.a, s.b, t.b); {
		case turn > 0:
			return -1
		case turn < 0:
			return 1
		}
		return 0
	})
	merged := n.segments[:0]
	for _, s := range n.segments {
		if last := len(merged) - 1; last >= 0 && merged[last].a == s.a && merged[last].b == s.b {
			merged[last].wind = merged[last].wind.plus(s.wind)
		} else {
			merged = append(merged, s)
		}
	}
	n.segments = slices.DeleteFunc(merged, func(s segment) bool { return s.wind == wind{} })
}
