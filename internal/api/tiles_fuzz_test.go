package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/paulmach/orb/encoding/mvt"
)

func FuzzATilesURLIsAnsweredOrRefused(f *testing.F) {
	for _, path := range []string{"/tiles/hospitals/0/0/0", "/tiles/hospitals,divisions/7/103/54.mvt", "/tiles/hospitals.json",
		"/api/collections/hospitals/tiles/WebMercatorQuad/7/54/103", "/api/tiles/WebMercatorQuad/0/0/0", "/tiles/hospitals/23/0/0", "/tiles/a%2Cb/1/1/01"} {
		for _, query := range []string{"", "properties=name,beds", "datetime=2026-07-01/..", "agg=grid&cell=8", "agg=heat", "v=x:1", "collections=hospitals", "agg=heat&agg=grid", "%zz"} {
			f.Add(path, query)
		}
	}
	s := start(f)
	f.Fuzz(func(t *testing.T, path, query string) {
		r := httptest.NewRequest(http.MethodGet, "/tiles", nil)
		r.URL = &url.URL{Path: path, RawQuery: query}
		if path == "" || path[0] != '/' {
			r.URL.Path = "/tiles/" + path
		}
		w := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(w, r)
		media := w.Header().Get("Content-Type")
		switch {
		case w.Code == http.StatusOK && media == mediaMVT:
			if _, err := mvt.Unmarshal(w.Body.Bytes()); err != nil {
				t.Errorf("the tile can't be read: %v", err)
			}
		case w.Code >= 500 && w.Code != http.StatusServiceUnavailable: // of a position that is not there yet
			t.Errorf("%d: %s", w.Code, w.Body)
		case w.Code >= 400 && media != "application/problem+json":
			t.Errorf("%d as %s", w.Code, media)
		case !slices.Contains([]int{200, 204, 301, 302, 303, 307, 308, 304, 400, 404, 405, 406, 410, 503}, w.Code):
			t.Errorf("answered with %d", w.Code)
		}
	})
}
