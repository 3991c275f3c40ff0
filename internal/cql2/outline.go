package cql2

import (
	"fmt"

	"github.com/twpayne/go-geom"
)

// sound checks a geometry that a filter spells out: predicates have no answer about
// what is none. What features have may be as it is.
func (c *checker) sound(l *Literal) error {
	s := l.Value.(*Shape)
	if b := s.box; b.Empty() {
		return wrong(l, "the geometry is empty", "give it coordinates")
	} else if b.West < -180 || b.East > 180 || b.South < -90 || b.North > 90 {
		return wrong(l, "coordinates outside of the world", "longitude, latitude in degrees (CRS84)")
	}
	if err := s.planar().Validate(); err != nil {
		return wrong(l, "not a valid geometry: "+err.Error(), "rings are closed and do not cross themselves or each other")
	}
	return nil
}

// boxLiteral is what BBOX means: west, south, east, north, or the same with a lowest
// and a highest height, which do not count. West may be greater than east: the box
// then crosses the antimeridian.
func boxLiteral(at place, v []float64) (*Literal, *Error) {
	switch len(v) {
	case 4:
	case 6:
		v = []float64{v[0], v[1], v[3], v[4]}
	default:
		return nil, &Error{Column: at.column, Path: at.path, Reason: fmt.Sprintf("a box of %d numbers", len(v)), Remedy: "west, south, east, north; or west, south, lowest, east, north, highest"}
	}
	w, s, e, n := v[0], v[1], v[2], v[3]
	if s > n {
		return nil, &Error{Column: at.column, Path: at.path, Reason: "the box has its south north of its north", Remedy: "west, south, east, north"}
	}
	g := rectangle(w, s, e, n)
	if w > e {
		g = both(rectangle(w, s, 180, n), rectangle(-180, s, e, n))
	}
	return &Literal{Value: NewShape(g), place: at}, nil
}

// both are two rectangles as one geometry: a multi polygon, unless one is less than a
// polygon.
func both(a, b geom.T) geom.T {
	first, ok := a.(*geom.Polygon)
	second, also := b.(*geom.Polygon)
	if ok && also {
		return geom.NewMultiPolygonFlat(geom.XY, append(first.FlatCoords(), second.FlatCoords()...), [][]int{{10}, {20}})
	}
	return geom.NewGeometryCollection().MustPush(a, b)
}

// rectangle is a polygon, or what is left of it where it has no width or no height.
func rectangle(w, s, e, n float64) geom.T {
	switch {
	case w == e && s == n:
		return geom.NewPointFlat(geom.XY, []float64{w, s})
	case w == e || s == n:
		return geom.NewLineStringFlat(geom.XY, []float64{w, s, e, n})
	}
	return geom.NewPolygonFlat(geom.XY, []float64{w, s, e, s, e, n, w, n, w, s}, []int{10})
}
