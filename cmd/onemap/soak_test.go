package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// soakTime is how long the test below runs: a few seconds, or ONEMAP_SOAK.
func soakTime(t *testing.T) time.Duration {
	if s := os.Getenv("ONEMAP_SOAK"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			t.Fatalf("ONEMAP_SOAK: %v", err)
		}
		return d
	}
	return 4 * time.Second
}

// TestEveryReaderEndsUpWithWhatTheStoreHas writes from several sides, while one
// reader reads on, one keeps losing its connection and one is slow, and the
// server is killed now and then. In the end all must hold what the API answers.
func TestEveryReaderEndsUpWithWhatTheStoreHas(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	d := soakTime(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	data := t.TempDir()
	onemap(t, "layer", "define", "--data", data, writeFile(t, "soak.yaml",
		`{id: soak, title: {zh: 浸泡}, themes: [], sharing: unconditional, open: true, updateCycle: realtime, geometry: Point, schema: [{name: n, type: integer}, {name: name, type: string}]}`))
	p := serve(t, data, "--addr", addr)

	stop := make(chan struct{})
	var writers sync.WaitGroup
	var acknowledged atomic.Int64
	for w := range 3 {
		writers.Go(func() { soakWriter(t, p.url, p.token("writer"), w, stop, &acknowledged) })
	}
	writers.Go(func() { soakImport(t, data, stop) })
	readers := []*reader{{name: "steady"}, {name: "losing its connection", drop: 300 * time.Millisecond}, {name: "slow", pause: 50 * time.Millisecond}}
	var reading sync.WaitGroup
	done := make(chan struct{})
	for _, r := range readers {
		reading.Go(func() { r.run(addr, done) })
	}

	kills := max(1, int(d/(5*time.Minute)))
	for range kills {
		time.Sleep(d / time.Duration(kills+1))
		_ = p.cmd.Process.Kill()
		<-p.exited
		p = serve(t, data, "--addr", addr)
	}
	time.Sleep(d / time.Duration(kills+1))
	close(stop)
	writers.Wait()

	want, head := p.everything("soak")
	for _, r := range readers {
		deadline := time.Now().Add(30 * time.Second)
		for !r.knows(head) && time.Now().Before(deadline) {
			time.Sleep(50 * time.Millisecond)
		}
		got := r.state()
		if !r.knows(head) {
			t.Errorf("the reader that is %s is at %s, the log at %d", r.name, r.cursor, head)
		}
		if !maps.Equal(got, want) {
			t.Errorf("the reader that is %s holds %d features, the store %d: %s", r.name, len(got), len(want), difference(got, want))
		}
		t.Logf("%s: %d frames, %d connections, %d resets", r.name, r.frames, r.connections, r.resets)
	}
	close(done)
	reading.Wait()
	t.Logf("%d edits acknowledged, %d features, position %d", acknowledged.Load(), len(want), head)
	if acknowledged.Load() == 0 {
		t.Error("nothing was written")
	}
}

// soakWriter puts and deletes features of its own until told to stop. What is not
// acknowledged, because the server died, may or may not have happened.
func soakWriter(t *testing.T, url, token string, w int, stop <-chan struct{}, acknowledged *atomic.Int64) {
	random := rand.New(rand.NewPCG(uint64(w), 1))
	client := &http.Client{Timeout: 10 * time.Second}
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		id := fmt.Sprintf("w%d-%d", w, random.IntN(200))
		method, path, body := http.MethodDelete, "/"+id, ""
		if random.IntN(4) > 0 {
			method, path = http.MethodPost, ""
			body = fmt.Sprintf(`{"type":"FeatureCollection","features":[{"type":"Feature","id":%q,"geometry":{"type":"Point","coordinates":[%.4f,%.4f]},"properties":{"n":%d,"name":"示例"}}]}`,
				id, 105+random.Float64()*6, 21+random.Float64()*5, n)
		}
		req, err := http.NewRequest(method, url+"/api/collections/soak/items"+path, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/geo+json")
		r, err := client.Do(req)
		if err != nil { // the server is being killed
			time.Sleep(20 * time.Millisecond)
			continue
		}
		answer, _ := io.ReadAll(r.Body)
		r.Body.Close()
		switch {
		case r.StatusCode < 300:
			acknowledged.Add(1)
		case r.StatusCode != http.StatusNotFound: // deleted twice
			t.Errorf("%s %s: %d %s", method, path, r.StatusCode, answer)
			return
		}
	}
}

// soakImport imports beside the server, again and again.
func soakImport(t *testing.T, data string, stop <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-time.After(500 * time.Millisecond):
		}
		out, err := exec.Command("onemap", "import", "--data", data, "--layer", "soak", writeFile(t, "i.ndjson", points(n*50%500, n*50%500+100))).CombinedOutput()
		if err != nil {
			t.Errorf("import: %v: %s", err, out)
			return
		}
	}
}

// everything returns each feature's version by id, and the position that they
// contain.
func (p *process) everything(layer string) (map[string]int64, int64) {
	p.t.Helper()
	_, stats := p.get("/api/stats", "")
	var s struct {
		Position string `json:"position"`
	}
	if err := json.Unmarshal([]byte(stats), &s); err != nil {
		p.t.Fatalf("%v: %s", err, stats)
	}
	_, body := p.get("/api/collections/"+layer+"/items?limit=10000", "")
	var page struct {
		Features []frameFeature `json:"features"`
	}
	if err := json.NewDecoder(bytes.NewReader([]byte(body))).Decode(&page); err != nil {
		p.t.Fatal(err)
	}
	all := map[string]int64{}
	for _, f := range page.Features {
		all[f.ID] = f.Onemap.Version
	}
	return all, position(s.Position)
}

func position(cursor string) int64 {
	_, n, _ := strings.Cut(cursor, ":")
	p, _ := strconv.ParseInt(n, 10, 64)
	return p
}

type frameFeature struct {
	ID     string `json:"id"`
	Onemap struct {
		Version int64 `json:"version"`
	} `json:"onemap"`
}

// frame is what the server sends (docs/live-protocol.md), as far as the test needs it.
type frame struct {
	Type     string         `json:"type"`
	Layer    string         `json:"layer"`
	Cursor   string         `json:"cursor"`
	Features []frameFeature `json:"features"`
	More     bool           `json:"more"`
	Code     string         `json:"code"`
	Message  string         `json:"message"`
	Changes  []struct {
		Op      string `json:"op"`
		ID      string `json:"id"`
		Version int64  `json:"version"`
	} `json:"changes"`
}

// reader is a live session that comes back where it stopped.
type reader struct {
	name        string
	drop, pause time.Duration

	mu          sync.Mutex
	cursor      string
	versions    map[string]int64
	fresh       map[string]int64 // a snapshot that is not complete yet
	frames      int
	connections int
	resets      int
}

func (r *reader) run(addr string, done <-chan struct{}) {
	r.versions = map[string]int64{}
	for {
		select {
		case <-done:
			return
		default:
		}
		conn, _, err := websocket.DefaultDialer.Dial("ws://"+addr+"/live", http.Header{"Sec-WebSocket-Protocol": {"onemap.live.v1"}})
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		r.session(conn, done)
		conn.Close()
	}
}

func (r *reader) session(conn *websocket.Conn, done <-chan struct{}) {
	subscribe := map[string]string{"type": "subscribe", "layer": "soak", "mode": "features"}
	r.mu.Lock()
	r.connections++
	r.fresh = nil
	if r.cursor != "" {
		subscribe["since"] = r.cursor
	}
	r.mu.Unlock()
	if conn.WriteJSON(subscribe) != nil {
		return
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		var lost <-chan time.Time
		if r.drop > 0 {
			lost = time.After(r.drop)
		}
		select {
		case <-done:
		case <-lost:
		case <-ended:
		}
		conn.Close()
	}()
	for {
		var f frame
		if conn.ReadJSON(&f) != nil {
			return
		}
		r.take(&f)
		time.Sleep(r.pause)
	}
}

// take applies a frame as a page does. A version that is older than the one held
// is ignored.
func (r *reader) take(f *frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frames++
	switch f.Type {
	case "reset":
		r.resets++
		r.cursor = ""
	case "snapshot":
		if r.fresh == nil {
			r.fresh = map[string]int64{}
		}
		for _, x := range f.Features {
			r.fresh[x.ID] = x.Onemap.Version
		}
		if !f.More {
			r.versions, r.fresh, r.cursor = r.fresh, nil, f.Cursor
		}
	case "delta":
		for _, c := range f.Changes {
			switch {
			case c.Version < r.versions[c.ID]:
			case c.Op == "put":
				r.versions[c.ID] = c.Version
			default:
				delete(r.versions, c.ID)
			}
		}
		r.cursor = f.Cursor
	case "heartbeat":
		if r.fresh == nil && r.cursor != "" {
			r.cursor = f.Cursor
		}
	}
}

func (r *reader) knows(head int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fresh == nil && position(r.cursor) >= head
}

func (r *reader) state() map[string]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.versions)
}

// difference names the first features that differ.
func difference(got, want map[string]int64) string {
	var ids []string
	for id, v := range want {
		if got[id] != v {
			ids = append(ids, fmt.Sprintf("%s is %d, should be %d", id, got[id], v))
		}
	}
	for id, v := range got {
		if _, ok := want[id]; !ok {
			ids = append(ids, fmt.Sprintf("%s is %d, should be gone", id, v))
		}
	}
	slices.Sort(ids)
	return strings.Join(ids[:min(5, len(ids))], "; ")
}
