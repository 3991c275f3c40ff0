package layers

import (
	"fmt"
	"math"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"
)

// BoundOf returns the bounds of a stored geometry in CRS84; false if it is nil or
// empty.
func BoundOf(g geom.T) (orb.Bound, bool) {
	if g == nil {
		return orb.Bound{}, false
	}
	if c, ok := g.(*geom.GeometryCollection); ok {
		var b orb.Bound
		found := false
		for _, part := range c.Geoms() {
			if p, ok := BoundOf(part); ok {
				if found {
					p = b.Union(p)
				}
				b, found = p, true
			}
		}
		return b, found
	}
	flat, stride := g.FlatCoords(), g.Stride()
	b := orb.Bound{Min: orb.Point{math.Inf(1), math.Inf(1)}, Max: orb.Point{math.Inf(-1), math.Inf(-1)}}
	for i := 0; i+1 < len(flat); i += stride {
		x, y := flat[i], flat[i+1]
		if math.IsNaN(x) || math.IsNaN(y) { // how WKB writes an empty point
			continue
		}
		b.Min[0], b.Max[0] = math.Min(b.Min[0], x), math.Max(b.Max[0], x)
		b.Min[1], b.Max[1] = math.Min(b.Min[1], y), math.Max(b.Max[1], y)
	}
	return b, b.Min[0] <= b.Max[0]
}

// Planar returns a private copy of a stored geometry for drawing and computing
// in the plane: height and measure are left out. It is the only bridge from
// go-geom, which keeps, to orb, which draws. Nil and empty geometries become nil.
func Planar(g geom.T) orb.Geometry {
	if g == nil || g.Empty() {
		return nil
	}
	switch g := g.(type) {
	case *geom.Point:
		return orb.Point{g.X(), g.Y()}
	case *geom.MultiPoint:
		var mp orb.MultiPoint
		for i := range g.NumPoints() {
			if p := g.Point(i); !p.Empty() {
				mp = append(mp, orb.Point{p.X(), p.Y()})
			}
		}
		return mp
	case *geom.LineString:
		return orb.LineString(planarPoints(g.FlatCoords(), g.Stride()))
	case *geom.LinearRing:
		return orb.Ring(planarPoints(g.FlatCoords(), g.Stride()))
	case *geom.MultiLineString:
		var ml orb.MultiLineString
		for i := range g.NumLineStrings() {
			if l := g.LineString(i); !l.Empty() {
				ml = append(ml, orb.LineString(planarPoints(l.FlatCoords(), l.Stride())))
			}
		}
		return ml
	case *geom.Polygon:
		return planarPolygon(g)
	case *geom.MultiPolygon:
		var mp orb.MultiPolygon
		for i := range g.NumPolygons() {
			if p := g.Polygon(i); !p.Empty() {
				mp = append(mp, planarPolygon(p))
			}
		}
		return mp
	case *geom.GeometryCollection:
		var c orb.Collection
		for _, part := range g.Geoms() {
			if p := Planar(part); p != nil {
				c = append(c, p)
			}
		}
		return c
	}
	return nil
}

func planarPolygon(g *geom.Polygon) orb.Polygon {
	p := make(orb.Polygon, 0, g.NumLinearRings())
	for i := range g.NumLinearRings() {
		if r := g.LinearRing(i); !r.Empty() { // other programs write them
			p = append(p, orb.Ring(planarPoints(r.FlatCoords(), r.Stride())))
		}
	}
	return p
}

func planarPoints(flat []float64, stride int) []orb.Point {
	ps := make([]orb.Point, 0, len(flat)/stride)
	for i := 0; i+1 < len(flat); i += stride {
		ps = append(ps, orb.Point{flat[i], flat[i+1]})
	}
	return ps
}

// TypeOf returns the geometry's type name, or "" for nil.
func TypeOf(g geom.T) GeometryType {
	switch g.(type) {
	case *geom.Point:
		return Point
	case *geom.LineString:
		return LineString
	case *geom.Polygon:
		return Polygon
	case *geom.MultiPoint:
		return MultiPoint
	case *geom.MultiLineString:
		return MultiLineString
	case *geom.MultiPolygon:
		return MultiPolygon
	case *geom.GeometryCollection:
		return "GeometryCollection"
	}
	return ""
}

// accepts reports whether a layer of type t may hold a geometry of type g.
func (t GeometryType) accepts(g GeometryType) bool {
	return t == g || t == AnyGeometry || t == "Multi"+g
}

// Promote makes a single geometry the multi geometry of one part, where the
// declared type is that: other programs rely on it.
func (t GeometryType) Promote(g geom.T) (geom.T, error) {
	switch p := g.(type) {
	case *geom.Point:
		if t == MultiPoint {
			m := geom.NewMultiPoint(p.Layout())
			if p.Empty() {
				return m, nil
			}
			return m, m.Push(p)
		}
	case *geom.LineString:
		if t == MultiLineString {
			m := geom.NewMultiLineString(p.Layout())
			if p.Empty() {
				return m, nil
			}
			return m, m.Push(p)
		}
	case *geom.Polygon:
		if t == MultiPolygon {
			m := geom.NewMultiPolygon(p.Layout())
			if p.Empty() {
				return m, nil
			}
			return m, m.Push(p)
		}
	}
	return g, nil
}

// checkGeometry reports why a geometry can't be kept in a layer of type t, or "".
func checkGeometry(t GeometryType, g geom.T) (reason, remedy string) {
	if g == nil {
		return "", ""
	}
	if !t.accepts(TypeOf(g)) {
		return fmt.Sprintf("a %s in a layer of type %s", TypeOf(g), t), "send a " + string(t)
	}
	return checkCoordinates(g)
}

func checkCoordinates(g geom.T) (reason, remedy string) {
	if c, ok := g.(*geom.GeometryCollection); ok {
		for _, part := range c.Geoms() {
			if reason, remedy = checkCoordinates(part); reason != "" {
				return reason, remedy
			}
		}
		return "", ""
	}
	flat, stride := g.FlatCoords(), g.Stride()
	for i := 0; i < len(flat); i += stride {
		for _, v := range flat[i : i+stride] {
			if math.IsInf(v, 0) || math.IsNaN(v) {
				return fmt.Sprintf("coordinate %d is not a finite number", i/stride), "send finite numbers"
			}
		}
		if x, y := flat[i], flat[i+1]; math.Abs(x) > 180 || math.Abs(y) > 90 {
			return fmt.Sprintf("coordinate %d (%v, %v) is not longitude, latitude in degrees", i/stride, x, y),
				"convert to CRS84 (WGS 84 or CGCS2000, longitude first)"
		}
	}
	switch g := g.(type) {
	case *geom.LineString:
		if n := g.NumCoords(); n == 1 {
			return "a line of one point", "at least two"
		}
	case *geom.MultiLineString:
		for i := range g.NumLineStrings() {
			if reason, remedy = checkCoordinates(g.LineString(i)); reason != "" {
				return reason, remedy
			}
		}
	case *geom.Polygon:
		for i := range g.NumLinearRings() {
			r := g.LinearRing(i)
			n := r.NumCoords()
			if n < 4 {
				return fmt.Sprintf("ring %d has %d points", i, n), "at least four, the last equal to the first"
			}
			first, last := r.Coord(0), r.Coord(n-1)
			if first[0] != last[0] || first[1] != last[1] {
				return fmt.Sprintf("ring %d is not closed", i), "repeat the first point at the end"
			}
		}
	case *geom.MultiPolygon:
		for i := range g.NumPolygons() {
			if reason, remedy = checkCoordinates(g.Polygon(i)); reason != "" {
				return reason, remedy
			}
		}
	}
	return "", ""
}
