package api

import (
	"net/http"

	"onemap/internal/access"
	"onemap/internal/catalogue"
	"onemap/layers"
)

// Settings is what the pages show of the map as a whole. Degrees are CRS84.
type Settings struct {
	Title            layers.Text `json:"title"`
	ReviewNumber     string      `json:"reviewNumber"` // 审图号
	Bounds           [4]float64  `json:"bounds"`       // west, south, east, north: the camera stays inside
	MinZoom          float64     `json:"minZoom"`
	MaxZoom          float64     `json:"maxZoom"`
	Center           [2]float64  `json:"center"` // longitude, latitude
	Zoom             float64     `json:"zoom"`
	SchematicCaption layers.Text `json:"schematicCaption"` // beside every schematic outline
	ReviewCaption    layers.Text `json:"reviewCaption"`    // what a map says of its review
	SyntheticCaption layers.Text `json:"syntheticCaption"` // beside everything invented
	Build            string      `json:"build"`
}

// DefaultSettings returns the settings that hold where nobody says otherwise.
func DefaultSettings() Settings {
	return Settings{
		Title:            layers.Text{Zh: "政务数据一张图", En: "One Map of Government Data"},
		Bounds:           [4]float64{103.5, 20.2, 113, 27},
		MinZoom:          5,
		MaxZoom:          18,
		Center:           [2]float64{108.6, 23.6},
		Zoom:             6.2,
		SchematicCaption: layers.Text{Zh: "本图界线仅为示意，不作为国界和行政区域界线依据", En: "Boundaries are schematic and no evidence of national or administrative borders"},
		SyntheticCaption: layers.Text{Zh: "演示数据，非真实情况", En: "Demonstration data, not real conditions"},
	}
}

// unreviewed must stand on every page while there is no review number.
var unreviewed = layers.Text{
	Zh: "演示底图，未经审图，仅限内部测试，不得公开",
	En: "Demonstration base map without review: for internal tests only, not for publication",
}

// reviewCaption is what a map has to say of its review.
func (a *api) reviewCaption() string {
	switch {
	case a.Settings.ReviewNumber == "":
		return unreviewed.Zh
	case a.Settings.ReviewCaption.Zh != "":
		return a.Settings.ReviewCaption.Zh
	}
	return "审图号：" + a.Settings.ReviewNumber
}

func (a *api) settings(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	s := a.Settings
	if s.ReviewNumber == "" {
		s.ReviewCaption = unreviewed
	} else if s.ReviewCaption == (layers.Text{}) {
		s.ReviewCaption = layers.Text{Zh: "审图号：" + s.ReviewNumber, En: "Map review number: " + s.ReviewNumber}
	}
	return writeJSON(w, http.StatusOK, s)
}

// session says who the server thinks is asking.
func (a *api) session(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	id := access.From(r.Context())
	return writeJSON(w, http.StatusOK, struct {
		View     string `json:"view"`
		CanWrite bool   `json:"canWrite"`
		Wall     bool   `json:"wall"`
	}{id.View.Name(), id.View.CanWrite() && !id.Wall, id.Wall})
}

// themes is the tree by which people find layers.
func (a *api) themes(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, catalogue.Themes())
}

// scenes is what the wall shows in turn. A scene names layers and numbers of
// them, which are no secret; what they hold comes through the reader.
func (a *api) scenes(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	var list any = []any{}
	if a.Scenes != nil {
		list = a.Scenes()
	}
	return writeJSON(w, http.StatusOK, list)
}
