package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/simplify"
	"github.com/twpayne/go-geom"

	"onemap/internal/crs"
	"onemap/layers"
)

// presentation is how features are written: with which attributes, how finely, and in
// which reference system. Which features they are it does not change.
type presentation struct {
	layer *layers.Layer // with the attributes that are shown
	crs   *crs.System
	bare  bool // without geometries
	zoom  int  // as a map of the zoom shows them; below 0 as they are
}

// presentation reads properties, exclude-properties, skipGeometry, zoom-level and crs.
func (p *params) presentation(l *layers.Layer) presentation {
	out := presentation{layer: l, crs: p.system("crs"), zoom: -1}
	shown, some := p.names("properties", l.Schema)
	hidden, less := p.names("exclude-properties", l.Schema)
	if some && less {
		p.add("exclude-properties", strings.Join(hidden, ","), "properties says already what is shown", "one of the two")
	}
	if some || less {
		only := *l
		only.Schema = slices.DeleteFunc(slices.Clone(l.Schema), func(a layers.Attribute) bool {
			return some && !slices.Contains(shown, a.Name) || slices.Contains(hidden, a.Name)
		})
		out.layer = &only
	}
	out.bare = p.flag("skipGeometry", false)
	if v, sent := p.one("zoom-level"); sent {
		z, err := strconv.Atoi(v)
		if err != nil || z < 0 || z > 22 {
			p.add("zoom-level", v, "not a zoom", "0 to 22")
		} else {
			out.zoom = z
		}
	}
	return out
}

// flag reads true or false.
func (p *params) flag(name string, standard bool) bool {
	v, sent := p.one(name)
	if sent && v != "true" && v != "false" {
		p.add(name, v, "neither true nor false", "true or false")
	}
	if !sent {
		return standard
	}
	return v == "true"
}

// names reads a list of attributes.
func (p *params) names(parameter string, s layers.Schema) (names []string, sent bool) {
	v, sent := p.one(parameter)
	for name := range strings.SplitSeq(v, ",") {
		if name == "" {
			continue
		}
		if _, ok := s.Attribute(name); !ok {
			p.add(parameter, name, "no such attribute", "the layer's attributes, with commas between them")
		}
		names = append(names, name)
	}
	return names, sent
}

// system reads the name of a reference system; CRS84 if none was sent.
func (p *params) system(parameter string) *crs.System {
	v, sent := p.one(parameter)
	if !sent {
		return crs.CRS84
	}
	s, reason := crs.Find(v)
	if s == nil {
		p.add(parameter, v, reason, crs84+", or http://www.opengis.net/def/crs/EPSG/0/CODE with one of "+crs.Names())
		return crs.CRS84
	}
	return s
}

// plain reports whether features are written as they are kept.
func (d presentation) plain() bool { return !d.bare && d.zoom < 0 && d.crs == crs.CRS84 }

// of returns the feature as it is written.
func (d presentation) of(f *layers.Feature) *layers.Feature {
	if d.plain() || f.Geometry == nil {
		return f
	}
	out := *f
	out.Geometry = d.shape(f.Geometry)
	return &out
}

// shape returns a geometry as it is written; it may be nil.
func (d presentation) shape(g geom.T) geom.T {
	if d.bare {
		return nil
	}
	if d.zoom >= 0 {
		g = simplified(g, d.zoom)
	}
	if d.crs.Geographic && !d.crs.NorthFirst {
		return g
	}
	return moved(g, d.crs.FromCRS84)
}

// tag is the entity tag of a feature that is written so.
func (d presentation) tag(epoch string, f *layers.Feature) string {
	tag := featureTag(epoch, f.Version, d.layer.Schema)
	if d.plain() {
		return tag
	}
	return strings.TrimSuffix(tag, `"`) + "-" + d.crs.URI[strings.LastIndex(d.crs.URI, "/")+1:] + "-" + strconv.FormatBool(d.bare) + "-" + strconv.Itoa(d.zoom) + `"`
}

// header says in which reference system the coordinates are (/req/crs/ogc-crs-header).
func (d presentation) header(h http.Header) { h.Set("Content-Crs", "<"+d.crs.URI+">") }

// moved returns a copy of a geometry with its places elsewhere; heights stay.
func moved(g geom.T, to func(x, y float64) (float64, float64)) geom.T {
	if c, ok := g.(*geom.GeometryCollection); ok {
		out := geom.NewGeometryCollection()
		for _, part := range c.Geoms() {
			_ = out.Push(moved(part, to)) // of one layout, as they were
		}
		return out
	}
	flat := slices.Clone(g.FlatCoords())
	for i, stride := 0, g.Stride(); i+1 < len(flat); i += stride {
		flat[i], flat[i+1] = to(flat[i], flat[i+1])
	}
	switch g := g.(type) {
	case *geom.Point:
		if g.Empty() {
			return g
		}
		return geom.NewPointFlat(g.Layout(), flat)
	case *geom.LineString:
		return geom.NewLineStringFlat(g.Layout(), flat)
	case *geom.Polygon:
		return geom.NewPolygonFlat(g.Layout(), flat, g.Ends())
	case *geom.MultiPoint:
		return geom.NewMultiPointFlat(g.Layout(), flat, geom.NewMultiPointFlatOptionWithEnds(g.Ends()))
	case *geom.MultiLineString:
		return geom.NewMultiLineStringFlat(g.Layout(), flat, g.Ends())
	case *geom.MultiPolygon:
		return geom.NewMultiPolygonFlat(g.Layout(), flat, g.Endss())
	}
	return g
}

// simplified leaves out of lines and outlines what is smaller than half a pixel of a
// map of the zoom (512 pixels a tile). A ring keeps four places at least.
func simplified(g geom.T, zoom int) geom.T {
	tolerance := 360.0 / float64(int64(512)<<zoom) / 2
	thin := func(flat []float64, stride, least int) []float64 {
		line := make(orb.LineString, 0, len(flat)/stride)
		for i := 0; i+1 < len(flat); i += stride {
			line = append(line, orb.Point{flat[i], flat[i+1]})
		}
		kept, at := simplify.DouglasPeucker(tolerance).LineString(slices.Clone(line)), 0
		if len(kept) < least {
			return flat
		}
		var out []float64
		for i := 0; i+1 < len(flat) && at < len(kept); i += stride {
			if flat[i] == kept[at][0] && flat[i+1] == kept[at][1] {
				out, at = append(out, flat[i:i+stride]...), at+1
			}
		}
		return out
	}
	parts := func(flat []float64, stride, least int, ends []int) (all []float64, to []int) {
		start := 0
		for _, end := range ends {
			all = append(all, thin(flat[start:end], stride, least)...)
			to, start = append(to, len(all)), end
		}
		return all, to
	}
	flat, stride := g.FlatCoords, g.Stride
	switch g := g.(type) {
	case *geom.LineString:
		return geom.NewLineStringFlat(g.Layout(), thin(flat(), stride(), 2))
	case *geom.MultiLineString:
		all, ends := parts(flat(), stride(), 2, g.Ends())
		return geom.NewMultiLineStringFlat(g.Layout(), all, ends)
	case *geom.Polygon:
		all, ends := parts(flat(), stride(), 4, g.Ends())
		return geom.NewPolygonFlat(g.Layout(), all, ends)
	case *geom.MultiPolygon:
		var all []float64
		var endss [][]int
		start := 0
		for _, ends := range g.Endss() {
			var own []int
			for _, end := range ends {
				all = append(all, thin(flat()[start:end], stride(), 4)...)
				own, start = append(own, len(all)), end
			}
			endss = append(endss, own)
		}
		return geom.NewMultiPolygonFlat(g.Layout(), all, endss)
	case *geom.GeometryCollection:
		out := geom.NewGeometryCollection()
		for _, part := range g.Geoms() {
			_ = out.Push(simplified(part, zoom))
		}
		return out
	}
	return g
}
