package tiles

import "slices"

// window is the clip box: a tile with its buffer, edges included, on either axis.
type window struct{ min, max int64 }

func windowOf(extent int64) window {
	buffer := Buffer * extent / TileExtent
	return window{-buffer, extent + buffer}
}

func (w window) has(p point) bool {
	return p.X >= w.min && p.X <= w.max && p.Y >= w.min && p.Y <= w.max
}

func (w window) hasAll(ps []point) bool {
	return !slices.ContainsFunc(ps, func(p point) bool { return !w.has(p) })
}

// line adds the parts of a line inside the clip box. Each has at least two points
// and no repeated ones.
func (c *clipper) line(parts [][]point, ps []point) [][]point {
	start := len(c.points) // of the part that is being made
	before := c.sides(ps[0])
	for i := 1; i < len(ps); i++ {
		code := c.sides(ps[i])
		a, b, ok := ps[i-1], ps[i], before&code == 0 // or both are beyond one edge
		if ok && before|code != 0 {
			a, b, ok = c.clipSegment(a, b)
		}
		before = code
		if len(c.points) > start && (!ok || c.points[len(c.points)-1] != a) {
			parts, start = c.endPart(parts, start)
		}
		if !ok {
			continue
		}
		if len(c.points) == start {
			c.points = append(c.points, a)
		}
		if a != b {
			c.points = append(c.points, b)
		}
		if b != ps[i] {
			parts, start = c.endPart(parts, start)
		}
	}
	parts, _ = c.endPart(parts, start)
	return parts
}

// endPart adds the part that begins at start, if it is one, and returns where the
// next one begins.
func (c *clipper) endPart(parts [][]point, start int) ([][]point, int) {
	if end := len(c.points); end-start >= 2 {
		return append(parts, c.points[start:end:end]), end
	}
	c.points = c.points[:start]
	return parts, start
}

// clipSegment returns the part of a segment inside the clip box, rounded to the
// grid (Cohen and Sutherland's way). Each crossing is computed from the ends of
// the whole segment in a fixed order, so that both directions give the same.
func (w window) clipSegment(a, b point) (point, point, bool) {
	if w.has(a) && w.has(b) {
		return a, b, true
	}
	p, q := vertex{float64(a.X), float64(a.Y)}, vertex{float64(b.X), float64(b.Y)}
	u, v := p, q
	codeU, codeV := w.outcode(u), w.outcode(v)
	// Each end moves to at most two edges.
	for range 5 {
		switch {
		case codeU|codeV == 0:
			return u.point(), v.point(), true
		case codeU&codeV != 0:
			return point{}, point{}, false
		case codeU != 0:
			u = w.cross(p, q, codeU)
			codeU = w.outcode(u)
		default:
			v = w.cross(p, q, codeV)
			codeV = w.outcode(v)
		}
	}
	return point{}, point{}, false
}

const (
	west = 1 << iota
	east
	north
	south
)

// sides says beyond which edges of the clip box a point is.
func (w window) sides(p point) int { return beyond(w, p.X, p.Y) }

// outcode is sides of a place that is not rounded.
func (w window) outcode(v vertex) int { return beyond(w, v[0], v[1]) }

func beyond[N int64 | float64](w window, x, y N) (code int) {
	least, most := N(w.min), N(w.max)
	switch {
	case x < least:
		code = west
	case x > most:
		code = east
	}
	switch {
	case y < least:
		code |= north
	case y > most:
		code |= south
	}
	return code
}

// cross returns where the line through p and q meets an edge of the clip box
// that code says it is beyond.
func (w window) cross(p, q vertex, code int) vertex {
	least, most := float64(w.min), float64(w.max)
	switch {
	case code&west != 0:
		return cross(p, q, 0, least)
	case code&east != 0:
		return cross(p, q, 0, most)
	case code&north != 0:
		return cross(p, q, 1, least)
	default:
		return cross(p, q, 1, most)
	}
}

// vertex is a place in tile units, not rounded.
type vertex [2]float64

func (v vertex) point() point { return point{X: round(v[0]), Y: round(v[1])} }

// cross returns where the line through p and q has the value at on an axis,
// the same for (q, p) to the last bit.
func cross(p, q vertex, axis int, at float64) vertex {
	if p[axis] > q[axis] {
		p, q = q, p
	}
	switch at { // an end on the line is the crossing, without rounding
	case p[axis]:
		return p
	case q[axis]:
		return q
	}
	other := 1 - axis
	var v vertex
	v[axis] = at
	v[other] = p[other] + (at-p[axis])*(q[other]-p[other])/(q[axis]-p[axis])
	return v
}
