package cql2

import (
	sf "github.com/peterstace/simplefeatures/geom"
)

// relate is a spatial predicate: DE-9IM on the plane of longitude and latitude. It is
// unknown of null, and of what the library can't relate, such as an invalid outline.
func relate(op Op, a, b Expr) predicate {
	x, y := shape(a), shape(b)
	decide := spatialPredicates[op]
	return func(r Row) truth {
		s, t := x(r), y(r)
		if s == nil || t == nil {
			return unknown
		}
		if known, answer := decide.byBoxes(s, t); known {
			return truthOf(answer)
		}
		holds, err := decide.exactly(s.planar(), t.planar())
		if err != nil {
			return unknown
		}
		return truthOf(holds)
	}
}

// spatialPredicate first looks at the bounds alone, which decides most of a layer.
type spatialPredicate struct {
	byBoxes func(a, b *Shape) (known, answer bool)
	exactly func(a, b sf.Geometry) (bool, error)
}

var spatialPredicates = map[Op]spatialPredicate{
	SIntersects: {apart(false), func(a, b sf.Geometry) (bool, error) { d, err := sf.Disjoint(a, b); return !d, err }},
	SDisjoint:   {apart(true), sf.Disjoint},
	STouches:    {apart(false), sf.Touches},
	SCrosses:    {apart(false), sf.Crosses},
	SOverlaps:   {apart(false), sf.Overlaps},
	SContains:   {func(a, b *Shape) (bool, bool) { return !a.box.Covers(b.box), false }, sf.Contains},
	SWithin:     {func(a, b *Shape) (bool, bool) { return !b.box.Covers(a.box), false }, sf.Within},
	SEquals: {func(a, b *Shape) (bool, bool) {
		return a.box.Empty() || b.box.Empty() || a.box != b.box, a.box.Empty() && b.box.Empty()
	}, sf.Equals},
}

// apart gives the answer where the bounds have nothing in common.
func apart(answer bool) func(a, b *Shape) (bool, bool) {
	return func(a, b *Shape) (bool, bool) { return !a.box.Meets(b.box), answer }
}
