package tiles

import (
	"context"
	"html"
	"math"
	"slices"
	"strings"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// TileJSON describes a tile set (TileJSON 3.0.0).
type TileJSON struct {
	TileJSON     string        `json:"tilejson"`
	Name         string        `json:"name"`
	Description  string        `json:"description,omitempty"`
	Attribution  string        `json:"attribution,omitempty"` // HTML
	Scheme       string        `json:"scheme"`
	Tiles        []string      `json:"tiles"`
	MinZoom      int           `json:"minzoom"`
	MaxZoom      int           `json:"maxzoom"`
	Bounds       [4]float64    `json:"bounds"` // west, south, east, north in CRS84
	VectorLayers []VectorLayer `json:"vector_layers"`
}

// VectorLayer describes one layer of a tile set.
type VectorLayer struct {
	ID          string            `json:"id"`
	Description string            `json:"description,omitempty"`
	MinZoom     int               `json:"minzoom"`
	MaxZoom     int               `json:"maxzoom"`
	Fields      map[string]string `json:"fields"` // type or meaning by name
}

// TileJSON describes the tiles of one layer or several, in a variant. tilesURL is
// the template of their tiles, with {z}, {x} and {y}.
//
// Map clients never ask for tiles outside the bounds, also when features appear
// there later. So the bounds are the layers' extents and Options.Bounds
// together, and the world where neither is known.
func (s *Service) TileJSON(ctx context.Context, view layers.View, layerIDs []string, variant Variant, tilesURL string) (*TileJSON, error) {
	seen, err := s.describe(ctx, view, layerIDs)
	if err != nil {
		return nil, err
	}
	defined := make([]*layers.Layer, len(seen))
	for i, e := range seen {
		defined[i] = e.Layer
	}
	if variant, err = variant.fit(defined); err != nil {
		return nil, err
	}
	if query := variant.String(); query != "" {
		tilesURL += "?" + query
	}
	t := &TileJSON{
		TileJSON: "3.0.0", Scheme: "xyz", Tiles: []string{tilesURL},
		Bounds: s.boundsOf(seen),
	}
	var names, credits []string
	for _, e := range seen {
		names = append(names, title(e.Title))
		if c := credit(e.Layer); c != "" && !slices.Contains(credits, c) {
			credits = append(credits, c)
		}
		depth := s.SourceZoom(e.ID)
		t.MaxZoom = max(t.MaxZoom, depth)
		t.VectorLayers = append(t.VectorLayers, VectorLayer{
			ID: e.ID, Description: title(e.Title), MaxZoom: depth, Fields: variant.fields(e.Layer)})
	}
	t.Name = strings.Join(names, ", ")
	t.Attribution = strings.Join(credits, "; ")
	if len(seen) == 1 {
		t.Description = title(seen[0].Abstract)
	}
	return t, nil
}

// describe asks the store for the layers, which knows where their features are, also
// of those in memory.
func (s *Service) describe(ctx context.Context, view layers.View, ids []string) ([]layers.Entry, error) {
	if err := checkLayers(ids); err != nil {
		return nil, err
	}
	r := s.src.As(view)
	entries := make([]layers.Entry, len(ids))
	for i, id := range ids {
		var err error
		if entries[i], err = r.Layer(ctx, id); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func (s *Service) boundsOf(seen []layers.Entry) [4]float64 {
	world := orb.Bound{Min: orb.Point{-180, -MaxLatitude}, Max: orb.Point{180, MaxLatitude}}
	var known []orb.Bound
	if s.bounds != nil {
		known = append(known, *s.bounds)
	}
	for _, e := range seen {
		switch {
		case e.Status.Extent != nil:
			known = append(known, *e.Status.Extent)
		case s.bounds == nil: // nothing there yet: it may come anywhere
			known = append(known, world)
		}
	}
	b := known[0]
	for _, o := range known[1:] {
		b = b.Union(o)
	}
	if b.Min[0] < -180 || b.Max[0] > 180 { // over the antimeridian: on both sides
		b.Min[0], b.Max[0] = -180, 180
	}
	lat := func(v float64) float64 { return math.Min(math.Max(v, -MaxLatitude), MaxLatitude) }
	return [4]float64{b.Min[0], lat(b.Min[1]), b.Max[0], lat(b.Max[1])}
}

// fields describes the attributes that a layer's tiles may have. That follows from
// its definition: where features merge at the moment is not the same on all servers.
func (v Variant) fields(l *layers.Layer) map[string]string {
	out := map[string]string{CountKey: "Number"}
	f := v.format(formatOf(l, 0))
	if v.agg == "" {
		out[IDKey] = "String"
		for _, a := range v.of(l).Schema {
			out[a.Name] = fieldType(a.Type)
		}
		switch l.Geometry {
		case layers.Polygon, layers.MultiPolygon, layers.AnyGeometry:
			out[AreaKey] = "Number"
		}
		if f.shapes { // merged, they have no sums
			return out
		}
	}
	for i := range f.total().classes {
		out[f.classKey(i)] = "Number"
	}
	for _, i := range f.summed {
		if name := f.names[i]; !v.hides(name) {
			for _, key := range sumKeys(name) {
				out[key] = "Number"
			}
		}
	}
	return out
}

// fieldType names a type in the way of TileJSON 3.0.0, 3.3.2.
func fieldType(t layers.DataType) string {
	switch t {
	case layers.Integer, layers.Number:
		return "Number"
	case layers.Boolean:
		return "Boolean"
	default:
		return "String"
	}
}

func title(t layers.Text) string {
	if t.Zh != "" {
		return t.Zh
	}
	return t.En
}

// credit says who a layer is from. Clients show it as HTML, and it is what
// departments wrote, so it is escaped.
func credit(l *layers.Layer) string {
	var parts []string
	for _, p := range []string{title(l.Department.Name), title(l.Source)} {
		if p != "" {
			parts = append(parts, html.EscapeString(p))
		}
	}
	return strings.Join(parts, ": ")
}
