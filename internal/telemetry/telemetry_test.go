package telemetry

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestARequestIsCountedByItsRouteAndAPanicIsA500InTheLog(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, slog.LevelInfo, "json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMetrics("test")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Gauge("onemap_test", "A number.", func() float64 { return 42 }); err != nil {
		t.Fatal(err)
	}
	h := m.Requests(log, func(r *http.Request) string { return "/things/{id}" }, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/things/bad" {
			panic("no such luck")
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	get(h, "/things/1")
	get(h, "/things/2")
	bad := get(h, "/things/bad")
	if bad.Code != 500 || bad.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("a panic answered %d %q", bad.Code, bad.Header().Get("Content-Type"))
	}
	if !strings.Contains(out.String(), "no such luck") {
		t.Errorf("the panic is not in the log: %s", out.String())
	}
	text := get(m.Handler(log), "/metrics").Body.String()
	for _, want := range []string{
		`onemap_http_request_seconds_count{method="GET",route="/things/{id}",status="204"} 2`,
		`onemap_http_request_seconds_count{method="GET",route="/things/{id}",status="500"} 1`,
		"onemap_test 42", `onemap_build_info{build="test"} 1`, "go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
}

func TestReadinessNamesWhatIsLoadingUntilAllIsDone(t *testing.T) {
	r := NewReadiness("sample data", "feed")
	r.Progress("sample data", "enterprises 2000")
	w := get(http.HandlerFunc(r.Ready), "/readyz")
	if w.Code != 503 || !strings.Contains(w.Body.String(), "enterprises 2000") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	r.Done("feed")
	r.Done("sample data")
	if w := get(http.HandlerFunc(r.Ready), "/readyz"); w.Code != 200 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	r.Stopping()
	if w := get(http.HandlerFunc(r.Ready), "/readyz"); w.Code != 503 {
		t.Errorf("a stopping server says it is ready")
	}
	if w := get(http.HandlerFunc(r.Healthy), "/healthz"); w.Code != 200 {
		t.Errorf("a stopping server is not healthy")
	}
}
