package api

import (
	"math"
	"net/http"
	"strconv"

	"onemap/layers"
)

// The one tile matrix set, as OGC registers it (OGC 17-083r4, annex D.1).
const (
	webMercatorQuad    = "WebMercatorQuad"
	webMercatorQuadURI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
	webMercator        = "http://www.opengis.net/def/crs/EPSG/0/3857"

	halfWorld        = 20037508.3427892 // metres of the projection
	cellAtZoom0      = 156543.033928041 // metres of the projection a pixel, at 256 pixels a tile
	scaleAtZoom0     = 559082264.028717 // at 0.28 mm a pixel
	registeredZooms  = 25
	relTilingScheme  = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"
	relTilingSchemes = "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes"
)

type tileMatrix struct {
	ID               string     `json:"id"`
	ScaleDenominator float64    `json:"scaleDenominator"`
	CellSize         float64    `json:"cellSize"`
	CornerOfOrigin   string     `json:"cornerOfOrigin"`
	PointOfOrigin    [2]float64 `json:"pointOfOrigin"`
	TileWidth        int        `json:"tileWidth"`
	TileHeight       int        `json:"tileHeight"`
	MatrixWidth      int        `json:"matrixWidth"`
	MatrixHeight     int        `json:"matrixHeight"`
}

// tileMatrixSets lists the grids that tiles are cut by.
func (a *api) tileMatrixSets(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	type set struct {
		ID    string `json:"id"`
		URI   string `json:"uri"`
		CRS   string `json:"crs"`
		Links []link `json:"links"`
	}
	return writeJSON(w, http.StatusOK, map[string]any{"tileMatrixSets": []set{{
		webMercatorQuad, webMercatorQuadURI, webMercator,
		[]link{{Href: a.matrixSetURL(r), Rel: "self", Type: mediaJSON, Title: webMercatorQuad}},
	}}})
}

// tileMatrixSet is the grid's definition, whole as it is registered, also beyond
// the deepest zoom that has tiles: that one is a limit of the tilesets.
func (a *api) tileMatrixSet(w http.ResponseWriter, r *http.Request) error {
	if err := checkMatrixSet(r); err != nil {
		return err
	}
	if err := noParams(r); err != nil {
		return err
	}
	matrices := make([]tileMatrix, registeredZooms)
	for z := range matrices {
		matrices[z] = tileMatrix{
			ID: strconv.Itoa(z), ScaleDenominator: math.Ldexp(scaleAtZoom0, -z), CellSize: math.Ldexp(cellAtZoom0, -z),
			CornerOfOrigin: "topLeft", PointOfOrigin: [2]float64{-halfWorld, halfWorld},
			TileWidth: 256, TileHeight: 256, MatrixWidth: 1 << z, MatrixHeight: 1 << z,
		}
	}
	return writeJSON(w, http.StatusOK, struct {
		ID                string       `json:"id"`
		Title             string       `json:"title"`
		URI               string       `json:"uri"`
		CRS               string       `json:"crs"`
		OrderedAxes       [2]string    `json:"orderedAxes"`
		WellKnownScaleSet string       `json:"wellKnownScaleSet"`
		TileMatrices      []tileMatrix `json:"tileMatrices"`
	}{webMercatorQuad, "Google Maps Compatible for the World", webMercatorQuadURI, webMercator, [2]string{"X", "Y"},
		"http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible", matrices})
}

func (a *api) matrixSetURL(r *http.Request) string {
	return a.base(r) + "/api/tileMatrixSets/" + webMercatorQuad
}

// checkMatrixSet refuses the other grids.
func checkMatrixSet(r *http.Request) error {
	if id := pathParam(r, "tileMatrixSetId"); id != webMercatorQuad {
		return &layers.Error{Code: layers.NotFound, Message: "no such tile matrix set", Violations: []layers.Violation{
			{Field: "tileMatrixSetId", Value: shorten(id), Reason: "tiles are cut by one grid only", Remedy: webMercatorQuad}}}
	}
	return nil
}
