package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

type object = map[string]any

func openAPIOf(t *testing.T, s *server) object {
	t.Helper()
	a := s.get("/api/openapi.json").want(t, 200)
	if got := a.Header.Get("Content-Type"); got != mediaOpenAPI {
		t.Errorf("Content-Type %q", got)
	}
	var doc object
	a.into(t, &doc)
	delete(doc["paths"].(object), pathOfGDAL) // another name of a route
	return doc
}

func TestTheAPIDefinitionNamesEveryRouteAndNoOther(t *testing.T) {
	s := start(t)
	doc := openAPIOf(t, s)
	documented := map[string]bool{}
	ids := map[string]string{}
	for path, item := range doc["paths"].(object) {
		for method, op := range item.(object) {
			if method == "parameters" {
				continue
			}
			key := strings.ToUpper(method) + " " + path
			documented[key] = true
			o := op.(object)
			id, _ := o["operationId"].(string)
			if id == "" || ids[id] != "" || o["summary"] == nil || o["responses"] == nil {
				t.Errorf("%s: operationId %q (also %s), summary %v", key, id, ids[id], o["summary"])
			}
			ids[id] = key
			checkPathParameters(t, doc, key, path, item.(object), o)
		}
	}
	routed := map[string]bool{}
	err := chi.Walk(routesOf(t), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routed[method+" "+route] = true
		if !documented[method+" "+route] {
			t.Errorf("%s %s is not documented", method, route)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range documented {
		if !routed[key] {
			t.Errorf("%s is documented but does not exist", key)
		}
	}
}

func checkPathParameters(t *testing.T, doc object, key, path string, item, op object) {
	t.Helper()
	named := map[string]bool{}
	for _, list := range []any{item["parameters"], op["parameters"]} {
		parameters, _ := list.([]any)
		for _, p := range parameters {
			p := resolve(t, doc, p).(object)
			if p["in"] == "path" {
				named[p["name"].(string)] = true
			}
		}
	}
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '.' }) {
		if name, ok := strings.CutPrefix(part, "{"); ok && !named[strings.TrimSuffix(name, "}")] {
			t.Errorf("%s: the path parameter %s is not described", key, name)
		}
	}
}

// resolve follows a $ref.
func resolve(t *testing.T, doc object, v any) any {
	t.Helper()
	m, ok := v.(object)
	if !ok {
		return v
	}
	ref, ok := m["$ref"].(string)
	if !ok {
		return v
	}
	var at any = doc
	for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		if at, ok = at.(object)[name]; !ok {
			t.Fatalf("%s leads nowhere", ref)
		}
	}
	return resolve(t, doc, at)
}

func TestEveryReferenceInTheAPIDefinitionLeadsSomewhere(t *testing.T) {
	doc := openAPIOf(t, start(t))
	used := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			if ref, ok := v["$ref"].(string); ok {
				used[ref] = true
				resolve(t, doc, v)
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(doc)
	for kind, list := range doc["components"].(object) {
		for name := range list.(object) {
			if ref := "#/components/" + kind + "/" + name; kind != "securitySchemes" && !used[ref] {
				t.Errorf("%s is used by nothing", ref)
			}
		}
	}
}

func TestRealAnswersAreWhatTheAPIDefinitionSays(t *testing.T) {
	s := start(t)
	doc := openAPIOf(t, s)
	definitions := []*contract{contractOf(t, s.get("/api/openapi.json").body), contractOf(t, s.get("/api/openapi-3.1.json").body)}
	official := bearer(s.tokens.Official())
	const feature = `{"type":"Feature","id":"new","geometry":null,"properties":{"name":"n"}}`
	covered := map[string]bool{}
	for _, c := range []struct {
		route string
		a     answer
	}{
		{"GET /api", s.get("/api")},
		{"GET /api/conformance", s.get("/api/conformance")},
		{"GET /api/openapi.json", s.get("/api/openapi.json")},
		{"GET /api/openapi-3.1.json", s.get("/api/openapi-3.1.json")},
		{"GET /api/collections", s.get("/api/collections", official)},
		{"GET /api/collections/{layer}", s.get("/api/collections/reservoirs", official)},
		{"GET /api/collections/{layer}", s.get("/api/collections/reservoirs")},
		{"GET /api/collections/{layer}/schema", s.get("/api/collections/reservoirs/schema", official)},
		{"GET /api/collections/{layer}/queryables", s.get("/api/collections/hospitals/queryables")},
		{"GET /api/collections/{layer}/queryables", s.get("/api/collections/reservoirs/queryables")},
		{"GET /api/collections/{layer}/sortables", s.get("/api/collections/hospitals/sortables")},
		{"GET /api/collections/{layer}/items", s.get(hospitals + "?limit=2")},
		{"GET /api/collections/{layer}/items", s.get(hospitals + "?limit=two")},
		{"GET /api/collections/{layer}/items", s.get(hospitals + "?f=geojsonseq")},
		{"GET /api/collections/{layer}/items", s.get(hospitals + "?f=ndjson")},
		{"GET /api/collections/{layer}/items", s.get(hospitals + "?f=csv&csv-geometry=wkt")},
		{"GET /api/collections/{layer}/items", s.get(hospitals + "?f=gpkg")},
		{"GET /api/collections/{layer}/items", s.get(hospitals + "?f=shp&limit=2")},
		{"POST /api/collections/{layer}/items", s.write("POST", hospitals, feature)},
		{"POST /api/collections/{layer}/items", s.write("POST", hospitals, feature)}, // 409
		{"POST /api/collections/{layer}/items", s.write("POST", hospitals, `{"type":"FeatureCollection","features":[`+feature+`]}`)},
		{"POST /api/collections/{layer}/items", s.write("POST", hospitals, `{"type":"Feature"}`)},
		{"GET /api/collections/{layer}/items/{feature}", s.get(hospitals + "/h01")},
		{"PUT /api/collections/{layer}/items/{feature}", s.write("PUT", hospitals+"/new", feature)},
		{"PUT /api/collections/{layer}/items/{feature}", s.write("PUT", hospitals+"/new", feature, header("If-None-Match", "*"))},
		{"PATCH /api/collections/{layer}/items/{feature}", s.write("PATCH", hospitals+"/new", `{"properties":{"beds":1}}`)},
		{"DELETE /api/collections/{layer}/items/{feature}", s.write("DELETE", hospitals+"/new", "")},
		{"GET /api/collections/{layer}/aggregate", s.get("/api/collections/hospitals/aggregate?groupby=name_en")},
		{"GET /api/collections/{layer}/aggregate", s.get("/api/collections/hospitals/aggregate?groupby=status,division:2&agg=sum(beds),min(name)")},
		{"GET /api/collections/{layer}/aggregate", s.get("/api/collections/hospitals/aggregate?f=geojson&groupby=division:2")},
		{"GET /api/collections/{layer}/aggregate", s.get("/api/collections/hospitals/aggregate?f=csv")},
		{"GET /api/attachments", s.write("GET", "/api/attachments", "")},
		{"GET /api/attachments", s.get("/api/attachments")},
		{"POST /api/attachments", s.write("POST", "/api/attachments", `{"table":"nothing"}`, header("Content-Type", mediaJSON))},
		{"DELETE /api/attachments/{layer}", s.write("DELETE", "/api/attachments/hospitals", "")},
		{"GET /api/search", s.get("/api/search?q=4501")},
		{"GET /api/divisions/{code}", s.get("/api/divisions/450100", official)},
		{"GET /api/join/{role}/{value}", s.get("/api/join/division/450200")},
		{"GET /api/themes", s.get("/api/themes")},
		{"GET /api/stats", s.get("/api/stats")},
		{"GET /api/session", s.get("/api/session")},
		{"GET /api/settings", s.get("/api/settings")},
		{"GET /api/scenes", s.get("/api/scenes")},
		{"GET /api/collections/_records", s.get("/api/collections/_records")},
		{"GET /api/collections/_records/items", s.get("/api/collections/_records/items")},
		{"GET /api/collections/_records/items/{record}", s.get("/api/collections/_records/items/townships")},
		{"GET /api/styles", s.get("/api/styles")},
		{"GET /api/styles/{style}", s.get("/api/styles/hospitals")},
		{"GET /api/styles/{style}/metadata", s.get("/api/styles/hospitals/metadata")},
		{"GET /api/collections/{layer}/styles", s.get("/api/collections/hospitals/styles")},
		{"GET /api/collections/{layer}/tiles", s.get("/api/collections/hospitals/tiles")},
		{"GET /api/collections/{layer}/tiles/{tileMatrixSetId}", s.get("/api/collections/hospitals/tiles/WebMercatorQuad")},
		{"GET /api/collections/{layer}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}", s.get("/api/collections/hospitals/tiles/WebMercatorQuad/0/0/0")},
		{"GET /api/tiles", s.get("/api/tiles")},
		{"GET /api/tiles/{tileMatrixSetId}", s.get("/api/tiles/WebMercatorQuad")},
		{"GET /api/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}", s.get("/api/tiles/WebMercatorQuad/10/0/0?collections=hospitals")},
		{"GET /api/tileMatrixSets", s.get("/api/tileMatrixSets")},
		{"GET /api/tileMatrixSets/{tileMatrixSetId}", s.get("/api/tileMatrixSets/WebMercatorQuad")},
		{"GET /tiles/{layers}.json", s.get("/tiles/divisions,hospitals.json")},
		{"GET /tiles/{layers}/{z}/{x}/{y}", s.get("/tiles/hospitals/0/0/0")},
		{"GET /tiles/{layers}/{z}/{x}/{y}", s.get("/tiles/hospitals/10/0/0")},
		{"GET /signin", s.get("/signin")},
		{"GET /signin", s.get("/signin?token=wrong")},
		{"POST /signin", s.send("POST", "/signin", "token=wrong", header("Content-Type", "application/x-www-form-urlencoded"))},
		{"POST /signout", s.send("POST", "/signout", "")},
	} {
		covered[c.route] = true
		for _, definition := range definitions {
			definition.check(t, c.route, c.a)
		}
	}
	for path, item := range doc["paths"].(object) {
		for method := range item.(object) {
			if key := strings.ToUpper(method) + " " + path; method != "parameters" && !covered[key] {
				t.Errorf("%s: no real answer is compared", key)
			}
		}
	}
}

func TestTheConformanceClassesAreThoseWeMeet(t *testing.T) {
	var got struct{ ConformsTo []string }
	start(t).get("/api/conformance").want(t, 200).into(t, &got)
	for _, class := range []string{"core", "oas30", "geojson"} {
		if !slices.Contains(got.ConformsTo, "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"+class) {
			t.Errorf("%s is missing: %v", class, got.ConformsTo)
		}
	}
}

func TestTheDocumentIsJSONThatNamesTheBuild(t *testing.T) {
	d, _, err := definitions(Settings{Build: "v9"})
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		OpenAPI string
		Info    struct{ Title, Version string }
	}
	if err := json.Unmarshal(d.body, &doc); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.0.") || doc.Info.Version != "v9" || doc.Info.Title == "" {
		t.Errorf("got %+v, %v", doc, err)
	}
}
