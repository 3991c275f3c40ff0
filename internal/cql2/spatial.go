package cql2

import (
	sf "github.com/peterstace/simplefeatures/geom"
	"github.com/twpayne/go-geom"
)

// relate is a spatial predicate: DE-9IM on the plane of longitude and latitude. It is
// unknown of null, and of what the library can't relate, such as an invalid outline.
func relate(op Op, a, b Expr) predicate {
	x, y := shape(a), shape(b)
	decide := spatialPredicates[op]
	exactly := func(s, t *Shape) (bool, error) { return decide.exactly(s.planar(), t.planar()) }
	if l, ok := b.(*Literal); ok {
		exactly = shortcut(op, l.Value.(*Shape), false, exactly)
	} else if l, ok := a.(*Literal); ok {
		exactly = shortcut(op, l.Value.(*Shape), true, exactly)
	}
	return func(r Row) truth {
		s, t := x(r), y(r)
		if s == nil || t == nil {
			return unknown
		}
		if known, answer := decide.byBoxes(s.box, t.box); known {
			return truthOf(answer)
		}
		holds, err := exactly(s, t)
		if err != nil {
			return unknown
		}
		return truthOf(holds)
	}
}

// spatialPredicate first looks at the bounds alone, which decides most of a layer.
type spatialPredicate struct {
	byBoxes func(a, b Box) (known, answer bool)
	exactly func(a, b sf.Geometry) (bool, error)
}

var spatialPredicates = map[Op]spatialPredicate{
	SIntersects: {apart(false), func(a, b sf.Geometry) (bool, error) { d, err := sf.Disjoint(a, b); return !d, err }},
	SDisjoint:   {apart(true), sf.Disjoint},
	STouches:    {apart(false), sf.Touches},
	SCrosses:    {apart(false), sf.Crosses},
	SOverlaps:   {apart(false), sf.Overlaps},
	SContains:   {func(a, b Box) (bool, bool) { return !a.Covers(b), false }, sf.Contains},
	SWithin:     {func(a, b Box) (bool, bool) { return !b.Covers(a), false }, sf.Within},
	SEquals:     {func(a, b Box) (bool, bool) { return a.Empty() || b.Empty() || a != b, a.Empty() && b.Empty() }, sf.Equals},
}

// apart gives the answer where the bounds have nothing in common.
func apart(answer bool) func(a, b Box) (bool, bool) {
	return func(a, b Box) (bool, bool) { return !a.Meets(b), answer }
}

// shortcut answers about an area that is the same for every row from an index of it,
// and from its bounds where it is a rectangle. First says that the area is the first
// operand.
func shortcut(op Op, area *Shape, first bool, exactly func(a, b *Shape) (bool, error)) func(a, b *Shape) (bool, error) {
	switch area.g.(type) {
	case *geom.Polygon, *geom.MultiPolygon:
	default:
		return exactly
	}
	inside := op == SContains && first || op == SWithin && !first
	rectangle, index := isRectangle(area), newIndex(area)
	return func(a, b *Shape) (bool, error) {
		other := a
		if first {
			other = b
		}
		if rectangle && area.box.surrounds(other.box) {
			return op == SIntersects || inside, nil
		}
		if _, mixed := other.g.(*geom.GeometryCollection); mixed {
			return exactly(a, b)
		}
		switch {
		case op == SIntersects || op == SDisjoint:
			meets, err := index.intersects(other)
			return meets == (op == SIntersects), err
		case inside:
			return index.contains(other)
		case op == SEquals:
			return exactly(a, b)
		}
		if meets, err := index.intersects(other); err != nil || !meets {
			return false, err
		}
		return exactly(a, b)
	}
}

// surrounds reports whether all of a box is inside and none of it on an edge.
func (b Box) surrounds(o Box) bool {
	return !o.Empty() && b.West < o.West && o.East < b.East && b.South < o.South && o.North < b.North
}

// isRectangle reports whether a shape fills its bounds.
func isRectangle(s *Shape) bool {
	p, ok := s.g.(*geom.Polygon)
	if !ok || p.NumLinearRings() != 1 || p.LinearRing(0).NumCoords() != 5 {
		return false
	}
	for i := range 4 {
		from, to := p.LinearRing(0).Coord(i), p.LinearRing(0).Coord(i+1)
		if from[0] != to[0] && from[1] != to[1] {
			return false
		}
	}
	return s.planar().Validate() == nil
}
