package tiles

import (
	"cmp"
	"slices"
)

// clipper clips to the clip box. It keeps memory from call to call: what it returns
// holds until it is reset.
type clipper struct {
	window
	points   []point
	vertices []vertex
	rings    []cutRing
	chains   []chain
}

func (c *clipper) reset(w window) { c.window, c.points = w, c.points[:0] }

// polygon returns the rings of the parts of a polygon inside the clip box, as
// assemble wants them. The rings are open and wound, the first is the exterior.
//
// It cuts along the four edges of the box, one after the other. A cut leaves
// chains that begin and end on the cutting line; sorted along it, their ends
// bound the polygon's inside in pairs. So a polygon that a cut divides becomes
// two, where clipping ring by ring would leave bridges along the edge.
func (c *clipper) polygon(rings [][]point) [][]point {
	beyond, outside := 0, [4]bool{true, true, true, true}
	for _, hole := range rings[1:] {
		for _, p := range hole {
			beyond |= c.sides(p)
		}
	}
	for _, p := range rings[0] {
		beyond |= c.sides(p)
		outside[0] = outside[0] && p.X <= c.min
		outside[1] = outside[1] && p.X >= c.max
		outside[2] = outside[2] && p.Y <= c.min
		outside[3] = outside[3] && p.Y >= c.max
	}
	switch {
	case beyond == 0:
		return rings
	case outside[0], outside[1], outside[2], outside[3]:
		return nil
	}
	c.vertices, c.rings = c.vertices[:0], c.rings[:0]
	for i, r := range rings {
		start := len(c.vertices)
		for _, p := range r {
			c.vertices = append(c.vertices, vertex{float64(p.X), float64(p.Y)})
		}
		c.rings = append(c.rings, cutRing{vertices: c.vertices[start:], hole: i > 0})
	}
	least, most := float64(c.min), float64(c.max)
	for i, line := range []cutLine{{0, least, 1}, {0, most, -1}, {1, least, 1}, {1, most, -1}} {
		if beyond&(1<<i) != 0 { // west, east, north, south
			c.cut(line)
		}
	}
	// Exteriors first, as assemble wants them.
	slices.SortStableFunc(c.rings, func(a, b cutRing) int { return cmp.Compare(a.order(), b.order()) })
	left := make([][]point, 0, len(c.rings))
	for _, r := range c.rings {
		if ring := cleanRing(c.rounded(r.vertices)); ring != nil {
			left = append(left, wound(ring, !r.hole))
		}
	}
	return left
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

// cut cuts the rings along a line.
func (c *clipper) cut(l cutLine) {
	kept := c.rings[:0]
	c.chains = c.chains[:0]
	for _, r := range c.rings {
		in := 0
		for _, v := range r.vertices {
			if l.keeps(v) {
				in++
			}
		}
		if in == len(r.vertices) {
			kept = append(kept, r)
		} else if in > 0 {
			c.addChains(l, r.vertices)
		}
	}
	if len(c.chains) == 1 { // its ends meet on the line
		c.rings = append(kept, cutRing{vertices: c.chains[0]})
		return
	}
	c.rings = append(kept, l.join(c.chains)...)
}

// addChains adds what is left of a ring that crosses the line.
func (c *clipper) addChains(l cutLine, vs []vertex) {
	// Begin where the ring is outside, so that no chain runs over the seam.
	start := slices.IndexFunc(vs, func(v vertex) bool { return !l.keeps(v) })
	first, inside := 0, false // the chain that is being made
	before := vs[start]
	for i := 1; i <= len(vs); i++ {
		at := start + i
		if at >= len(vs) {
			at -= len(vs)
		}
		v := vs[at]
		if keeps := l.keeps(v); keeps != inside {
			x := cross(before, v, l.axis, l.at)
			if keeps {
				first = len(c.vertices)
			}
			c.vertices = append(c.vertices, x)
			if !keeps {
				c.chains = append(c.chains, c.vertices[first:])
			}
			inside = keeps
		}
		if inside {
			c.vertices = append(c.vertices, v)
		}
		before = v
	}
}

// join closes chains along the line. A ring that touches the line is an
// exterior: beyond the line there is nothing that it could be a hole of.
func (l cutLine) join(chains []chain) []cutRing {
	ends := make([]chainEnd, 0, 2*len(chains))
	for i, c := range chains {
		ends = append(ends, chainEnd{c[0][1-l.axis], i, false}, chainEnd{c[len(c)-1][1-l.axis], i, true})
	}
	slices.SortStableFunc(ends, func(a, b chainEnd) int { return cmp.Compare(a.along, b.along) })
	partner := make([]chainEnd, 2*len(chains)) // of each end, by its number
	for i := 0; i+1 < len(ends); i += 2 {
		// Where rings touch on the line, pair an end with a beginning, as the
		// winding wants it.
		for j := i + 2; j < len(ends) && ends[i].last == ends[i+1].last && ends[j].along == ends[i+1].along; j++ {
			if ends[j].last != ends[i].last {
				ends[i+1], ends[j] = ends[j], ends[i+1]
			}
		}
		partner[ends[i].number()], partner[ends[i+1].number()] = ends[i+1], ends[i]
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
			at = partner[at.number()]
		}
		out = append(out, cutRing{vertices: ring})
	}
	return out
}

func (e chainEnd) number() int {
	if e.last {
		return 2*e.chain + 1
	}
	return 2 * e.chain
}

func (c *clipper) rounded(vs []vertex) []point {
	start := len(c.points)
	for _, v := range vs {
		c.points = append(c.points, v.point())
	}
	return c.points[start:len(c.points):len(c.points)]
}
