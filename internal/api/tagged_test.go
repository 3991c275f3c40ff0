package api

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"onemap/layers"
)

// changing are routes whose answers tell the time, or who asks: they are worth no tag.
var changing = map[string]bool{
	"GET /api/stats": true,
	"GET /signin":    true,
}

// TestEveryReadIsCachedComparedCompressedAndOpenToOtherPages walks the routes: what
// they answer about something that exists is in closedPaths.
func TestEveryReadIsCachedComparedCompressedAndOpenToOtherPages(t *testing.T) {
	s := start(t)
	s.enlargeTile(t)
	walked := 0
	for route, c := range closedPaths {
		path, isGet := strings.CutPrefix(route, "GET ")
		if !isGet || path == "/api/attachments" { // the writer's
			continue
		}
		walked++
		path = strings.ReplaceAll(strings.ReplaceAll(c.path, "LAYER", "hospitals"), "items/r1", "items/h01")
		get := s.get(path).want(t, 200)
		head := s.send(http.MethodHead, path, "").want(t, 200)
		if head.body != "" || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %v", path, head.Header)
		}
		if origin := get.Header.Get("Access-Control-Allow-Origin"); origin != "*" && !strings.HasPrefix(path, "/sign") {
			t.Errorf("%s: Access-Control-Allow-Origin %q", path, origin)
		}
		packed := s.get(path, header("Accept-Encoding", "gzip")).want(t, 200)
		if packed.Header.Get("Content-Encoding") != "gzip" && len(get.body) > 2000 {
			t.Errorf("%s: %d bytes are not compressed", path, len(get.body))
		}
		if changing[route] {
			continue
		}
		for _, a := range []answer{get, head, packed} {
			tag := a.Header.Get("ETag")
			if tag == "" || a.Header.Get("Cache-Control") != "no-cache" {
				t.Errorf("%s: ETag %q, Cache-Control %q", path, tag, a.Header.Get("Cache-Control"))
				continue
			}
			same := s.get(path, header("If-None-Match", tag)).want(t, 304)
			if same.body != "" || same.Header.Get("Content-Type") != "" {
				t.Errorf("%s: 304 with %v", path, same.Header)
			}
		}
		s.get(path, header("If-None-Match", `"other"`)).want(t, 200)
	}
	if walked < 20 {
		t.Errorf("only %d routes were walked", walked)
	}
}

func TestAnAnswerThatIsTooLargeToBeHeldComesWithoutATag(t *testing.T) {
	h := tag(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaJSON)
		for range 3 {
			_, _ = w.Write([]byte(strings.Repeat("1", mostTagged/2)))
		}
	}))
	w := record(h, "/api/large")
	if w.Body.Len() != 3*(mostTagged/2) || w.Header().Get("ETag") != "" {
		t.Errorf("%d bytes, %v", w.Body.Len(), w.Header())
	}
}

func TestAnAnswerThatFailsWhileItIsHeldIsAProblem(t *testing.T) {
	a := &api{Deps: Deps{Log: slog.New(slog.DiscardHandler)}}
	w := record(tag(a.handle(func(w http.ResponseWriter, _ *http.Request) error {
		_ = writeJSON(w, http.StatusOK, "the beginning")
		return layers.Errorf(layers.NotFound, "it went away")
	})), "/api/x")
	if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "beginning") || w.Header().Get("ETag") != "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func record(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}
