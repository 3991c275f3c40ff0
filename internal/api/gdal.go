package api

import (
	"maps"

	"onemap/layers"
)

// What GDAL's driver of OGC API Features needs to send filters instead of reading
// everything (OGRSQL's WHERE, ogr2ogr -where). It looks for what a draft of Part 3 had:
// the language cql-text in the definition of /collections/{collectionId}/items, under
// this very path; up to GDAL 3.6 also the rel and the form of the draft's queryables.
const (
	langDraft          = "cql-text" // what GDAL writes of it is CQL2 too
	relQueryablesDraft = "queryables"
	pathOfGDAL         = "/collections/{collectionId}/items"
)

type queryableDraft struct {
	ID string `json:"id"`
}

// queryablesOfGDAL are the attributes that GDAL may send conditions on. It looks at the
// others by itself: booleans it compares with 0 and 1, and a day it writes 2026-07-01T.
func queryablesOfGDAL(l *layers.Layer) []queryableDraft {
	var list []queryableDraft
	for _, a := range l.Schema {
		switch a.Type {
		case layers.String, layers.Integer, layers.Number:
			list = append(list, queryableDraft{a.Name})
		}
	}
	return list
}

// describeForGDAL describes the items of a collection once more, as below the server /api.
func describeForGDAL(doc map[string]any) {
	paths, _ := doc["paths"].(map[string]any)
	items, _ := paths["/api/collections/{layer}/items"].(map[string]any)
	get, ok := items["get"].(map[string]any)
	if !ok {
		return
	}
	again := maps.Clone(get)
	again["operationId"] = "getFeaturesOfCollection"
	again["description"] = "The same as /api/collections/{layer}/items, where programs look for it."
	parameters := []any{map[string]any{"name": "collectionId", "in": "path", "required": true, "description": "The layer's id", "schema": map[string]any{"type": "string"}}}
	for _, p := range get["parameters"].([]any) {
		if ref, _ := p.(map[string]any)["$ref"].(string); ref != "#/components/parameters/layer" {
			parameters = append(parameters, p)
		}
	}
	again["parameters"] = parameters
	paths[pathOfGDAL] = map[string]any{"servers": []any{map[string]any{"url": "/api"}}, "get": again}
}
