package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"onemap/layers"
)

// closedPaths says for each route how it is asked for a closed layer, and what
// must come back. A route that is missing here fails the test below.
var closedPaths = map[string]struct {
	path   string
	status int // 0: depends on who asks
	body   string
}{
	"GET /api":                                     {"/api", 200, ""},
	"GET /api/conformance":                         {"/api/conformance", 200, ""},
	"GET /api/openapi.json":                        {"/api/openapi.json", 200, ""},
	"GET /api/openapi-3.1.json":                    {"/api/openapi-3.1.json", 200, ""},
	"GET /api/collections":                         {"/api/collections", 200, ""},
	"GET /api/collections/{layer}":                 {"/api/collections/LAYER", 404, ""},
	"GET /api/collections/{layer}/schema":          {"/api/collections/LAYER/schema", 404, ""},
	"GET /api/collections/{layer}/queryables":      {"/api/collections/LAYER/queryables", 404, ""},
	"GET /api/collections/{layer}/sortables":       {"/api/collections/LAYER/sortables", 404, ""},
	"GET /api/collections/_records":                {"/api/collections/_records", 200, ""},
	"GET /api/collections/_records/items":          {"/api/collections/_records/items?limit=1000", 200, ""},
	"GET /api/collections/_records/items/{record}": {"/api/collections/_records/items/LAYER", 404, ""},
	"GET /api/styles":                              {"/api/styles", 200, ""},
	"GET /api/styles/{style}":                      {"/api/styles/LAYER", 404, ""},
	"GET /api/styles/{style}/metadata":             {"/api/styles/LAYER/metadata", 404, ""},
	"GET /api/collections/{layer}/styles":          {"/api/collections/LAYER/styles", 404, ""},
	"GET /api/collections/{layer}/items":           {"/api/collections/LAYER/items", 404, ""},
	"POST /api/collections/{layer}/items": {"/api/collections/LAYER/items", 404,
		`{"type":"Feature","geometry":null,"properties":{"name":"n"}}`},
	"GET /api/collections/{layer}/items/{feature}":         {"/api/collections/LAYER/items/r1", 404, ""},
	"PUT /api/collections/{layer}/items/{feature}":         {"/api/collections/LAYER/items/r1", 404, `{"type":"Feature","geometry":null,"properties":{"name":"n"}}`},
	"PATCH /api/collections/{layer}/items/{feature}":       {"/api/collections/LAYER/items/r1", 404, `{"properties":{"beds":1}}`},
	"DELETE /api/collections/{layer}/items/{feature}":      {"/api/collections/LAYER/items/r1", 404, ""},
	"GET /api/collections/{layer}/aggregate":               {"/api/collections/LAYER/aggregate?groupby=status", 404, ""},
	"GET /api/attachments":                                 {"/api/attachments", 0, ""},
	"POST /api/attachments":                                {"/api/attachments", 0, `{"table":"layers.LAYER"}`},
	"DELETE /api/attachments/{layer}":                      {"/api/attachments/LAYER", 404, ""},
	"GET /api/search":                                      {"/api/search?q=r1&limit=100", 200, ""},
	"GET /api/divisions/{code}":                            {"/api/divisions/450103", 200, ""},
	"GET /api/join/{role}/{value}":                         {"/api/join/credit_code/91450000DEMO000001", 200, ""},
	"GET /api/themes":                                      {"/api/themes", 200, ""},
	"GET /api/stats":                                       {"/api/stats", 200, ""},
	"GET /api/session":                                     {"/api/session", 200, ""},
	"GET /api/settings":                                    {"/api/settings", 200, ""},
	"GET /api/scenes":                                      {"/api/scenes", 200, ""},
	"GET /api/collections/{layer}/tiles":                   {"/api/collections/LAYER/tiles", 404, ""},
	"GET /api/collections/{layer}/tiles/{tileMatrixSetId}": {"/api/collections/LAYER/tiles/WebMercatorQuad", 404, ""},
	"GET /api/collections/{layer}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": {"/api/collections/LAYER/tiles/WebMercatorQuad/0/0/0", 404, ""},
	"GET /api/tiles":                   {"/api/tiles", 200, ""},
	"GET /api/tiles/{tileMatrixSetId}": {"/api/tiles/WebMercatorQuad", 200, ""},
	"GET /api/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": {"/api/tiles/WebMercatorQuad/0/0/0", 200, ""},
	"GET /api/tileMatrixSets":                   {"/api/tileMatrixSets", 200, ""},
	"GET /api/tileMatrixSets/{tileMatrixSetId}": {"/api/tileMatrixSets/WebMercatorQuad", 200, ""},
	"GET /tiles/{layers}.json":                  {"/tiles/LAYER.json", 404, ""},
	"GET /tiles/{layers}/{z}/{x}/{y}":           {"/tiles/LAYER/0/0/0", 404, ""},
	"GET /signin":                               {"/signin", 200, ""},
	"POST /signin":                              {"/signin", 400, ""},
	"POST /signout":                             {"/signout", 303, ""},
}

func TestNoRouteTellsOfALayerThatTheViewDoesNotSee(t *testing.T) {
	s := start(t)
	// What only the closed layers have. The names of layers are as secret as what
	// is in them.
	secrets := func(layer string) []string {
		return []string{layer, "示例水库", `"r1"`, "水利厅" + layer, "秘" + layer, "Secret"}
	}
	readers := map[string]struct {
		with  []with
		layer []string
	}{
		"the public":    {nil, []string{"reservoirs", "social-aid"}},
		"an old cookie": {[]with{cookie("gone")}, []string{"reservoirs", "social-aid"}},
		"an official":   {[]with{bearer(s.tokens.Official())}, []string{"social-aid"}},
		"the writer":    {[]with{bearer(s.tokens.Writer())}, []string{"social-aid"}},
		"the wall":      {[]with{cookie(s.tokens.Wall())}, []string{"social-aid"}},
	}
	walked := map[string]bool{}
	err := chi.Walk(routesOf(t), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		key := method + " " + route
		walked[key] = true
		c, ok := closedPaths[key]
		if !ok {
			t.Errorf("%s: say in closedPaths what it answers about a closed layer", key)
			return nil
		}
		for who, reader := range readers {
			for _, layer := range reader.layer {
				media := mediaGeoJSON
				if method == http.MethodPatch {
					media = mediaPatch
				}
				path := strings.ReplaceAll(c.path, "LAYER", layer)
				a := s.send(method, path, c.body, append([]with{header("Content-Type", media)}, reader.with...)...)
				if c.status != 0 && a.StatusCode != c.status {
					t.Errorf("%s, %s %s: %d, want %d: %s", who, method, path, a.StatusCode, c.status, a.body)
				}
				text := a.body
				for name, values := range a.Header {
					text += "\n" + name + ": " + strings.Join(values, ", ")
				}
				if c.status == 404 { // it may repeat what was asked for, as for a layer that isn't there
					b := s.send(method, strings.ReplaceAll(c.path, "LAYER", "nothing"), c.body, append([]with{header("Content-Type", media)}, reader.with...)...)
					if got, want := strings.ReplaceAll(problemText(t, a), layer, "nothing"), problemText(t, b); got != want {
						t.Errorf("%s, %s %s: a closed layer answers\n%s\none that isn't there\n%s", who, method, path, got, want)
					}
					text = strings.ReplaceAll(text, layer, "")
				}
				for _, secret := range secrets(layer) {
					if strings.Contains(text, secret) && !(who != "the public" && who != "an old cookie" && (secret == "示例水库" || secret == `"r1"` || secret == "Secret")) {
						t.Errorf("%s, %s %s tells %q: %s", who, method, path, secret, text)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range closedPaths {
		if !walked[key] {
			t.Errorf("%s is not a route", key)
		}
	}
	// A tile of an open and a closed layer is not answered in part.
	s.get("/tiles/hospitals,reservoirs/0/0/0").want(t, 404)
	s.get("/tiles/hospitals,reservoirs.json").want(t, 404)
	// And those who may, see it on the same routes.
	official := bearer(s.tokens.Official())
	for _, path := range []string{"/api/collections/reservoirs", "/api/collections/reservoirs/items", "/api/collections/reservoirs/items/r1", "/api/collections/reservoirs/aggregate",
		"/tiles/reservoirs/0/0/0", "/tiles/reservoirs.json", "/api/collections/reservoirs/tiles/WebMercatorQuad", "/api/tiles/WebMercatorQuad/0/0/0?collections=reservoirs", "/tiles/hospitals,reservoirs/0/0/0"} {
		s.get(path, official).want(t, 200)
		s.get(path).want(t, 404) // also when the tile is in the cache now
	}
}

func TestAClosedLayerThatIsOpenedIsSeenAtOnceAndTheOtherWayRound(t *testing.T) {
	s := start(t)
	l := hospitalLayer()
	s.get("/tiles/hospitals/0/0/0").want(t, 200)
	l.Open, l.Sharing = false, layers.Conditional
	if _, err := s.store.DefineLayer(t.Context(), layers.Actor{}, l); err != nil {
		t.Fatal(err)
	}
	s.get("/tiles/hospitals/0/0/0").want(t, 404)
	s.get(hospitals).want(t, 404)
	l.Open, l.Sharing = true, layers.Unconditional
	if _, err := s.store.DefineLayer(t.Context(), layers.Actor{}, l); err != nil {
		t.Fatal(err)
	}
	s.get(hospitals).want(t, 200)
}

// routesOf returns the API's routes.
func routesOf(t *testing.T) chi.Routes {
	t.Helper()
	mux := chi.NewRouter()
	(&api{}).mount(mux)
	return mux
}
