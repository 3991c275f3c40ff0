package api

import (
	"net/http"
	"net/url"

	"onemap/internal/mapstyle"
	"onemap/layers"
)

const (
	mediaStyle = "application/vnd.mapbox.style+json"

	relStyle      = "stylesheet"
	relStyles     = "http://www.opengis.net/def/rel/ogc/1.0/styles"
	relStylesheet = "http://www.opengis.net/def/rel/ogc/1.0/style"
)

var offerStyle = offer{name: "mapbox", media: mediaStyle, also: []string{"json", mediaJSON, "maplibre"}, title: "MapLibre style"}

// styleItem is a style in a list. Each layer has one, which has the layer's id.
type styleItem struct {
	ID    string `json:"id"`
	Title string `json:"title,omitempty"`
	Links []link `json:"links"`
}

func (a *api) styleURL(r *http.Request, layer string) string {
	return a.base(r) + "/api/styles/" + layer
}

func (a *api) styleItem(r *http.Request, e layers.Entry) styleItem {
	own := a.styleURL(r, e.ID)
	return styleItem{e.ID, first(e.Title), []link{
		{Href: own, Rel: relStyle, Type: mediaStyle, Title: first(e.Title)},
		{Href: own + "/metadata", Rel: "describedby", Type: mediaJSON, Title: "about the style"},
	}}
}

type styleList struct {
	Default string      `json:"default,omitempty"`
	Styles  []styleItem `json:"styles"`
	Links   []link      `json:"links"`
}

// styles lists the styles of the layers that the view sees (/req/core/styles-success).
func (a *api) styles(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	entries, _, err := a.reader(r).Layers(r.Context())
	if err != nil {
		return err
	}
	all := styleList{Styles: []styleItem{}, Links: []link{{Href: a.base(r) + "/api/styles", Rel: "self", Type: mediaJSON, Title: "the styles"}}}
	for _, e := range entries {
		all.Styles = append(all.Styles, a.styleItem(r, e))
	}
	return writeJSON(w, http.StatusOK, all)
}

// collectionStyles lists the styles of a layer: one.
func (a *api) collectionStyles(w http.ResponseWriter, r *http.Request) error {
	e, err := a.reader(r).Layer(r.Context(), pathParam(r, "layer"))
	if err != nil {
		return err
	}
	if err := noParams(r); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, styleList{e.ID, []styleItem{a.styleItem(r, e)}, []link{{Href: a.layerURL(r, e.ID) + "/styles", Rel: "self", Type: mediaJSON, Title: "the styles of the layer"}}})
}

// style is a layer's MapLibre style (/req/mapbox-styles/content).
func (a *api) style(w http.ResponseWriter, r *http.Request) error {
	head, err := a.Store.Head(r.Context())
	if err != nil {
		return err
	}
	e, err := a.reader(r).Layer(r.Context(), pathParam(r, "style"))
	if err != nil {
		return err
	}
	p := newParams(r)
	p.negotiate(r, offerStyle)
	if err := p.err(); err != nil {
		return err
	}
	if notModified(w, r, a.catalogueTag(head, e)) {
		return nil
	}
	return writeAs(w, http.StatusOK, mediaStyle, mapstyle.Of(e, a.base(r)+"/tiles/"+url.PathEscape(e.ID)+"/{z}/{x}/{y}", a.Tiles.SourceZoom(e.ID)))
}

// styleMetadata describes a style (/req/core/style-md-success).
func (a *api) styleMetadata(w http.ResponseWriter, r *http.Request) error {
	e, err := a.reader(r).Layer(r.Context(), pathParam(r, "style"))
	if err != nil {
		return err
	}
	if err := noParams(r); err != nil {
		return err
	}
	own := a.styleURL(r, e.ID)
	type stylesheet struct {
		Title    string `json:"title"`
		Version  string `json:"version"`
		Native   bool   `json:"native"`
		Specific string `json:"specification"`
		Link     link   `json:"link"`
	}
	type styled struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		DataType string `json:"dataType"`
		Link     link   `json:"sampleData"`
	}
	return writeJSON(w, http.StatusOK, struct {
		ID          string       `json:"id"`
		Title       string       `json:"title,omitempty"`
		Description string       `json:"description,omitempty"`
		Scope       string       `json:"scope"`
		Stylesheets []stylesheet `json:"stylesheets"`
		Layers      []styled     `json:"layers"`
		Links       []link       `json:"links"`
	}{
		e.ID, first(e.Title), first(e.Abstract), "style",
		[]stylesheet{{"MapLibre", "8", true, "https://maplibre.org/maplibre-style-spec/", link{Href: own, Rel: relStyle, Type: mediaStyle}}},
		[]styled{{e.ID, string(e.Geometry), "vector", link{Href: a.base(r) + "/tiles/" + e.ID + ".json", Rel: "data", Type: mediaJSON}}},
		[]link{{Href: own + "/metadata", Rel: "self", Type: mediaJSON, Title: "about the style"}, {Href: own, Rel: relStylesheet, Type: mediaStyle, Title: first(e.Title)}},
	})
}
