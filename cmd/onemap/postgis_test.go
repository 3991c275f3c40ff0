package main

import (
	"io"
	"net/http"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5"

	"onemap/internal/pgtest"
)

// follow subscribes to a layer and returns what the socket says, frame by frame.
func (p *process) follow(layer string) <-chan string {
	p.t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+"/live", http.Header{
		"Sec-WebSocket-Protocol": {"onemap.live.v1"}, "Authorization": {"Bearer " + p.token("official")}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	if err := conn.WriteJSON(map[string]string{"type": "subscribe", "layer": layer}); err != nil {
		p.t.Fatal(err)
	}
	frames := make(chan string, 1000)
	go func() {
		defer close(frames)
		for {
			_, b, err := conn.ReadMessage()
			if err != nil {
				return
			}
			frames <- string(b)
		}
	}()
	return frames
}

// heard waits for a frame of a type that holds a text.
func heard(t testing.TB, frames <-chan string, typ, text string) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case f, open := <-frames:
			if !open {
				t.Fatalf("the socket closed before it said %s", text)
			}
			if strings.Contains(f, `"type":"`+typ+`"`) && strings.Contains(f, text) {
				return
			}
		case <-limit:
			t.Fatalf("the socket did not say %s %s", typ, text)
		}
	}
}

func (p *process) post(path, body string) string {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodPost, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.token("writer"))
	req.Header.Set("Content-Type", "application/geo+json")
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusCreated {
		p.t.Fatalf("POST: %d %s %v", r.StatusCode, answer, err)
	}
	return string(answer)
}

func TestTwoNodesServeOneDatabaseAndHearWhatEitherAndPlainSQLWrites(t *testing.T) {
	url := pgtest.Database(t)
	definition := writeFile(t, "l.yaml", `{id: gauges, title: {zh: 水位站}, themes: [], sharing: unconditional, open: true, updateCycle: realtime, geometry: Point, schema: [{name: level, type: number}]}`)
	onemap(t, "layer", "define", "--data", t.TempDir(), "--store", url, definition)
	t.Setenv("ONEMAP_STORE", url) // the nodes are told by the environment
	a, b := serve(t, t.TempDir()), serve(t, t.TempDir())
	if u, err := neturl.Parse(url); err != nil || strings.Contains(a.text(), u.User.String()) {
		t.Errorf("the greeting tells who signs in to the database (%v):\n%s", err, a.text())
	}
	atA, atB := a.follow("gauges"), b.follow("gauges")
	heard(t, atA, "snapshot", "gauges")
	heard(t, atB, "snapshot", "gauges")
	a.post("/api/collections/gauges/items", `{"type":"Feature","id":"posted","geometry":{"type":"Point","coordinates":[108.3,22.8]},"properties":{"level":71.5}}`)
	heard(t, atA, "delta", `"posted"`)
	heard(t, atB, "delta", `"posted"`)
	if status, body := b.get("/api/collections/gauges/items/posted", ""); status != 200 || !strings.Contains(body, "71.5") {
		t.Errorf("%d %s", status, body)
	}
	psql(t, url, `UPDATE layers.gauges SET level = 80.25 WHERE id = 'posted'`)
	heard(t, atA, "delta", "80.25")
	heard(t, atB, "delta", "80.25")

	// A layer that is defined beside them is served at once.
	onemap(t, "import", "--data", t.TempDir(), "--layer", "places", "--open", writeFile(t, "a.ndjson", points(0, 10)))
	for _, p := range []*process{a, b} {
		p.until(5*time.Second, "showing the import", func() bool {
			status, body := p.get("/api/collections/places/items?limit=100", "")
			return status == 200 && strings.Contains(body, `"numberMatched":10`)
		})
	}
	_, metrics := a.get("/metrics", "")
	_, more := b.get("/metrics", "")
	if strings.Count(metrics+more, "\nonemap_mover_leader 1\n") != 1 {
		t.Error("there is not one leader")
	}
	for _, p := range []*process{a, b} {
		if err := p.stop(syscall.SIGTERM); err != nil {
			t.Errorf("it did not end well: %v", err)
		}
	}
}

// psql is a department's own program.
func psql(t testing.TB, url, sql string) {
	t.Helper()
	if out, err := exec.Command("psql", "-v", "ON_ERROR_STOP=1", url, "-c", sql).CombinedOutput(); err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
}

func TestTheSampleAndItsDrillRunOnPostGIS(t *testing.T) {
	if testing.Short() {
		t.Skip("it loads the whole sample")
	}
	url := pgtest.Database(t)
	p := serve(t, t.TempDir(), "--store", url, "--sample")
	checkSample(t, p)
	if out := onemap(t, "simulate", "--store", url, "--data", t.TempDir(), "--reset", "--speed", "2000"); !strings.Contains(out, "Finished after") {
		t.Errorf("the drill said: %s", out)
	}
	file := writeFile(t, "x", "") + ".gpkg"
	if out := onemap(t, "export", "--store", url, "divisions", "-o", file); !strings.Contains(out, "126 features") {
		t.Errorf("the export said: %s", out)
	}
	for _, line := range strings.Split(p.text(), "\n") {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN") {
			t.Errorf("the log is not clean: %s", line)
		}
	}
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Errorf("it did not end well: %v", err)
	}
}

func TestASampleThatOneNodeLoadedHalfIsFinishedByAnotherThatWaited(t *testing.T) {
	if testing.Short() {
		t.Skip("it loads the whole sample")
	}
	url := pgtest.Database(t)
	first := exec.Command("onemap", "serve", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--store", url, "--sample")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for begun, deadline := false, time.Now().Add(time.Minute); !begun; time.Sleep(20 * time.Millisecond) {
		if err = conn.QueryRow(t.Context(), "SELECT to_regclass('onemap.layer') IS NOT NULL").Scan(&begun); err == nil && begun {
			err = conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM onemap.layer)").Scan(&begun)
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("it never began to load: %v", err)
		}
	}
	killed := time.AfterFunc(time.Second, func() { _ = first.Process.Signal(syscall.SIGKILL) })
	defer killed.Stop()
	second := serve(t, t.TempDir(), "--store", url, "--sample")
	_ = first.Wait()
	checkSample(t, second)
	if err := second.stop(syscall.SIGTERM); err != nil {
		t.Errorf("it did not end well: %v", err)
	}
}

func TestTheNodesOfADatabaseShowOneMapAndWhoHasOtherSettingsIsTold(t *testing.T) {
	url := pgtest.Database(t)
	with := func(title string) *process {
		t.Helper()
		data := t.TempDir()
		if title != "" {
			if err := os.WriteFile(filepath.Join(data, "onemap.yaml"), []byte("map: {title: {zh: "+title+"}, zoom: 7}"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return serve(t, data, "--store", url)
	}
	shows := func(p *process, title string) {
		t.Helper()
		if _, body := p.get("/api/settings", ""); !strings.Contains(body, `"zh":"`+title+`"`) || !strings.Contains(body, `"zoom":7`) {
			t.Errorf("not %s: %s", title, body)
		}
	}
	const told = "are not those of the nodes that run"
	first, other, silent := with("甲图"), with("乙图"), with("")
	for _, p := range []*process{first, other, silent} {
		shows(p, "甲图")
		if says := strings.Contains(p.text(), told); says != (p == other) {
			t.Errorf("its log says so: %v\n%s", says, p.text())
		}
	}
	if log := other.text(); !strings.Contains(log, "甲图") || !strings.Contains(log, "乙图") || strings.Contains(log, "bounds") {
		t.Errorf("the log does not have both titles and no more:\n%s", log)
	}
	for _, p := range []*process{first, other, silent} {
		if err := p.stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	shows(with(""), "甲图")   // what held last
	shows(with("丙图"), "甲图") // beside one that runs
}

func TestAChangeOfTheMapsSettingsHoldsWhenAllNodesHaveStopped(t *testing.T) {
	url := pgtest.Database(t)
	for _, zoom := range []string{"7", "8"} {
		data := t.TempDir()
		if err := os.WriteFile(filepath.Join(data, "onemap.yaml"), []byte("map: {zoom: "+zoom+"}"), 0o644); err != nil {
			t.Fatal(err)
		}
		p := serve(t, data, "--store", url)
		if _, body := p.get("/api/settings", ""); !strings.Contains(body, `"zoom":`+zoom) {
			t.Errorf("not %s: %s", zoom, body)
		}
		_ = p.stop(syscall.SIGKILL)
	}
}
