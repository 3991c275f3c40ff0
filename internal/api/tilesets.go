package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"onemap/layers"
	"onemap/tiles"
)

// relTilesets leads to the vector tiles of a resource (/req/geodata-tilesets/desc-links).
const relTilesets = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"

// tilesetItem is a tileset in a list (/req/tilesets-list/tileset-links).
type tilesetItem struct {
	Title            string `json:"title"`
	DataType         string `json:"dataType"`
	CRS              string `json:"crs"`
	TileMatrixSetURI string `json:"tileMatrixSetURI"`
	Links            []link `json:"links"`
}

// tileset is the metadata of a tileset (OGC 17-083r4, 7.2).
type tileset struct {
	tilesetItem
	Description string         `json:"description,omitempty"`
	Attribution string         `json:"attribution,omitempty"`
	BoundingBox boundingBox    `json:"boundingBox"`
	Limits      []matrixLimits `json:"tileMatrixSetLimits"`
	Layers      []tilesetLayer `json:"layers"`
}

type boundingBox struct {
	LowerLeft  [2]float64 `json:"lowerLeft"`
	UpperRight [2]float64 `json:"upperRight"`
	CRS        string     `json:"crs"`
}

type matrixLimits struct {
	TileMatrix string `json:"tileMatrix"`
	MinTileRow int    `json:"minTileRow"`
	MaxTileRow int    `json:"maxTileRow"`
	MinTileCol int    `json:"minTileCol"`
	MaxTileCol int    `json:"maxTileCol"`
}

type tilesetLayer struct {
	ID         string `json:"id"`
	Title      string `json:"title,omitempty"`
	DataType   string `json:"dataType"`
	Properties struct {
		Type       string                  `json:"type"`
		Properties map[string]propertyType `json:"properties"`
	} `json:"propertiesSchema"`
	Links []link `json:"links"`
}

type propertyType struct {
	Type string `json:"type"`
}

// collectionTilesets lists the tilesets of a layer: one (/req/geodata-tilesets/operation).
func (a *api) collectionTilesets(w http.ResponseWriter, r *http.Request) error {
	e, err := a.reader(r).Layer(r.Context(), pathParam(r, "layer"))
	if err != nil {
		return err
	}
	return a.writeTilesets(w, r, first(e.Title), a.layerURL(r, e.ID)+"/tiles")
}

// datasetTilesets lists the tilesets of all layers together: one (/req/dataset-tilesets/operation).
func (a *api) datasetTilesets(w http.ResponseWriter, r *http.Request) error {
	return a.writeTilesets(w, r, a.Settings.Title.Zh, a.base(r)+"/api/tiles")
}

func (a *api) writeTilesets(w http.ResponseWriter, r *http.Request, title, own string) error {
	if err := noParams(r); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, struct {
		Links    []link        `json:"links"`
		Tilesets []tilesetItem `json:"tilesets"`
	}{
		[]link{{Href: own, Rel: "self", Type: mediaJSON, Title: "this document"}},
		[]tilesetItem{a.tilesetItem(r, title, own+"/"+webMercatorQuad, "")},
	})
}

func (a *api) tilesetItem(r *http.Request, title, own, query string) tilesetItem {
	return tilesetItem{title, "vector", webMercator, webMercatorQuadURI, []link{
		{Href: own + query, Rel: "self", Type: mediaJSON, Title: title},
		{Href: a.matrixSetURL(r), Rel: relTilingScheme, Type: mediaJSON, Title: webMercatorQuad},
	}}
}

func (a *api) collectionTileset(w http.ResponseWriter, r *http.Request) error {
	id := pathParam(r, "layer")
	if err := errors.Join(checkMatrixSet(r), noParams(r)); err != nil {
		return err
	}
	return a.writeTileset(w, r, []string{id}, a.layerURL(r, id)+"/tiles/"+webMercatorQuad, "")
}

func (a *api) datasetTileset(w http.ResponseWriter, r *http.Request) error {
	p := newParams(r)
	p.negotiate(r, offerJSON)
	ids, query, err := a.datasetLayers(r, p)
	if err := errors.Join(checkMatrixSet(r), p.err(), err); err != nil {
		return err
	}
	return a.writeTileset(w, r, ids, a.base(r)+"/api/tiles/"+webMercatorQuad, query)
}

// writeTileset describes a tileset (/req/tileset/description); TileJSON says the same
// to map libraries.
func (a *api) writeTileset(w http.ResponseWriter, r *http.Request, ids []string, own, query string) error {
	tileJSON := a.base(r) + "/tiles/" + escapeAll(ids)
	doc, err := a.Tiles.TileJSON(r.Context(), a.view(r), ids, tiles.Variant{}, tileJSON+"/{z}/{x}/{y}")
	if err != nil {
		return err
	}
	t := tileset{
		tilesetItem: a.tilesetItem(r, doc.Name, own, query), Description: doc.Description, Attribution: doc.Attribution,
		BoundingBox: boundingBox{[2]float64{doc.Bounds[0], doc.Bounds[1]}, [2]float64{doc.Bounds[2], doc.Bounds[3]}, crs84},
	}
	t.Links = append(t.Links,
		link{Href: own + "/{tileMatrix}/{tileRow}/{tileCol}" + query, Rel: "item", Type: mediaMVT, Title: doc.Name, Templated: true},
		link{Href: tileJSON + ".json", Rel: "describedby", Type: mediaJSON, Title: "TileJSON"})
	for z := range tiles.MaxZoom + 1 {
		t.Limits = append(t.Limits, matrixLimits{TileMatrix: strconv.Itoa(z), MaxTileRow: 1<<z - 1, MaxTileCol: 1<<z - 1})
	}
	for _, v := range doc.VectorLayers {
		l := tilesetLayer{ID: v.ID, Title: v.Description, DataType: "vector",
			Links: []link{{Href: a.layerURL(r, v.ID), Rel: "http://www.opengis.net/def/rel/ogc/1.0/geodata", Type: mediaJSON, Title: v.Description}}}
		l.Properties.Type, l.Properties.Properties = "object", map[string]propertyType{}
		for name, kind := range v.Fields {
			l.Properties.Properties[name] = propertyType{strings.ToLower(kind)}
		}
		t.Layers = append(t.Layers, l)
	}
	return writeJSON(w, http.StatusOK, t)
}

// collectionTile is the same tile as /tiles/{layer}/{z}/{x}/{y}.
func (a *api) collectionTile(w http.ResponseWriter, r *http.Request) error {
	c, err := matrixAddress(r)
	if err != nil {
		return err
	}
	return a.writeTile(w, r, newParams(r), []string{pathParam(r, "layer")}, c)
}

// datasetTile is a tile of all layers, or of those that are chosen.
func (a *api) datasetTile(w http.ResponseWriter, r *http.Request) error {
	c, err := matrixAddress(r)
	if err != nil {
		return err
	}
	p := newParams(r)
	ids, _, err := a.datasetLayers(r, p)
	if err != nil {
		return err
	}
	return a.writeTile(w, r, p, ids, c)
}

func matrixAddress(r *http.Request) (tiles.Coord, error) {
	if err := checkMatrixSet(r); err != nil {
		return tiles.Coord{}, err
	}
	return tiles.ParseMatrix(pathParam(r, "tileMatrix"), pathParam(r, "tileRow"), pathParam(r, "tileCol"))
}

// datasetLayers returns the layers that the parameter collections names, or all that
// the view sees (/req/collections-selection/query-collections), and the parameter as
// links repeat it.
func (a *api) datasetLayers(r *http.Request, p *params) (ids []string, query string, err error) {
	if v, sent := p.one("collections"); sent {
		if ids, err = tiles.ParseLayers(v); err != nil {
			return nil, "", renamed(err, "layers", "collections")
		}
		return ids, "?collections=" + escapeAll(ids), nil
	}
	entries, _, err := a.reader(r).Layers(r.Context())
	if err != nil {
		return nil, "", err
	}
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	switch {
	case len(ids) == 0:
		return nil, "", layers.Errorf(layers.NotFound, "there are no layers")
	case len(ids) > tiles.MaxLayers:
		return nil, "", invalid("there are too many layers for one tile", layers.Violation{Field: "collections",
			Reason: strconv.Itoa(len(ids)) + " layers", Remedy: "name at most " + strconv.Itoa(tiles.MaxLayers) + " of them, with commas between them"})
	}
	return ids, "", nil
}

// renamed calls a violation's field as the sender knows it.
func renamed(err error, from, to string) error {
	var e *layers.Error
	if !errors.As(err, &e) {
		return err
	}
	out := *e
	out.Violations = append([]layers.Violation(nil), e.Violations...)
	for i := range out.Violations {
		if out.Violations[i].Field == from {
			out.Violations[i].Field = to
		}
	}
	return &out
}
