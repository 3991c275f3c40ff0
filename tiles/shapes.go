package tiles

import (
	"math"
	"runtime"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip"
	"github.com/twpayne/go-geom"

	"onemap/layers"
	"onemap/tiles/coverage"
)

// shapes holds the geometries of a run's rows, one after the other, and the packed
// tree of their bounds. It is immutable.
type shapes struct {
	vertices []place
	grades   []uint8 // of each vertex: the zoom from which it matters
	parts    []part
	ends     []uint32 // of each row's parts
	boxes    []box    // of each row
	areas    []int64  // of each row, in square metres
	chunks   []box    // of each chunkSize segments of long lines
	tree     tree
}

// part is a point, a line or a ring: open, if it is a ring.
type part struct {
	end    uint32 // of its vertices
	chunks uint32 // where the boxes of a long line begin
	kind   partKind
}

// chunkSize is how many segments of a line share a box: a tile looks at those
// that come near it, and not at the whole river.
const chunkSize = 32

type partKind uint8

const (
	partPoint partKind = iota
	partLine
	partExterior
	partHole
)

// box is a rectangle of places, both ends included.
type box struct{ x0, y0, x1, y1 uint32 }

func (b box) rect() rect { return rect{int64(b.x0), int64(b.y0), int64(b.x1), int64(b.y1)} }

func (b box) meets(r rect) bool {
	return int64(b.x0) <= r.x1 && int64(b.x1) >= r.x0 && int64(b.y0) <= r.y1 && int64(b.y1) >= r.y0
}

// side returns the longer side.
func (b box) side() uint32 { return max(b.x1-b.x0, b.y1-b.y0) }

func (b box) and(o box) box {
	return box{min(b.x0, o.x0), min(b.y0, o.y0), max(b.x1, o.x1), max(b.y1, o.y1)}
}

// of returns the row's parts; start is the first vertex of the first.
func (s *shapes) of(row int) (parts []part, start uint32) {
	from := uint32(0)
	if row > 0 {
		from = s.ends[row-1]
	}
	if from > 0 {
		start = s.parts[from-1].end
	}
	return s.parts[from:s.ends[row]], start
}

func (s *shapes) size() int64 {
	if s == nil {
		return 0
	}
	return 9*int64(len(s.vertices)) + 12*int64(len(s.parts)) + 12*int64(len(s.ends)) + 16*int64(len(s.boxes)+len(s.chunks)) + s.tree.size()
}

// shapesBuilder collects the geometries of rows.
type shapesBuilder struct{ shapes }

func newShapes() *shapesBuilder { return &shapesBuilder{} }

// add takes up a geometry that has at least one place.
func (b *shapesBuilder) add(g geom.T) {
	start := len(b.vertices)
	for _, one := range inWorld(layers.Planar(g)) {
		b.addPlanar(one)
	}
	b.endRow(start)
}

func (b *shapesBuilder) endRow(start int) {
	b.ends = append(b.ends, uint32(len(b.parts)))
	b.boxes = append(b.boxes, boxOf(b.vertices[start:]))
	b.areas = append(b.areas, b.area(len(b.ends)-1))
}

func (b *shapesBuilder) addPlanar(g orb.Geometry) {
	switch g := g.(type) {
	case orb.Point:
		b.chain(partPoint, g)
	case orb.MultiPoint:
		for _, p := range g {
			b.chain(partPoint, p)
		}
	case orb.LineString:
		b.chain(partLine, g...)
	case orb.MultiLineString:
		for _, l := range g {
			b.chain(partLine, l...)
		}
	case orb.Ring:
		b.addPlanar(orb.Polygon{g})
	case orb.Bound:
		b.addPlanar(g.ToPolygon())
	case orb.Polygon:
		for i, r := range g {
			kind := partExterior
			if i > 0 {
				kind = partHole
			}
			if n := len(r); n > 1 && r[0] == r[n-1] {
				r = r[:n-1]
			}
			if !b.chain(kind, r...) && i == 0 {
				return
			}
		}
	case orb.MultiPolygon:
		for _, p := range g {
			b.addPlanar(p)
		}
	case orb.Collection:
		for _, part := range g {
			b.addPlanar(part)
		}
	}
}

// chain adds one part, without repeated places.
func (b *shapesBuilder) chain(kind partKind, ps ...orb.Point) bool {
	start := len(b.vertices)
	for _, p := range ps {
		q, ok := placeOf(p)
		if ok && (len(b.vertices) == start || b.vertices[len(b.vertices)-1] != q) {
			b.vertices, b.grades = append(b.vertices, q), append(b.grades, 0)
		}
	}
	if len(b.vertices) == start {
		return false
	}
	b.parts = append(b.parts, part{end: uint32(len(b.vertices)), kind: kind})
	return true
}

// grade finds the zoom from which each vertex matters, alike on both sides of a
// border that shapes share. Tolerance is in tile units; with a negative one all
// vertices matter everywhere.
func (b *shapesBuilder) grade(tolerance float64) {
	if tolerance < 0 {
		return
	}
	vertices := make([]coverage.Vertex, len(b.vertices))
	for i, p := range b.vertices {
		vertices[i] = coverage.Vertex{X: p.X, Y: p.Y}
	}
	chains := make([]coverage.Chain, len(b.parts))
	for i, p := range b.parts {
		chains[i] = coverage.Chain{End: int(p.end), Closed: p.kind >= partExterior}
	}
	b.grades = coverage.Grade(vertices, chains, coverage.Options{Tolerance: tolerance, Workers: runtime.GOMAXPROCS(0)})
}

// copy takes up a row of other shapes.
func (b *shapesBuilder) copy(s *shapes, row int) {
	parts, start := s.of(row)
	by := uint32(len(b.vertices)) - start
	for _, p := range parts {
		b.parts = append(b.parts, part{end: p.end + by, kind: p.kind})
	}
	end := parts[len(parts)-1].end
	b.vertices, b.grades = append(b.vertices, s.vertices[start:end]...), append(b.grades, s.grades[start:end]...)
	b.ends = append(b.ends, uint32(len(b.parts)))
	b.boxes, b.areas = append(b.boxes, s.boxes[row]), append(b.areas, s.areas[row])
}

func (b *shapesBuilder) build(order []int32) *shapes {
	var out shapesBuilder
	out.vertices, out.grades = make([]place, 0, len(b.vertices)), make([]uint8, 0, len(b.vertices))
	out.parts = make([]part, 0, len(b.parts))
	out.ends, out.boxes, out.areas = make([]uint32, 0, len(order)), make([]box, 0, len(order)), make([]int64, 0, len(order))
	for _, row := range order {
		out.copy(&b.shapes, int(row))
	}
	out.tree = plant(out.boxes)
	out.cut()
	return &out.shapes
}

// cut makes the boxes of long lines' chunks.
func (s *shapes) cut() {
	start := uint32(0)
	for i := range s.parts {
		p := &s.parts[i]
		if n := p.end - start; p.kind == partLine && n > 2*chunkSize {
			p.chunks = uint32(len(s.chunks))
			for from := start; from+1 < p.end; from += chunkSize {
				s.chunks = append(s.chunks, boxOf(s.vertices[from:min(from+chunkSize+1, p.end)]))
			}
		}
		start = p.end
	}
}

// area returns what a row covers, in square metres. Mercator enlarges by the
// latitude, which is taken for one over a ring: right for what is small.
func (s *shapes) area(row int) int64 {
	parts, start := s.of(row)
	total := 0.0
	for _, p := range parts {
		ring := s.vertices[start:p.end]
		start = p.end
		if p.kind < partExterior {
			continue
		}
		sum, o := 0.0, ring[0]
		for i := 1; i+1 < len(ring); i++ {
			ax, ay := float64(ring[i].X)-float64(o.X), float64(ring[i].Y)-float64(o.Y)
			bx, by := float64(ring[i+1].X)-float64(o.X), float64(ring[i+1].Y)-float64(o.Y)
			sum += ax*by - ay*bx
		}
		b := boxOf(ring)
		lat := grid{1 << placeLevels}.unproject(0, (float64(b.y0)+float64(b.y1))/2)[1] * math.Pi / 180
		side := earthGirth / (1 << placeLevels) * math.Cos(lat) // of a unit, in metres
		covered := math.Abs(sum) / 2 * side * side
		if p.kind == partHole {
			covered = -covered
		}
		total += covered
	}
	return int64(math.Round(total))
}

// earthGirth is the equator's length on the sphere of Web Mercator, in metres.
const earthGirth = 2 * math.Pi * 6378137

func boxOf(ps []place) box {
	b := box{ps[0].X, ps[0].Y, ps[0].X, ps[0].Y}
	for _, v := range ps[1:] {
		b = b.and(box{v.X, v.Y, v.X, v.Y})
	}
	return b
}

// firstPlace returns the first place that a geometry has.
func firstPlace(g geom.T) (p place, ok bool) {
	eachPart(g, func(one geom.T) {
		if ok || one == nil || one.Empty() {
			return
		}
		flat := one.FlatCoords()
		for i := 0; i+1 < len(flat) && !ok; i += one.Stride() {
			p, ok = placeOf(orb.Point{flat[i], flat[i+1]})
		}
	})
	return p, ok
}

// inWorld cuts what reaches over the antimeridian into what is on either side.
func inWorld(g orb.Geometry) []orb.Geometry {
	if g == nil {
		return nil
	}
	b := g.Bound()
	if _, isPoint := g.(orb.Point); isPoint || b.Min[0] >= -180 && b.Max[0] <= 180 {
		return []orb.Geometry{g}
	}
	world := orb.Bound{Min: orb.Point{-180, -90}, Max: orb.Point{180, 90}}
	var out []orb.Geometry
	for _, by := range []float64{-360, 0, 360} {
		if one := clip.Geometry(world, shiftedEast(g, by)); one != nil {
			out = append(out, one)
		}
	}
	if out == nil { // farther off than that: it stays as it is
		return []orb.Geometry{g}
	}
	return out
}

// shiftedEast returns a copy of g that lies by degrees farther in the east.
func shiftedEast(g orb.Geometry, by float64) orb.Geometry {
	g = orb.Clone(g)
	eachPoint(g, func(p *orb.Point) { p[0] += by })
	return g
}

// eachPoint visits the points of a line, a polygon or a set of them, in place.
func eachPoint(g orb.Geometry, visit func(*orb.Point)) {
	switch g := g.(type) {
	case orb.MultiPoint:
		for i := range g {
			visit(&g[i])
		}
	case orb.LineString:
		eachPoint(orb.MultiPoint(g), visit)
	case orb.Ring:
		eachPoint(orb.MultiPoint(g), visit)
	case orb.MultiLineString:
		for _, l := range g {
			eachPoint(l, visit)
		}
	case orb.Polygon:
		for _, r := range g {
			eachPoint(r, visit)
		}
	case orb.MultiPolygon:
		for _, p := range g {
			eachPoint(p, visit)
		}
	case orb.Collection:
		for i, one := range g {
			if p, ok := one.(orb.Point); ok {
				visit(&p)
				g[i] = p
				continue
			}
			eachPoint(one, visit)
		}
	}
}
