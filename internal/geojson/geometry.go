package geojson

import (
	"math"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// AppendGeometry appends a stored geometry; nil is null. A measure is written
// only behind a height: in third place a reader would take it for one.
func AppendGeometry(b []byte, g geom.T) []byte {
	if g == nil {
		return append(b, "null"...)
	}
	b = append(b, `{"type":"`...)
	b = append(b, layers.TypeOf(g)...)
	if c, ok := g.(*geom.GeometryCollection); ok {
		b = append(b, `","geometries":[`...)
		for i, part := range c.Geoms() {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendGeometry(b, part)
		}
		return append(b, ']', '}')
	}
	b = append(b, `","coordinates":`...)
	flat, shape := g.FlatCoords(), positionOf(g)
	switch g := g.(type) {
	case *geom.Point:
		if g.Empty() || math.IsNaN(flat[0]) { // NaN is how WKB writes an empty point
			b = append(b, '[', ']')
		} else {
			b = shape.one(b, flat)
		}
	case *geom.LineString, *geom.MultiPoint:
		b = shape.line(b, flat)
	case *geom.Polygon, *geom.MultiLineString:
		b = shape.lines(b, flat, 0, g.Ends())
	case *geom.MultiPolygon:
		b = append(b, '[')
		start := 0
		for i, ends := range g.Endss() {
			if i > 0 {
				b = append(b, ',')
			}
			b = shape.lines(b, flat, start, ends)
			if len(ends) > 0 {
				start = ends[len(ends)-1]
			}
		}
		b = append(b, ']')
	default:
		b = append(b, '[', ']')
	}
	return append(b, '}')
}

// position says how many numbers a stored coordinate has, and how many of them
// GeoJSON gets.
type position struct{ stride, written int }

func positionOf(g geom.T) position {
	p := position{g.Stride(), g.Stride()}
	if g.Layout() == geom.XYM {
		p.written = 2
	}
	return p
}

func (p position) one(b []byte, flat []float64) []byte {
	b = append(b, '[')
	for i, v := range flat[:p.written] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFloat(b, v)
	}
	return append(b, ']')
}

func (p position) line(b []byte, flat []float64) []byte {
	b = append(b, '[')
	for i := 0; i < len(flat); i += p.stride {
		if i > 0 {
			b = append(b, ',')
		}
		b = p.one(b, flat[i:])
	}
	return append(b, ']')
}

func (p position) lines(b []byte, flat []float64, start int, ends []int) []byte {
	b = append(b, '[')
	for i, end := range ends {
		if i > 0 {
			b = append(b, ',')
		}
		b = p.line(b, flat[start:end])
		start = end
	}
	return append(b, ']')
}
