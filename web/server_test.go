package web

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func compressed(t *testing.T, text string) *fstest.MapFile {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

func built(t *testing.T) http.Handler {
	t.Helper()
	h, err := Handler(fstest.MapFS{
		".gitkeep":                  {},
		"index.html.gz":             compressed(t, "<p>explorer"),
		"wall.html.gz":              compressed(t, "<p>wall"),
		"reference.html.gz":         compressed(t, "<p>reference"),
		"assets/worker-1a2b.mjs.gz": compressed(t, "export {}"),
		"assets/a.woff2":            {Data: []byte("wOF2")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEachAddressServesItsFileWithTheTypeABrowserAccepts(t *testing.T) {
	h := built(t)
	for _, c := range []struct{ path, contentType, cache, body string }{
		{"/", "text/html; charset=utf-8", "no-cache", "<p>explorer"},
		{"/wall", "text/html; charset=utf-8", "no-cache", "<p>wall"},
		{"/wall/", "text/html; charset=utf-8", "no-cache", "<p>wall"},
		{"/api/reference", "text/html; charset=utf-8", "no-cache", "<p>reference"},
		{"/assets/worker-1a2b.mjs", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "export {}"},
		{"/assets/a.woff2", "font/woff2", "public, max-age=31536000, immutable", "wOF2"},
	} {
		w := get(h, c.path)
		if w.Code != 200 || w.Body.String() != c.body {
			t.Errorf("%s: %d %q", c.path, w.Code, w.Body)
		}
		if got := w.Header().Get("Content-Type"); got != c.contentType {
			t.Errorf("%s: type %q, want %q", c.path, got, c.contentType)
		}
		if got := w.Header().Get("Cache-Control"); got != c.cache {
			t.Errorf("%s: cache %q, want %q", c.path, got, c.cache)
		}
	}
	for _, path := range []string{"/nothing", "/.gitkeep", "/index.html.gz", "/assets/"} {
		if w := get(h, path); w.Code != 404 {
			t.Errorf("%s: %d, want 404", path, w.Code)
		}
	}
}

func TestACompressedFileIsSentAsItIsToAClientThatTakesIt(t *testing.T) {
	h := built(t)
	w := get(h, "/", "Accept-Encoding", "br, gzip")
	if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" {
		t.Fatalf("headers %v", w.Header())
	}
	if plain, err := gunzip(w.Body.Bytes()); err != nil || string(plain) != "<p>explorer" {
		t.Fatalf("%q %v", plain, err)
	}
	if w := get(h, "/", "Accept-Encoding", "br, gzip;q=0"); w.Header().Get("Content-Encoding") != "" || w.Body.String() != "<p>explorer" {
		t.Errorf("a client that refuses gzip got %v", w.Header())
	}
	again := get(h, "/", "Accept-Encoding", "gzip", "If-None-Match", w.Header().Get("ETag"))
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("revalidation answered %d", again.Code)
	}
}

func TestAPageMayLoadNothingFromElsewhere(t *testing.T) {
	csp := get(built(t), "/").Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'self'", "worker-src 'self'", "script-src 'self'"} {
		if !strings.Contains(csp, part) {
			t.Errorf("policy lacks %q: %s", part, csp)
		}
	}
	if strings.Contains(csp, "http") || strings.Contains(csp, "*") {
		t.Errorf("policy lets other servers in: %s", csp)
	}
}

func TestWithoutABuildBothPagesSayHowToMakeOne(t *testing.T) {
	h, err := Handler(sub("placeholder"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/wall"} {
		if w := get(h, path); w.Code != 200 || !strings.Contains(w.Body.String(), "make run") {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
}

func TestTheEmbeddedPagesCanBeServed(t *testing.T) {
	h, err := Handler(FS())
	if err != nil {
		t.Fatal(err)
	}
	if w := get(h, "/"); w.Code != 200 {
		t.Errorf("/ answered %d", w.Code)
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	w := httptest.NewRecorder()
	built(t).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST answered %d", w.Code)
	}
}
