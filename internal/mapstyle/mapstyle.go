// Package mapstyle makes the MapLibre style of a layer: a pure function of how the layer
// wants to be drawn (layers.Display). Symbols and labels are the explorer's; a style of
// ours needs no fonts and no images, so that any MapLibre client draws it by itself.
//
// Only internal/api imports it.
package mapstyle

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"onemap/layers"
)

// Palette is the colours that a layer may name, for the light of day. web/src/style has
// the same; a test compares them.
var Palette = map[string]string{
	"blue": "#1f6fc9", "cyan": "#0a88aa", "green": "#1b8554", "amber": "#b58100", "orange": "#cd5f10",
	"red": "#c8283a", "purple": "#7350c8", "grey": "#64758a", "teal": "#0b7c71", "pink": "#bd3f7e",
}

const ring = "#ffffff" // round points

// Style is a style document (MapLibre Style Specification, version 8).
type Style struct {
	Version  int               `json:"version"`
	Name     string            `json:"name"`
	Metadata map[string]any    `json:"metadata,omitempty"`
	Center   *[2]float64       `json:"center,omitempty"`
	Zoom     *float64          `json:"zoom,omitempty"`
	Sources  map[string]Source `json:"sources"`
	Layers   []StyleLayer      `json:"layers"`
}

// Source is a vector tile source.
type Source struct {
	Type        string   `json:"type"`
	Tiles       []string `json:"tiles"`
	MinZoom     int      `json:"minzoom"`
	MaxZoom     int      `json:"maxzoom"`
	Attribution string   `json:"attribution,omitempty"`
}

// StyleLayer is one layer of the style.
type StyleLayer struct {
	ID          string         `json:"id"`
	Type        string         `json:"type"`
	Source      string         `json:"source"`
	SourceLayer string         `json:"source-layer"`
	Filter      any            `json:"filter,omitempty"`
	Paint       map[string]any `json:"paint"`
}

type list = []any

// Of returns the style of a layer whose tiles are there. maxZoom is the deepest zoom of
// which they are needed.
func Of(e layers.Entry, tiles string, maxZoom int) Style {
	s := Style{Version: 8, Name: title(e.Title), Sources: map[string]Source{e.ID: {Type: "vector", Tiles: []string{tiles}, MaxZoom: maxZoom, Attribution: title(e.Source)}},
		Metadata: map[string]any{"onemap:layer": e.ID}, Layers: []StyleLayer{}}
	if b := e.Status.Extent; b != nil {
		center := [2]float64(b.Center())
		zoom := math.Round(10*min(14, max(0, math.Log2(360/max(b.Max[0]-b.Min[0], b.Max[1]-b.Min[1], 1e-9))))) / 10
		s.Center, s.Zoom = &center, &zoom
	}
	color := colorOf(e.Display)
	add := func(kind, name, geometry string, paint map[string]any) {
		s.Layers = append(s.Layers, StyleLayer{ID: e.ID + ":" + name, Type: kind, Source: e.ID, SourceLayer: e.ID,
			Filter: list{"==", list{"geometry-type"}, geometry}, Paint: paint})
	}
	for _, kind := range kindsOf(e.Geometry) {
		switch kind {
		case "Polygon":
			add("fill", "fill", kind, map[string]any{"fill-color": color, "fill-opacity": 0.35})
			add("line", "outline", kind, map[string]any{"line-color": color, "line-width": 1})
		case "LineString":
			add("line", "line", kind, map[string]any{"line-color": color, "line-width": list{"interpolate", list{"linear"}, list{"zoom"}, 6, 1, 14, 3}})
		default:
			// What is merged is drawn larger, by the fourth root of how many it stands for.
			size := list{"min", 5, list{"sqrt", list{"sqrt", list{"coalesce", list{"get", "point_count"}, 1}}}}
			add("circle", "point", kind, map[string]any{"circle-color": color, "circle-stroke-color": ring, "circle-stroke-width": 1,
				"circle-radius": list{"interpolate", list{"linear"}, list{"zoom"}, 6, list{"*", 2.5, size}, 14, list{"*", 6, size}}})
		}
	}
	return s
}

// kindsOf is what a layer holds, in drawing order.
func kindsOf(t layers.GeometryType) []string {
	switch t {
	case layers.AnyGeometry:
		return []string{"Polygon", "LineString", "Point"}
	case layers.Polygon, layers.MultiPolygon:
		return []string{"Polygon"}
	case layers.LineString, layers.MultiLineString:
		return []string{"LineString"}
	}
	return []string{"Point"}
}

// colorOf is a colour, or an expression that chooses one by class: the class with the
// value, or else the last range that begins at or below it, or the first range.
func colorOf(d layers.Display) any {
	plain := paletteColor(d.Color)
	if d.ColorBy == "" || len(d.Classes) == 0 {
		return plain
	}
	var ranges []layers.Class
	match := list{"match", list{"to-string", list{"get", d.ColorBy}}}
	seen := map[string]bool{}
	for _, c := range d.Classes {
		switch value := fmt.Sprint(c.Value); {
		case c.Value == nil:
			ranges = append(ranges, c)
		case !seen[value]: // a match may not name a value twice
			seen[value] = true
			match = append(match, value, paletteColor(c.Color))
		}
	}
	var rest any = plain
	if len(ranges) > 0 {
		lowest := func(c layers.Class) float64 {
			if c.Min == nil {
				return math.Inf(-1)
			}
			return *c.Min
		}
		slices.SortStableFunc(ranges, func(a, b layers.Class) int { return cmp.Compare(lowest(a), lowest(b)) })
		rest = paletteColor(ranges[0].Color)
		step := list{"step", list{"to-number", list{"get", d.ColorBy}, 0}, rest}
		for i, c := range ranges[1:] {
			if lowest(c) > lowest(ranges[i]) { // steps rise
				step = append(step, lowest(c), paletteColor(c.Color))
			}
		}
		if len(step) > 3 {
			rest = step
		}
		rest = list{"case", list{"==", list{"get", d.ColorBy}, nil}, plain, rest}
	}
	if len(match) == 2 {
		return rest
	}
	return append(match, rest)
}

// paletteColor is a colour by its name.
func paletteColor(name string) string {
	if c, ok := Palette[cmp.Or(name, "blue")]; ok {
		return c
	}
	return Palette["grey"]
}

func title(t layers.Text) string { return cmp.Or(t.Zh, t.En) }
