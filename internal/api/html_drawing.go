package api

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// drawing is a sketch of features: where they are among each other.
type drawing struct {
	Width, Height int
	Areas, Lines  []string // path data
	Points        [][2]string
	Caption       string
}

// mostDrawn bounds how many corners a sketch has.
const mostDrawn = 20_000

// draw sketches features by their coordinates; nil if none has any.
func draw(features []document) *drawing {
	s := sketch{min: [2]float64{math.Inf(1), math.Inf(1)}, max: [2]float64{math.Inf(-1), math.Inf(-1)}}
	for _, f := range features {
		if g, ok := f.get("geometry").(document); ok {
			s.measure(g.get("coordinates"))
		}
	}
	if s.corners == 0 || s.corners > mostDrawn || math.Abs(s.min[0]) > 360 || math.Abs(s.max[0]) > 360 { // or of another reference system
		return nil
	}
	const width, margin = 960.0, 24.0
	shrink := math.Cos((s.min[1] + s.max[1]) / 2 * math.Pi / 180) // of a degree of longitude
	w, h := max((s.max[0]-s.min[0])*shrink, 1e-6), max(s.max[1]-s.min[1], 1e-6)
	height := math.Round(min(480, max(160, width*h/w)))
	s.scale = min((width-2*margin)/w, (height-2*margin)/h)
	s.shrink, s.left, s.top = shrink, (width-w*s.scale)/2, (height-h*s.scale)/2
	s.out = drawing{Width: int(width), Height: int(height), Caption: fmt.Sprintf("%.4f–%.4f° E，%.4f–%.4f° N", s.min[0], s.max[0], s.min[1], s.max[1])}
	for _, f := range features {
		if g, ok := f.get("geometry").(document); ok {
			s.add(g.text("type"), g.get("coordinates"))
		}
	}
	return &s.out
}

type sketch struct {
	min, max                 [2]float64
	corners                  int
	scale, shrink, left, top float64
	out                      drawing
}

func lonLat(v any) (x, y float64, ok bool) {
	list, _ := v.([]any)
	if len(list) < 2 {
		return 0, 0, false
	}
	a, isNumber := list[0].(json.Number)
	b, both := list[1].(json.Number)
	if !isNumber || !both {
		return 0, 0, false
	}
	x, _ = a.Float64()
	y, _ = b.Float64()
	return x, y, true
}

func (s *sketch) measure(v any) {
	if x, y, ok := lonLat(v); ok {
		s.corners++
		s.min, s.max = [2]float64{min(s.min[0], x), min(s.min[1], y)}, [2]float64{max(s.max[0], x), max(s.max[1], y)}
		return
	}
	list, _ := v.([]any)
	for _, one := range list {
		s.measure(one)
	}
}

func (s *sketch) at(v any) (x, y string) {
	lon, lat, _ := lonLat(v)
	return fmt.Sprintf("%.1f", s.left+(lon-s.min[0])*s.shrink*s.scale), fmt.Sprintf("%.1f", s.top+(s.max[1]-lat)*s.scale)
}

func (s *sketch) add(kind string, v any) {
	list, _ := v.([]any)
	switch {
	case kind == "Point":
		x, y := s.at(v)
		s.out.Points = append(s.out.Points, [2]string{x, y})
	case kind == "LineString":
		s.out.Lines = append(s.out.Lines, s.path(list))
	case kind == "Polygon":
		var d strings.Builder
		for _, ring := range list {
			corners, _ := ring.([]any)
			d.WriteString(s.path(corners) + "Z")
		}
		s.out.Areas = append(s.out.Areas, d.String())
	case strings.HasPrefix(kind, "Multi"):
		for _, part := range list {
			s.add(strings.TrimPrefix(kind, "Multi"), part)
		}
	}
}

func (s *sketch) path(corners []any) string {
	var d strings.Builder
	for i, c := range corners {
		x, y := s.at(c)
		d.WriteString(map[bool]string{true: "M", false: "L"}[i == 0] + x + " " + y)
	}
	return d.String()
}
