package coverage

import "slices"

// Point is a place on a tile's grid: units of the zoom, x to the east, y to the
// south.
type Point struct{ X, Y int64 }

// maxCoordinate is what exact arithmetic in 64 bits allows.
const maxCoordinate = 1 << 28

// Repairer makes polygons valid. The zero value is ready; it keeps memory from
// call to call, so that one goroutine at a time may use it.
type Repairer struct {
	sweep sweep
	noder noder
	faces faces
}

// Repair returns a polygon as valid ones (OGC 06-103r4, 6.1.11) with all vertices
// on the grid, each with its exterior first. Rings are open, and wound as MVT 2.1,
// 4.3.4.4 wants it: exteriors have a positive area by the surveyor's formula,
// holes a negative one.
//
// What Valid accepts is returned as it is, not copied. Of anything else stays what
// the first ring runs around and no other one does, however they are wound and
// cross. Edges that cross are led through the grid point nearest to the crossing,
// and edges that pass a vertex within half a unit through that vertex. So a border
// shared with a neighbour may differ from it by a unit where one of the two was
// repaired. What has no area on the grid vanishes.
//
// Coordinates must be within ±2^28, which those of a clipped polygon are; other
// polygons come back as they are.
func (r *Repairer) Repair(rings [][]Point) [][][]Point {
	if len(rings) == 0 {
		return nil
	}
	if r.Valid(rings) || slices.ContainsFunc(rings, tooFar) {
		return [][][]Point{rings}
	}
	return r.faces.polygons(r.noder.node(rings))
}

func tooFar(ring []Point) bool {
	for _, p := range ring {
		if min(p.X, p.Y) < -maxCoordinate || max(p.X, p.Y) > maxCoordinate {
			return true
		}
	}
	return false
}

// before is the order in which places are swept: by x, then by y.
func (p Point) before(q Point) bool { return p.X < q.X || p.X == q.X && p.Y < q.Y }

func compare(p, q Point) int {
	switch {
	case p.before(q):
		return -1
	case q.before(p):
		return 1
	}
	return 0
}

// side tells where p is as seen from a towards b: positive if on the side of
// greater y where b comes after a in the order of sweeping, 0 if on the line.
func side(a, b, p Point) int64 { return (b.X-a.X)*(p.Y-a.Y) - (b.Y-a.Y)*(p.X-a.X) }
