package cql2

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/twpayne/go-geom"
)

var geometryWords = []string{"POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION"}

// startsGeometry reports whether a well-known text begins: its word and then "(" or Z.
func (p *parser) startsGeometry() bool {
	for _, w := range geometryWords {
		if p.now.keyword(w) {
			return p.then.is("(") || p.then.keyword("Z") || p.then.keyword("EMPTY")
		}
	}
	return false
}

func (p *parser) geometry() Expr {
	at := p.now
	g := p.tagged(0)
	if p.err != nil {
		return nil
	}
	return &Literal{Value: NewShape(g), place: place{column: at.column}}
}

func (p *parser) bbox(name token) Expr {
	var v []float64
	p.list(func() Expr { v = append(v, p.coordinate()); return nil })
	if !p.now.is(")") {
		p.expected(") or , after a number of the box")
	}
	if p.err != nil {
		return nil
	}
	box, err := boxLiteral(place{column: name.column}, v)
	if err != nil {
		p.err = err
		p.stop()
		return nil
	}
	return box
}

// tagged reads a geometry from its word on. Heights are read and left out.
func (p *parser) tagged(collections int) geom.T {
	t := p.advance()
	heights := p.took("Z")
	if p.now.keyword("EMPTY") {
		p.fail(p.now, "the geometry is empty", "give it coordinates")
		return nil
	}
	points := func() []float64 { return p.points(heights) }
	var g geom.T
	switch strings.ToUpper(t.text) {
	case "POINT":
		g = geom.NewPointFlat(geom.XY, p.within(func() []float64 { return p.position(heights) }))
	case "LINESTRING":
		g = geom.NewLineStringFlat(geom.XY, p.within(points))
	case "POLYGON":
		flat, ends := p.nested(points)
		g = geom.NewPolygonFlat(geom.XY, flat, ends)
	case "MULTIPOINT":
		g = geom.NewMultiPointFlat(geom.XY, p.within(func() []float64 {
			return p.run(func() []float64 {
				if p.now.is("(") {
					return p.within(func() []float64 { return p.position(heights) })
				}
				return p.position(heights)
			})
		}))
	case "MULTILINESTRING":
		flat, ends := p.nested(points)
		g = geom.NewMultiLineStringFlat(geom.XY, flat, ends)
	case "MULTIPOLYGON":
		m := geom.NewMultiPolygon(geom.XY)
		p.want("(", "before the polygons")
		p.run(func() []float64 {
			flat, ends := p.nested(points)
			if err := m.Push(geom.NewPolygonFlat(geom.XY, flat, ends)); err != nil {
				p.fail(t, err.Error(), "")
			}
			return nil
		})
		p.want(")", "or , after a polygon")
		g = m
	default:
		if collections == MaxCollections {
			p.fail(t, fmt.Sprintf("geometry collections are nested more than %d deep", MaxCollections), "fewer levels")
			return nil
		}
		c := geom.NewGeometryCollection()
		p.want("(", "before the geometries")
		p.run(func() []float64 {
			if !p.startsGeometry() {
				p.expected("a geometry")
				return nil
			}
			if err := c.Push(p.tagged(collections + 1)); err != nil {
				p.fail(t, err.Error(), "")
			}
			return nil
		})
		p.want(")", "or , after a geometry")
		g = c
	}
	return g
}

// within reads what stands in parentheses.
func (p *parser) within(inner func() []float64) []float64 {
	p.want("(", "before coordinates")
	v := inner()
	p.want(")", "or , after a position")
	return v
}

// run reads a list and joins its coordinates.
func (p *parser) run(item func() []float64) []float64 {
	flat := item()
	for p.now.is(",") {
		p.advance()
		flat = append(flat, item()...)
	}
	return flat
}

func (p *parser) points(heights bool) []float64 {
	return p.run(func() []float64 { return p.position(heights) })
}

// nested reads lists of positions in parentheses, with where each ends.
func (p *parser) nested(points func() []float64) (flat []float64, ends []int) {
	p.want("(", "before coordinates")
	p.run(func() []float64 {
		flat = append(flat, p.within(points)...)
		ends = append(ends, len(flat))
		return nil
	})
	p.want(")", "or , after a list of positions")
	return flat, ends
}

// position is longitude and latitude; a height may follow even without the Z, as older
// texts have it.
func (p *parser) position(height bool) []float64 {
	v := []float64{p.coordinate(), p.coordinate()}
	if height || !p.now.is(",") && !p.now.is(")") {
		p.coordinate()
	}
	return v
}

func (p *parser) coordinate() float64 {
	sign := ""
	if p.now.is("-") || p.now.is("+") {
		sign = p.advance().text
	}
	if p.now.kind != numeral {
		p.expected("a number")
		return 0
	}
	t := p.advance()
	f, err := strconv.ParseFloat(sign+t.text, 64)
	if err != nil || math.IsInf(f, 0) {
		p.fail(t, "the number is too large", "longitude and latitude in degrees")
	}
	return f
}

// appendWKT writes a geometry as well-known text in two dimensions.
func appendWKT(b []byte, g geom.T) []byte {
	flat, stride := g.FlatCoords, g.Stride()
	switch g := g.(type) {
	case *geom.Point:
		return appendPositions(append(b, "POINT"...), flat(), stride)
	case *geom.LineString:
		return appendPositions(append(b, "LINESTRING"...), flat(), stride)
	case *geom.Polygon:
		return appendRings(append(b, "POLYGON"...), flat(), stride, 0, g.Ends())
	case *geom.MultiPoint:
		b = append(b, "MULTIPOINT("...)
		for i := range g.NumPoints() {
			b = appendPositions(comma(b, i), g.Point(i).FlatCoords(), stride)
		}
	case *geom.MultiLineString:
		return appendRings(append(b, "MULTILINESTRING"...), flat(), stride, 0, g.Ends())
	case *geom.MultiPolygon:
		b = append(b, "MULTIPOLYGON("...)
		start := 0
		for i, ends := range g.Endss() {
			b = appendRings(comma(b, i), flat(), stride, start, ends)
			start = ends[len(ends)-1]
		}
	case *geom.GeometryCollection:
		b = append(b, "GEOMETRYCOLLECTION("...)
		for i, part := range g.Geoms() {
			b = appendWKT(comma(b, i), part)
		}
	default:
		panic(fmt.Sprintf("no well-known text of a %T", g))
	}
	return append(b, ')')
}

func appendRings(b []byte, flat []float64, stride, start int, ends []int) []byte {
	b = append(b, '(')
	for i, end := range ends {
		b = appendPositions(comma(b, i), flat[start:end], stride)
		start = end
	}
	return append(b, ')')
}

func appendPositions(b []byte, flat []float64, stride int) []byte {
	b = append(b, '(')
	for i := 0; i+1 < len(flat); i += stride {
		b = comma(b, i)
		b = strconv.AppendFloat(b, flat[i], 'g', -1, 64)
		b = strconv.AppendFloat(append(b, ' '), flat[i+1], 'g', -1, 64)
	}
	return append(b, ')')
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}
