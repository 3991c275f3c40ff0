package api

import (
	"net/http"
)

// landing is the way in (/req/core/root-success).
func (a *api) landing(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	base := a.base(r)
	return writeJSON(w, http.StatusOK, struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Links       []link `json:"links"`
	}{
		Title:       a.Settings.Title.Zh,
		Description: "各部门政务数据图层：要素、矢量瓦片与实时变化。Layers of government data of all departments: features (OGC API Features), vector tiles and live changes.",
		Links: []link{
			{Href: base + "/api", Rel: "self", Type: mediaJSON, Title: "this document"},
			{Href: base + "/api/openapi.json", Rel: "service-desc", Type: mediaOpenAPI, Title: "the API definition"},
			{Href: base + "/api/openapi-3.1.json", Rel: "service-desc", Type: mediaOpenAPI31, Title: "the same in OpenAPI 3.1"},
			{Href: base + "/api/reference", Rel: "service-doc", Type: "text/html", Title: "接口文档 the interactive reference"},
			{Href: base + "/api/conformance", Rel: "conformance", Type: mediaJSON, Title: "conformance classes"},
			{Href: base + "/api/collections", Rel: "data", Type: mediaJSON, Title: "the layers"},
			{Href: base + "/api/collections/" + catalogueID, Rel: relCatalogue, Type: mediaJSON, Title: "the catalogue, searchable"},
			{Href: base + "/api/styles", Rel: relStyles, Type: mediaJSON, Title: "how the layers want to be drawn"},
			{Href: base + "/api/tiles", Rel: relTilesets, Type: mediaJSON, Title: "vector tiles of the layers"},
			{Href: base + "/api/tileMatrixSets", Rel: relTilingSchemes, Type: mediaJSON, Title: "the grids that tiles are cut by"},
			{Href: base + "/api/themes", Rel: "related", Type: mediaJSON, Title: "the theme tree"},
			{Href: base + "/api/stats", Rel: "related", Type: mediaJSON, Title: "how many features each layer has, and how fresh they are"},
			{Href: base + "/signin", Rel: "related", Type: "text/html", Title: "登录 sign in"},
		},
	})
}
