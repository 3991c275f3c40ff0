// Package dispatch is the command centre's side of onemap: the scenes that the
// wall shows and the clock that turns them. The server owns the clock; walls are
// told and never decide.
//
// It knows no socket: what it announces is handed to a function. cmd imports it;
// it imports only layers.
package dispatch

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"

	"onemap/layers"
)

// Scene is a map-state document: everything that makes one picture of the wall.
type Scene struct {
	ID        string      `json:"id"`
	Title     layers.Text `json:"title"`
	Seconds   int         `json:"seconds"` // how long it stays
	Camera    Camera      `json:"camera"`
	Layers    []LayerRef  `json:"layers"` // over the base map, lowest first, which is also the legend's order
	Furniture []Furniture `json:"furniture"`
}

// Camera is where the map looks: at bounds that must be seen whole, whatever the
// wall's shape, or at a centre. All in CRS84 degrees.
type Camera struct {
	Bounds *[4]float64 `json:"bounds,omitempty"` // west, south, east, north
	Center *[2]float64 `json:"center,omitempty"` // longitude, latitude
	Zoom   float64     `json:"zoom,omitempty"`   // with Center; Web Mercator zoom of 512-pixel tiles
}

// LayerRef puts a layer into a scene. Its own display fields say how it is drawn;
// the hints only lift it out or push it back.
type LayerRef struct {
	ID      string  `json:"id"`
	Opacity float64 `json:"opacity"` // 0 to 1
	Style   Style   `json:"style,omitzero"`
}

// Style are hints for drawing a layer in one scene.
type Style struct {
	Emphasis Emphasis `json:"emphasis,omitempty"`
	Labels   bool     `json:"labels,omitempty"`  // names beside the features
	ColorBy  string   `json:"colorBy,omitempty"` // attribute, instead of the layer's own choice
}

// Emphasis says how much a layer matters in a scene.
type Emphasis string

const (
	Normal  Emphasis = ""
	Context Emphasis = "context" // there to find one's way: thin, no symbols
	Focus   Emphasis = "focus"   // what the scene is about: larger
)

// Furniture is one panel beside the map.
type Furniture struct {
	Kind      Kind        `json:"kind"`
	Title     layers.Text `json:"title"`
	Layer     string      `json:"layer,omitempty"`     // all kinds but counters
	Attribute string      `json:"attribute,omitempty"` // bars: what is measured
	Of        string      `json:"of,omitempty"`        // bars: the attribute that it is a share of
	Limit     int         `json:"limit,omitempty"`     // most rows
	Counters  []Counter   `json:"counters,omitempty"`
}

// Kind is how a piece of furniture is drawn.
type Kind string

const (
	Counters Kind = "counters" // one number a row
	Ticker   Kind = "ticker"   // the newest features pass by
	Levels   Kind = "levels"   // water levels against their marks, the worst first
	Bars     Kind = "bars"     // the largest values of an attribute
)

// Counter counts the features of a layer, or those with one value of an attribute.
type Counter struct {
	Layer string      `json:"layer"`
	Label layers.Text `json:"label"`
	Where *Where      `json:"where,omitempty"`
}

// Where is an attribute's value, as in the aggregate request's attr=value.
type Where struct {
	Attribute string `json:"attribute"`
	Value     string `json:"value"`
}

//go:embed scenes.json
var embedded []byte

// Scenes returns the scenes that come with onemap, in the order in which they
// are shown.
func Scenes() ([]Scene, error) {
	d := json.NewDecoder(bytes.NewReader(embedded))
	d.DisallowUnknownFields()
	var scenes []Scene
	if err := d.Decode(&scenes); err != nil {
		return nil, fmt.Errorf("read the scenes: %w", err)
	}
	return scenes, Check(scenes)
}

// Check reports the first thing that keeps the scenes from being shown.
func Check(scenes []Scene) error {
	if len(scenes) == 0 {
		return fmt.Errorf("there are no scenes")
	}
	seen := map[string]bool{}
	for _, s := range scenes {
		if err := s.check(); err != nil {
			return fmt.Errorf("scene %q: %w", s.ID, err)
		}
		if seen[s.ID] {
			return fmt.Errorf("scene %q is there twice", s.ID)
		}
		seen[s.ID] = true
	}
	return nil
}

func (s *Scene) check() error {
	if s.ID == "" || s.Title.Zh == "" {
		return fmt.Errorf("it needs an id and a Chinese title")
	}
	if s.Seconds < 5 {
		return fmt.Errorf("%d seconds are too short to read anything", s.Seconds)
	}
	if (s.Camera.Bounds == nil) == (s.Camera.Center == nil) {
		return fmt.Errorf("the camera needs either bounds or a centre")
	}
	shown := map[string]bool{}
	for _, l := range s.Layers {
		if l.ID == "" || shown[l.ID] {
			return fmt.Errorf("layer %q is missing its id or is there twice", l.ID)
		}
		if l.Opacity <= 0 || l.Opacity > 1 {
			return fmt.Errorf("layer %q has opacity %v", l.ID, l.Opacity)
		}
		shown[l.ID] = true
	}
	for i, f := range s.Furniture {
		switch f.Kind {
		case Counters:
			if len(f.Counters) == 0 {
				return fmt.Errorf("furniture %d counts nothing", i)
			}
		case Ticker, Levels, Bars:
			if f.Layer == "" || f.Kind == Bars && f.Attribute == "" {
				return fmt.Errorf("furniture %d does not say what it shows", i)
			}
		default:
			return fmt.Errorf("furniture %d is of unknown kind %q", i, f.Kind)
		}
	}
	return nil
}
