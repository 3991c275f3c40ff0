package cql2

import (
	"fmt"
	"strconv"

	"github.com/twpayne/go-geom"
)

// geometry reads a GeoJSON geometry. Heights are left out.
func (p *jsonParser) geometry(o map[string]any, kind, path string, collections int) geom.T {
	if p.err != nil {
		return nil
	}
	if kind == "GeometryCollection" {
		p.only(o, path, "type", "geometries", "bbox")
		if collections == MaxCollections {
			p.fail(path, nil, fmt.Sprintf("geometry collections are nested more than %d deep", MaxCollections), "fewer levels")
			return nil
		}
		c := geom.NewGeometryCollection()
		for i, v := range p.some(o["geometries"], join(path, "geometries")) {
			at := fmt.Sprintf("%s[%d]", join(path, "geometries"), i)
			part, _ := v.(map[string]any)
			kind, _ := part["type"].(string)
			g := p.geometry(part, kind, at, collections+1)
			if p.err != nil {
				return nil
			}
			if err := c.Push(g); err != nil {
				p.fail(at, v, err.Error(), "")
			}
		}
		return c
	}
	p.only(o, path, "type", "coordinates", "bbox")
	at, v := join(path, "coordinates"), o["coordinates"]
	switch kind {
	case "Point":
		return geom.NewPointFlat(geom.XY, p.position(v, at))
	case "LineString":
		return geom.NewLineStringFlat(geom.XY, p.positions(v, at))
	case "MultiPoint":
		return geom.NewMultiPointFlat(geom.XY, p.positions(v, at))
	case "Polygon":
		flat, ends := p.rings(v, at)
		return geom.NewPolygonFlat(geom.XY, flat, ends)
	case "MultiLineString":
		flat, ends := p.rings(v, at)
		return geom.NewMultiLineStringFlat(geom.XY, flat, ends)
	case "MultiPolygon":
		m := geom.NewMultiPolygon(geom.XY)
		for i, polygon := range p.some(v, at) {
			flat, ends := p.rings(polygon, fmt.Sprintf("%s[%d]", at, i))
			if err := m.Push(geom.NewPolygonFlat(geom.XY, flat, ends)); err != nil {
				p.fail(at, nil, err.Error(), "")
			}
		}
		return m
	}
	p.fail(join(path, "type"), kind, "not a type of geometry", "see RFC 7946")
	return nil
}

func (p *jsonParser) position(v any, path string) []float64 {
	all := p.numbers(p.list(v, path), path)
	if len(all) != 2 && len(all) != 3 {
		p.fail(path, v, fmt.Sprintf("a position of %d numbers", len(all)), "longitude, latitude and perhaps a height")
		return []float64{0, 0}
	}
	return all[:2:2]
}

func (p *jsonParser) positions(v any, path string) []float64 {
	var flat []float64
	for i, position := range p.some(v, path) {
		flat = append(flat, p.position(position, fmt.Sprintf("%s[%d]", path, i))...)
	}
	return flat
}

func (p *jsonParser) rings(v any, path string) (flat []float64, ends []int) {
	for i, ring := range p.some(v, path) {
		flat = append(flat, p.positions(ring, fmt.Sprintf("%s[%d]", path, i))...)
		ends = append(ends, len(flat))
	}
	return flat, ends
}

// some is a list that is not empty: no part of a geometry is.
func (p *jsonParser) some(v any, path string) []any {
	l := p.list(v, path)
	if len(l) == 0 {
		p.fail(path, v, "the geometry is empty", "give it coordinates")
	}
	return l
}

// appendGeoJSON writes a geometry in two dimensions.
func appendGeoJSON(b []byte, g geom.T) []byte {
	flat, stride := g.FlatCoords, g.Stride()
	start := func(kind string) []byte { return append(b, `{"type":"`+kind+`","coordinates":`...) }
	switch g := g.(type) {
	case *geom.Point:
		b = appendPosition(start("Point"), flat())
	case *geom.LineString:
		b = appendLine(start("LineString"), flat(), stride)
	case *geom.MultiPoint:
		b = appendLine(start("MultiPoint"), flat(), stride)
	case *geom.Polygon:
		b = appendLines(start("Polygon"), flat(), stride, 0, g.Ends())
	case *geom.MultiLineString:
		b = appendLines(start("MultiLineString"), flat(), stride, 0, g.Ends())
	case *geom.MultiPolygon:
		b = append(start("MultiPolygon"), '[')
		from := 0
		for i, ends := range g.Endss() {
			b = appendLines(comma(b, i), flat(), stride, from, ends)
			from = ends[len(ends)-1]
		}
		b = append(b, ']')
	case *geom.GeometryCollection:
		b = append(b, `{"type":"GeometryCollection","geometries":[`...)
		for i, part := range g.Geoms() {
			b = appendGeoJSON(comma(b, i), part)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendLines(b []byte, flat []float64, stride, start int, ends []int) []byte {
	b = append(b, '[')
	for i, end := range ends {
		b = appendLine(comma(b, i), flat[start:end], stride)
		start = end
	}
	return append(b, ']')
}

func appendLine(b []byte, flat []float64, stride int) []byte {
	b = append(b, '[')
	for i := 0; i+1 < len(flat); i += stride {
		b = appendPosition(comma(b, i), flat[i:])
	}
	return append(b, ']')
}

func appendPosition(b []byte, xy []float64) []byte {
	b = strconv.AppendFloat(append(b, '['), xy[0], 'g', -1, 64)
	return append(strconv.AppendFloat(append(b, ','), xy[1], 'g', -1, 64), ']')
}
