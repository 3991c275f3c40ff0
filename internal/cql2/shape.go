package cql2

import (
	"math"
	"sync"

	sf "github.com/peterstace/simplefeatures/geom"
	"github.com/twpayne/go-geom"
)

// Shape is a geometry that predicates are asked about, in longitude and latitude;
// heights and measures do not count. What answering takes is computed when it is first
// needed, and once.
type Shape struct {
	g   geom.T
	box Box

	onPlane     sync.Once
	plane       sf.Geometry
	onEllipsoid sync.Once
	ellipsoid   *places // for distances
}

// NewShape wraps a geometry, which must not change from then on; nil stays nil.
func NewShape(g geom.T) *Shape {
	if g == nil {
		return nil
	}
	return &Shape{g: g, box: boxOf(g)}
}

func (s *Shape) planar() sf.Geometry {
	s.onPlane.Do(func() { s.plane = planar(s.g) })
	return s.plane
}

func (s *Shape) places() *places {
	s.onEllipsoid.Do(func() { s.ellipsoid = placesOf(s.g) })
	return s.ellipsoid
}

// Geometry returns what the shape wraps.
func (s *Shape) Geometry() geom.T { return s.g }

// Box returns the bounds of the shape.
func (s *Shape) Box() Box { return s.box }

// Box is a rectangle of longitude and latitude, edges included. The box of what is
// empty has its edges the wrong way round.
type Box struct{ West, South, East, North float64 }

var nowhere = Box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}

// Empty reports whether nothing is inside.
func (b Box) Empty() bool { return b.West > b.East }

// Meets reports whether two boxes have a point in common.
func (b Box) Meets(o Box) bool {
	return b.West <= o.East && o.West <= b.East && b.South <= o.North && o.South <= b.North
}

// Covers reports whether all of a box, and at least one point, is inside.
func (b Box) Covers(o Box) bool {
	return !o.Empty() && b.West <= o.West && o.East <= b.East && b.South <= o.South && o.North <= b.North
}

func boxOf(g geom.T) Box {
	if c, ok := g.(*geom.GeometryCollection); ok {
		b := nowhere
		for _, part := range c.Geoms() {
			p := boxOf(part)
			b = Box{min(b.West, p.West), min(b.South, p.South), max(b.East, p.East), max(b.North, p.North)}
		}
		return b
	}
	b, flat, stride := nowhere, g.FlatCoords(), g.Stride()
	for i := 0; i+1 < len(flat); i += stride {
		x, y := flat[i], flat[i+1]
		if x != x || y != y { // how WKB writes an empty point
			continue
		}
		b = Box{min(b.West, x), min(b.South, y), max(b.East, x), max(b.North, y)}
	}
	return b
}

// planar is the geometry as the library for predicates takes it, in two dimensions.
func planar(g geom.T) sf.Geometry {
	switch g := g.(type) {
	case *geom.Point:
		return planarPoint(g).AsGeometry()
	case *geom.MultiPoint:
		var all []sf.Point
		for i := range g.NumPoints() {
			if p := g.Point(i); !p.Empty() {
				all = append(all, planarPoint(p))
			}
		}
		return sf.NewMultiPoint(all).AsGeometry()
	case *geom.LineString:
		return planarLine(g.FlatCoords(), g.Stride()).AsGeometry()
	case *geom.LinearRing:
		return planarLine(g.FlatCoords(), g.Stride()).AsGeometry()
	case *geom.MultiLineString:
		var all []sf.LineString
		for i := range g.NumLineStrings() {
			if l := g.LineString(i); !l.Empty() {
				all = append(all, planarLine(l.FlatCoords(), l.Stride()))
			}
		}
		return sf.NewMultiLineString(all).AsGeometry()
	case *geom.Polygon:
		return planarPolygon(g).AsGeometry()
	case *geom.MultiPolygon:
		var all []sf.Polygon
		for i := range g.NumPolygons() {
			if p := g.Polygon(i); !p.Empty() {
				all = append(all, planarPolygon(p))
			}
		}
		return sf.NewMultiPolygon(all).AsGeometry()
	case *geom.GeometryCollection:
		var all []sf.Geometry
		for _, part := range g.Geoms() {
			all = append(all, planar(part))
		}
		return sf.NewGeometryCollection(all).AsGeometry()
	}
	return sf.Geometry{}
}

func planarPoint(p *geom.Point) sf.Point {
	if p.Empty() || p.X() != p.X() {
		return sf.NewEmptyPoint(sf.DimXY)
	}
	return sf.NewPointXY(p.X(), p.Y())
}

func planarLine(flat []float64, stride int) sf.LineString {
	xy := make([]float64, 0, 2*len(flat)/stride)
	for i := 0; i+1 < len(flat); i += stride {
		xy = append(xy, flat[i], flat[i+1])
	}
	return sf.NewLineString(sf.NewSequence(xy, sf.DimXY))
}

func planarPolygon(g *geom.Polygon) sf.Polygon {
	var rings []sf.LineString
	for i := range g.NumLinearRings() {
		if r := g.LinearRing(i); !r.Empty() { // other programs write them
			rings = append(rings, planarLine(r.FlatCoords(), r.Stride()))
		}
	}
	return sf.NewPolygon(rings)
}
