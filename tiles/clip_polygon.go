package tiles

import (
	"cmp"
	"slices"
)

// clipPolygon returns the parts of a polygon inside the clip box, as polygons
// of their own. The rings are open and wound, the first is the exterior.
//
// It cuts along the four edges of the box, one after the other. A cut leaves
// chains that begin and end on the cutting line; sorted along it, their ends
// bound the polygon's inside in pairs. So a polygon that a cut divides becomes
// two, where clipping ring by ring would leave bridges along the edge.
func clipPolygon(rings [][]point) [][][]point {
	beyond, outside := 0, [4]bool{true, true, true, true}
	for _, hole := range rings[1:] {
		for _, p := range hole {
			beyond |= sides(p)
		}
	}
	for _, p := range rings[0] {
		beyond |= sides(p)
		outside[0] = outside[0] && p.X <= boxMin
		outside[1] = outside[1] && p.X >= boxMax
		outside[2] = outside[2] && p.Y <= boxMin
		outside[3] = outside[3] && p.Y >= boxMax
	}
	switch {
	case beyond == 0:
		return assemble(rings)
	case outside[0], outside[1], outside[2], outside[3]:
		return nil
	}
	cut := make([]cutRing, len(rings))
	for i, r := range rings {
		vs := make([]vertex, len(r))
		for j, p := range r {
			vs[j] = vertex{float64(p.X), float64(p.Y)}
		}
		cut[i] = cutRing{vertices: vs, hole: i > 0}
	}
	for i, line := range []cutLine{{0, boxMin, 1}, {0, boxMax, -1}, {1, boxMin, 1}, {1, boxMax, -1}} {
		if beyond&(1<<i) != 0 { // west, east, north, south
			cut = line.cut(cut)
		}
	}
	// Exteriors first, as assemble wants them.
	slices.SortStableFunc(cut, func(a, b cutRing) int { return cmp.Compare(a.order(), b.order()) })
	left := make([][]point, 0, len(cut))
	for _, r := range cut {
		if ring := cleanRing(rounded(r.vertices)); ring != nil {
			left = append(left, wound(ring, !r.hole))
		}
	}
	return assemble(left)
}

// cutRing is an open ring on its way through the cuts.
type cutRing struct {
	vertices []vertex
	hole     bool
}

func (r cutRing) order() int {
	if r.hole {
		return 1
	}
	return 0
}

// cutLine is one edge of the clip box: what is on the side of sign stays.
type cutLine struct {
	axis int
	at   float64
	sign float64
}

func (l cutLine) keeps(v vertex) bool { return l.sign*(v[l.axis]-l.at) > 0 }

// chain is a piece of a ring between two crossings of the line, both included.
type chain []vertex

// chainEnd is one end of a chain on the line.
type chainEnd struct {
	along float64 // place on the line
	chain int
	last  bool // the chain's last vertex, else its first
}

func (l cutLine) cut(rings []cutRing) []cutRing {
	var kept []cutRing
	var chains []chain
	for _, r := range rings {
		in := 0
		for _, v := range r.vertices {
			if l.keeps(v) {
				in++
			}
		}
		if in == len(r.vertices) {
			kept = append(kept, r)
		} else if in > 0 {
			chains = append(chains, l.chains(r.vertices)...)
		}
	}
	return append(kept, l.join(chains)...)
}

// chains returns what is left of a ring that crosses the line.
func (l cutLine) chains(vs []vertex) []chain {
	// Begin where the ring is outside, so that no chain runs over the seam.
	start := slices.IndexFunc(vs, func(v vertex) bool { return !l.keeps(v) })
	var out []chain
	var c chain
	before := vs[start]
	for i := 1; i <= len(vs); i++ {
		v := vs[(start+i)%len(vs)]
		if l.keeps(v) != (c != nil) {
			x := cross(before, v, l.axis, l.at)
			if c == nil {
				c = chain{x}
			} else {
				out, c = append(out, append(c, x)), nil
			}
		}
		if c != nil {
			c = append(c, v)
		}
		before = v
	}
	return out
}

// join closes chains along the line. A ring that touches the line is an
// exterior: beyond the line there is nothing that it could be a hole of.
func (l cutLine) join(chains []chain) []cutRing {
	ends := make([]chainEnd, 0, 2*len(chains))
	for i, c := range chains {
		ends = append(ends, chainEnd{c[0][1-l.axis], i, false}, chainEnd{c[len(c)-1][1-l.axis], i, true})
	}
	slices.SortStableFunc(ends, func(a, b chainEnd) int { return cmp.Compare(a.along, b.along) })
	partner := make(map[[2]int]chainEnd, len(ends))
	for i := 0; i+1 < len(ends); i += 2 {
		// Where rings touch on the line, pair an end with a beginning, as the
		// winding wants it.
		for j := i + 2; j < len(ends) && ends[i].last == ends[i+1].last && ends[j].along == ends[i+1].along; j++ {
			if ends[j].last != ends[i].last {
				ends[i+1], ends[j] = ends[j], ends[i+1]
			}
		}
		partner[ends[i].key()], partner[ends[i+1].key()] = ends[i+1], ends[i]
	}
	var out []cutRing
	done := make([]bool, len(chains))
	for i := range chains {
		if done[i] {
			continue
		}
		var ring []vertex
		for at := (chainEnd{chain: i}); !done[at.chain]; {
			done[at.chain] = true
			c := chains[at.chain]
			if at.last { // enters at its end: only with rings that cross themselves
				c = slices.Clone(c)
				slices.Reverse(c)
			}
			ring = append(ring, c...)
			at.last = !at.last // leaves by the other end
			at = partner[at.key()]
		}
		out = append(out, cutRing{vertices: ring})
	}
	return out
}

func (e chainEnd) key() [2]int {
	if e.last {
		return [2]int{e.chain, 1}
	}
	return [2]int{e.chain, 0}
}

func rounded(vs []vertex) []point {
	ps := make([]point, len(vs))
	for i, v := range vs {
		ps[i] = v.point()
	}
	return ps
}
