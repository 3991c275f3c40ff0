package geojson

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/twpayne/go-geom"
)

// maxCollections bounds how deep GeometryCollections may be nested; RFC 7946
// (3.1.8) would rather have none.
const maxCollections = 4

// ParseGeometry reads one GeoJSON geometry; null is nil. Whether it is a sound
// one (closed rings, degrees within the earth) is the schema's check.
func ParseGeometry(raw []byte) (geom.T, error) {
	raw = []byte(strings.TrimSpace(string(raw)))
	if string(raw) == "null" {
		return nil, nil
	}
	return parseGeometry(raw, "geometry", 0)
}

func parseGeometry(raw json.RawMessage, path string, collections int) (geom.T, error) {
	if len(raw) > 0 && raw[0] == 'n' {
		return nil, nil
	}
	members, err := object(raw, path)
	if err != nil {
		return nil, err
	}
	var kind string
	if err := json.Unmarshal(members["type"], &kind); err != nil {
		return nil, invalid(path+".type", members["type"], "missing or not a string", `send a geometry type, e.g. "Point"`)
	}
	if kind == "GeometryCollection" {
		return parseCollection(members["geometries"], path, collections)
	}
	levels, known := map[string]int{"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}[kind]
	if !known {
		return nil, invalid(path+".type", members["type"], "unknown geometry type",
			"one of Point, MultiPoint, LineString, MultiLineString, Polygon, MultiPolygon, GeometryCollection")
	}
	coordinates, sent := members["coordinates"]
	if !sent {
		return nil, invalid(path+".coordinates", nil, "missing", "send an array of coordinates")
	}
	p := &coordinateParser{raw: coordinates, path: path + ".coordinates"}
	return p.parse(kind, levels)
}

func parseCollection(raw json.RawMessage, path string, collections int) (geom.T, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil || parts == nil {
		return nil, invalid(path+".geometries", raw, "missing or not an array", "send an array of geometries")
	}
	if collections+1 >= maxCollections {
		return nil, invalid(path, nil, "geometry collections nested too deep", fmt.Sprintf("at most %d levels", maxCollections))
	}
	c := geom.NewGeometryCollection()
	for i, part := range parts {
		at := fmt.Sprintf("%s.geometries[%d]", path, i)
		g, err := parseGeometry(part, at, collections+1)
		if err != nil {
			return nil, err
		}
		if g == nil {
			return nil, invalid(at, part, "null", "leave it out")
		}
		if err := c.Push(g); err != nil {
			return nil, invalid(at, nil, err.Error(), "all parts of a collection have the same number of dimensions")
		}
	}
	return c, nil
}

// coordinateParser turns nested arrays of numbers into flat coordinates without
// building them up in between: a border has a hundred thousand vertices. The
// bytes are known to be valid JSON.
type coordinateParser struct {
	raw    []byte
	at     int
	path   string
	where  []int // indexes on the way to here, for errors
	flat   []float64
	stride int // numbers per position; 0 until the first one was read
	ends   []int
	endss  [][]int
}

func (p *coordinateParser) parse(kind string, levels int) (geom.T, error) {
	if err := p.array(levels); err != nil {
		return nil, err
	}
	layout := geom.XY
	if p.stride > 2 {
		layout = map[int]geom.Layout{3: geom.XYZ, 4: geom.XYZM}[p.stride]
	}
	switch kind {
	case "Point":
		if len(p.flat) == 0 {
			return geom.NewPointEmpty(geom.XY), nil
		}
		return geom.NewPointFlat(layout, p.flat), nil
	case "MultiPoint":
		return geom.NewMultiPointFlat(layout, p.flat), nil
	case "LineString":
		return geom.NewLineStringFlat(layout, p.flat), nil
	case "MultiLineString":
		return geom.NewMultiLineStringFlat(layout, p.flat, p.ends), nil
	case "Polygon":
		return geom.NewPolygonFlat(layout, p.flat, p.ends), nil
	default:
		return geom.NewMultiPolygonFlat(layout, p.flat, p.endss), nil
	}
}

// array reads the array that is so many levels above a position.
func (p *coordinateParser) array(levels int) error {
	if levels == 0 {
		return p.position()
	}
	if p.next() != '[' {
		return p.fail("not an array", "coordinates of this geometry type are nested deeper")
	}
	p.at++
	for i := 0; p.next() != ']'; i++ {
		if p.next() == ',' {
			p.at++
		}
		p.where = append(p.where, i)
		if levels == 1 && p.empty() {
			return p.fail("an empty position", "send longitude and latitude")
		}
		if err := p.array(levels - 1); err != nil {
			return err
		}
		p.where = p.where[:len(p.where)-1]
	}
	p.at++
	switch {
	case levels == 1 && len(p.where) > 0: // a ring or a line of several
		p.ends = append(p.ends, len(p.flat))
	case levels == 2 && len(p.where) > 0: // a polygon of several
		p.endss = append(p.endss, p.ends)
		p.ends = nil
	}
	return nil
}

// position reads [longitude, latitude, height, measure]; the last two are
// optional, but the same for all. An empty one is an empty point.
func (p *coordinateParser) position() error {
	if p.next() != '[' {
		return p.fail("not a position", "send [longitude, latitude]")
	}
	p.at++
	n := 0
	for ; p.next() != ']'; n++ {
		if p.next() == ',' {
			p.at++
		}
		p.next()
		start := p.at
		for p.at < len(p.raw) && strings.IndexByte("+-.0123456789eE", p.raw[p.at]) >= 0 {
			p.at++
		}
		f, err := strconv.ParseFloat(string(p.raw[start:p.at]), 64)
		if err != nil {
			return p.fail("not a number that a double holds", "send [longitude, latitude] as numbers")
		}
		p.flat = append(p.flat, f)
	}
	p.at++
	switch {
	case n == 0:
		return nil // only a Point gets here with none
	case n < 2 || n > 4:
		return p.fail(fmt.Sprintf("a position of %d numbers", n), "two to four: longitude, latitude, height, measure")
	case p.stride != 0 && p.stride != n:
		return p.fail(fmt.Sprintf("a position of %d numbers among those of %d", n, p.stride), "give all positions the same number of dimensions")
	}
	p.stride = n
	return nil
}

// next skips white space and returns the byte there, 0 at the end.
func (p *coordinateParser) next() byte {
	for ; p.at < len(p.raw); p.at++ {
		if c := p.raw[p.at]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// empty reports whether an empty array comes next.
func (p *coordinateParser) empty() bool {
	at := p.at
	defer func() { p.at = at }()
	if p.next() != '[' {
		return false
	}
	p.at++
	return p.next() == ']'
}

func (p *coordinateParser) fail(reason, remedy string) error {
	path := p.path
	for _, i := range p.where {
		path += "[" + strconv.Itoa(i) + "]"
	}
	return invalid(path, nil, reason, remedy)
}
