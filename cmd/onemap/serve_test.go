package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// process is a running `onemap serve`.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	data   string
	url    string
	mu     sync.Mutex
	output bytes.Buffer // stdout and stderr
	exited chan error
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

var printedURL = regexp.MustCompile(`public +(http://localhost:\d+)/`)

// serve starts a server on a free port and waits until it is ready.
func serve(t testing.TB, data string, args ...string) *process {
	t.Helper()
	p := &process{t: t, data: data, exited: make(chan error, 1)}
	p.cmd = exec.Command("onemap", append([]string{"serve", "--addr", "127.0.0.1:0", "--data", data}, args...)...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.exited <- p.cmd.Wait() }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("the server said:\n%s", p.text())
		}
	})
	p.until(time.Minute, "ready", func() bool {
		m := printedURL.FindStringSubmatch(p.text())
		if m == nil {
			return false
		}
		p.url = strings.Replace(m[1], "localhost", "127.0.0.1", 1)
		r, err := http.Get(p.url + "/readyz")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	return p
}

func (p *process) until(limit time.Duration, what string, ok func() bool) {
	p.t.Helper()
	deadline := time.Now().Add(limit)
	for !ok() {
		select {
		case err := <-p.exited:
			p.t.Fatalf("the server ended (%v) before it was %s:\n%s", err, what, p.text())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("not %s after %v:\n%s", what, limit, p.text())
		}
	}
}

// get asks as a view: "official", "writer", "wall" or "" for the public.
func (p *process) get(path, view string) (int, string) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if view != "" {
		req.Header.Set("Authorization", "Bearer "+p.token(view))
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

func (p *process) token(view string) string {
	p.t.Helper()
	raw, err := os.ReadFile(filepath.Join(p.data, "tokens.json"))
	if err != nil {
		p.t.Fatal(err)
	}
	var tokens map[string]string
	if err := json.Unmarshal(raw, &tokens); err != nil {
		p.t.Fatal(err)
	}
	return tokens[view]
}

// stop sends a signal and returns how the process ended.
func (p *process) stop(signal os.Signal) error {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.exited:
		return err
	case <-time.After(20 * time.Second):
		p.t.Fatalf("the server did not end after %v", signal)
		return nil
	}
}

func onemap(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("onemap", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("onemap %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func points(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, `{"type":"Feature","id":"p%d","geometry":{"type":"Point","coordinates":[%v,%v]},"properties":{"n":%d,"name":"示例点%d"}}`+"\n",
			i, 105+float64(i%700)/100, 21+float64(i%500)/100, i, i)
	}
	return b.String()
}

func TestTheServerServesWhatIsImportedBesideItAndStopsWhenItIsTold(t *testing.T) {
	p := serve(t, t.TempDir())
	for _, want := range []string{"/signin?", "next=%2Fwall", "/api", "Stop with Ctrl-C"} {
		if !strings.Contains(p.text(), want) {
			t.Errorf("the greeting lacks %q:\n%s", want, p.text())
		}
	}
	for path, want := range map[string]int{"/": 200, "/wall": 200, "/api": 200, "/api/reference": 200, "/healthz": 200, "/metrics": 200, "/signin": 200, "/no-such-page": 404, "/api/no": 404} {
		if status, body := p.get(path, ""); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}

	onemap(t, "import", "--data", p.data, "--layer", "places", "--open", writeFile(t, "a.ndjson", points(0, 10)))
	p.until(2*time.Second, "showing the import", func() bool {
		status, body := p.get("/api/collections/places/items?limit=100", "")
		return status == 200 && strings.Contains(body, `"numberMatched":10`)
	})
	onemap(t, "import", "--data", p.data, "--layer", "closed", writeFile(t, "b.ndjson", points(0, 3)))
	if status, _ := p.get("/api/collections/closed", ""); status != 404 {
		t.Errorf("the public sees a conditional layer: %d", status)
	}
	p.until(2*time.Second, "showing the closed layer to officials", func() bool {
		status, _ := p.get("/api/collections/closed/items", "official")
		return status == 200
	})

	_, metrics := p.get("/metrics", "")
	for _, want := range []string{
		`onemap_http_request_seconds_count{method="GET",route="/api/collections/{layer}/items",status="200"}`,
		`route="pages",status="404"`, "onemap_feed_lag_changes", "onemap_live_sessions", "onemap_tile_cache_bytes", "onemap_build_info",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}

	// A socket is told to come back, not cut.
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+"/live", http.Header{"Sec-WebSocket-Protocol": {"onemap.live.v1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	closed := make(chan error, 1)
	go func() {
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				closed <- err
				return
			}
		}
	}()
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Errorf("it did not end well: %v", err)
	}
	if err := <-closed; !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("the socket ended with %v, not with 1012", err)
	}
	if !strings.HasSuffix(p.text(), "Stopped.\n") && !strings.Contains(p.text(), "\nStopped.\n") {
		t.Errorf("it does not say that it stopped:\n%s", p.text())
	}
	for _, line := range strings.Split(p.text(), "\n") {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN") {
			t.Errorf("the log is not clean: %s", line)
		}
	}

	again := serve(t, p.data)
	if !strings.Contains(again.text(), "2 layers, 13 features") {
		t.Errorf("the second start does not find its data:\n%s", again.text())
	}
	if err := again.stop(os.Interrupt); err != nil {
		t.Errorf("it did not end well: %v", err)
	}
}

func TestAPortThatIsTakenIsSaidWithARemedyBeforeTheDataAreTouched(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	data := filepath.Join(t.TempDir(), "data")
	out, err := exec.Command("onemap", "serve", "--addr", l.Addr().String(), "--data", data).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is taken") || !strings.Contains(string(out), "--addr") {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := os.Stat(data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data directory was made: %v", err)
	}
}

func TestADataDirectoryThatCantBeWrittenToIsSaidWithARemedy(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write anywhere")
	}
	data := t.TempDir()
	if err := os.Chmod(data, 0o500); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("onemap", "serve", "--addr", "127.0.0.1:0", "--data", data).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "can't be written to") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestAnImportThatWasKilledLeavesASoundFileAndIsRepeated(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	const rows = 30_000
	file := writeFile(t, "many.ndjson", points(0, rows))
	onemap(t, "layer", "define", "--data", data, writeFile(t, "many.yaml", `{id: many, title: {zh: 多}, themes: [], sharing: unconditional, open: true, updateCycle: irregular, geometry: Point, schema: [{name: n, type: integer}, {name: name, type: string}]}`))
	p := serve(t, data)
	count := func() int {
		_, body := p.get("/api/collections/many/items?limit=1", "")
		var page struct {
			NumberMatched int `json:"numberMatched"`
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		return page.NumberMatched
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	half := exec.CommandContext(ctx, "onemap", "import", "--data", data, file)
	if err := half.Start(); err != nil {
		t.Fatal(err)
	}
	p.until(30*time.Second, "in the middle", func() bool { return count() > 0 })
	_ = half.Process.Signal(syscall.SIGKILL)
	_ = half.Wait()
	written := count()
	if written == 0 || written%2000 != 0 && written != rows {
		t.Errorf("%d rows: a batch was torn", written)
	}
	t.Logf("killed after %d of %d rows", written, rows)

	out := onemap(t, "import", "--data", data, file)
	if want := fmt.Sprintf("%s written, %s of them new", thousands(rows), thousands(int64(rows-written))); !strings.Contains(out, want) {
		t.Errorf("the second time said %q, want %q", out, want)
	}
	p.until(2*time.Second, "complete", func() bool { return count() == rows })
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if sqlite, err := exec.LookPath("sqlite3"); err == nil {
		check, err := exec.Command(sqlite, filepath.Join(data, storeFile), "PRAGMA integrity_check").CombinedOutput()
		if err != nil || strings.TrimSpace(string(check)) != "ok" {
			t.Errorf("%v: %s", err, check)
		}
	}
}
