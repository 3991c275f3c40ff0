package tiles

import (
	"runtime"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/layers"
	"onemap/tiles/coverage"
)

// shapesBuilder collects the geometries of rows.
type shapesBuilder struct{ shapes }

func newShapes() *shapesBuilder { return &shapesBuilder{} }

// add takes up a geometry that has an anchor.
func (b *shapesBuilder) add(g geom.T, anchor place) {
	start := len(b.vertices)
	for _, one := range inWorld(layers.Planar(g)) {
		b.addPlanar(one)
	}
	if len(b.vertices) == start { // what counts is there
		b.vertices, b.grades = append(b.vertices, anchor), append(b.grades, 0)
		b.parts = append(b.parts, part{end: uint32(len(b.vertices)), kind: partExterior})
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
		kind := partExterior
		for _, r := range g {
			if n := len(r); n > 1 && r[0] == r[n-1] {
				r = r[:n-1]
			}
			if b.chain(kind, r...) {
				kind = partHole
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

// complete makes everything that follows from vertices and parts.
func (s *shapes) complete() {
	s.boxes, s.areas = make([]box, len(s.ends)), make([]int64, len(s.ends))
	for row := range s.ends {
		s.boxes[row], s.areas[row] = boxOf(s.verticesOf(row)), s.area(row)
	}
	s.tree = plant(s.boxes)
	s.cut()
}
