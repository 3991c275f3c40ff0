package coverage

import (
	"slices"
	"sort"
)

// sweep is the working memory of Valid. An edge has the index of the vertex that
// it leaves in its ring.
type sweep struct {
	points      []Point
	after, prev []int32 // the next and the previous vertex of the ring
	ring        []int32
	begun       []bool  // the rings that the sweep has reached
	order       []int32 // the vertices, as they are swept
	status      []int32 // the edges that cross the sweep's line, by y
}

// few is up to how many vertices comparing each edge with each is the quickest.
const few = 40

// Valid reports whether a polygon is valid and wound right, and no ring touches
// another or itself. (Rings that touch in single points may be valid, but for
// those it says no.)
//
// It is the sweep of Shamos and Hoey: of edges that meet, two are neighbours
// before. Only the edges beside a vertex are compared, so that it takes n log n
// steps. Single rings that are small or round are told more quickly.
func (r *Repairer) Valid(rings [][]Point) bool {
	if len(rings) == 0 || slices.ContainsFunc(rings, tooFar) {
		return false
	}
	if len(rings) == 1 {
		if isStar(rings[0]) {
			return true
		}
		if len(rings[0]) <= few {
			return isSimple(rings[0]) && positive(rings[0])
		}
	}
	return r.sweep.valid(rings)
}

func (s *sweep) valid(rings [][]Point) bool {
	if !s.load(rings) {
		return false
	}
	for _, v := range s.order {
		p, in, out := s.points[v], s.prev[v], v
		inEnds, outEnds := s.points[in].before(p), s.points[s.after[v]].before(p)
		at := sort.Search(len(s.status), func(i int) bool { return s.side(s.status[i], p) <= 0 })
		ok := false
		switch {
		case inEnds && outEnds:
			ok = s.end(at, in, out)
		case inEnds:
			ok = s.pass(at, in, out)
		case outEnds:
			ok = s.pass(at, out, in)
		default:
			ok = s.begin(at, v)
		}
		if !ok {
			return false
		}
	}
	return true
}

// load reads the rings; it reports false if one passes a place twice.
func (s *sweep) load(rings [][]Point) bool {
	s.points, s.after, s.prev, s.ring = s.points[:0], s.after[:0], s.prev[:0], s.ring[:0]
	s.begun, s.order, s.status = s.begun[:0], s.order[:0], s.status[:0]
	for i, ring := range rings {
		if len(ring) < 3 {
			return false
		}
		first := int32(len(s.points))
		last := first + int32(len(ring)) - 1
		for j := first; j <= last; j++ {
			s.after, s.prev, s.ring, s.order = append(s.after, j+1), append(s.prev, j-1), append(s.ring, int32(i)), append(s.order, j)
		}
		s.prev[first], s.after[last] = last, first
		s.points = append(s.points, ring...)
		s.begun = append(s.begun, false)
	}
	slices.SortFunc(s.order, func(i, j int32) int { return compare(s.points[i], s.points[j]) })
	for i, v := range s.order[1:] {
		if s.points[v] == s.points[s.order[i]] {
			return false
		}
	}
	return true
}

// begin adds the two edges that begin at a vertex.
func (s *sweep) begin(at int, v int32) bool {
	lower, upper := s.prev[v], v
	turn := side(s.points[v], s.points[lower], s.points[s.after[v]])
	if turn == 0 {
		return false
	}
	if turn < 0 {
		lower, upper = upper, lower
	}
	if ring := s.ring[v]; !s.begun[ring] {
		s.begun[ring] = true
		// The polygon is above the exterior's first edge and below a hole's, and a
		// hole begins in it.
		if ring == 0 && !s.forward(lower) ||
			ring > 0 && (s.forward(lower) || at == 0 || !s.forward(s.status[at-1])) {
			return false
		}
	}
	s.status = slices.Insert(s.status, at, lower, upper)
	return !s.meet(at-1) && !s.meet(at+1)
}

// pass replaces an edge by the one that goes on.
func (s *sweep) pass(at int, old, next int32) bool {
	if at == len(s.status) || s.status[at] != old {
		return false
	}
	s.status[at] = next
	return !s.meet(at-1) && !s.meet(at)
}

// end takes away two edges.
func (s *sweep) end(at int, e, f int32) bool {
	if at+2 > len(s.status) || min(s.status[at], s.status[at+1]) != min(e, f) || max(s.status[at], s.status[at+1]) != max(e, f) {
		return false
	}
	s.status = slices.Delete(s.status, at, at+2)
	return !s.meet(at - 1)
}

// forward reports whether an edge runs in the sweep's direction.
func (s *sweep) forward(e int32) bool { return s.points[e].before(s.points[s.after[e]]) }

// ends returns an edge's ends as they are swept.
func (s *sweep) ends(e int32) (a, b Point) {
	a, b = s.points[e], s.points[s.after[e]]
	if b.before(a) {
		a, b = b, a
	}
	return a, b
}

func (s *sweep) side(e int32, p Point) int64 {
	a, b := s.ends(e)
	return side(a, b, p)
}

// meet reports whether the edge at a place of the status and the one above it
// share more than an end.
func (s *sweep) meet(at int) bool {
	if at < 0 || at+1 >= len(s.status) {
		return false
	}
	a, b := s.ends(s.status[at])
	c, d := s.ends(s.status[at+1])
	if b == d {
		return side(a, b, c) == 0
	}
	if a == c { // begin has looked whether they run together
		return false
	}
	return !apart(side(a, b, c), side(a, b, d)) && !apart(side(c, d, a), side(c, d, b))
}

// apart reports whether both are strictly on the same side.
func apart(s, t int64) bool { return s > 0 && t > 0 || s < 0 && t < 0 }
