package api

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestTheFormOfAnAnswerIsChosenByFThenByAccept(t *testing.T) {
	csv, html := offer{name: "csv", media: "text/csv; charset=utf-8"}, offer{name: "html", media: "text/html"}
	for _, c := range []struct {
		f, want string
		accept  []string
	}{
		{want: "geojson"},
		{accept: []string{"*/*"}, want: "geojson"},
		{accept: []string{"application/geo+json, application/json"}, want: "geojson"},
		{accept: []string{"application/json"}, want: "geojson"},
		{accept: []string{"text/csv"}, want: "csv"},
		{accept: []string{"TEXT/CSV;header=present"}, want: "csv"},
		{accept: []string{"text/*"}, want: "csv"},
		{accept: []string{"text/*, text/csv;q=0.5"}, want: "html"},
		{accept: []string{"application/geo+json;q=0.5, text/csv;q=0.9"}, want: "csv"},
		{accept: []string{"application/json;q=0.5", "text/csv;q=0.9"}, want: "csv"},
		{accept: []string{"*/*, text/csv"}, want: "csv"},
		{accept: []string{"*/*;q=0.1, text/csv;q=0"}, want: "geojson"},
		{accept: []string{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"}, want: "html"},
		{accept: []string{"image/png"}, want: "geojson"},
		{accept: []string{"*/*;q=0"}, want: "geojson"},
		{accept: []string{"text/csv;q=much, ,;,/"}, want: "geojson"},
		{accept: []string{"text/csv;q=2"}, want: "geojson"},
		{accept: []string{""}, want: "geojson"},
		{f: "csv", accept: []string{"text/html"}, want: "csv"},
		{f: "json", accept: []string{"text/html"}, want: "geojson"},
		{f: "geojson", want: "geojson"},
	} {
		r := httptest.NewRequest("GET", "/?f="+url.QueryEscape(c.f), nil)
		if c.f == "" {
			r = httptest.NewRequest("GET", "/", nil)
		}
		r.Header["Accept"] = c.accept
		p := newParams(r)
		if got := p.negotiate(r, offerGeoJSON, csv, html).name; got != c.want || p.err() != nil {
			t.Errorf("f=%s, Accept %q: got %s, want %s; %v", c.f, c.accept, got, c.want, p.err())
		}
	}
}

func TestAFormThatIsNotOfferedIsRefusedWithThoseThatAre(t *testing.T) {
	s := start(t)
	for path, want := range map[string]string{
		hospitals:          "one of geojson, geojsonseq, ndjson, csv, gpkg, shp",
		hospitals + "/h01": "one of geojson",
		"/api":             "one of json", "/api/collections": "one of json", "/api/collections/hospitals": "one of json", "/api/conformance": "one of json",
		"/api/collections/hospitals/aggregate": "one of json, geojson, csv", "/api/search": "one of json", "/tiles/hospitals.json": "one of json", "/api/tiles/WebMercatorQuad": "one of json",
	} {
		a := s.get(path+"?f=kml").want(t, 400)
		if !strings.Contains(a.fields(t), "f") || !strings.Contains(a.body, `"remedy":"`+want+`"`) {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	for _, path := range []string{"/api", "/api/collections", "/api/collections/hospitals", hospitals, hospitals + "/h01", "/api/themes", "/api/stats", "/tiles/hospitals.json"} {
		if a := s.get(path+"?f=json").want(t, 200); !strings.Contains(a.Header.Get("Vary"), "Accept,") {
			t.Errorf("%s: Vary %q", path, a.Header.Get("Vary"))
		}
	}
	s.write("DELETE", hospitals+"/h01?f=json", "").want(t, 400)
}
