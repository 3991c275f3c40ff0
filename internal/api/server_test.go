package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twpayne/go-geom"

	"onemap/internal/access"
	"onemap/internal/feed"
	"onemap/internal/formats"
	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/gpkg"
	"onemap/layers/postgis"
	"onemap/tiles"
)

// server is the API on a real store, over a real socket, with the feed that
// keeps its tiles fresh.
type server struct {
	*httptest.Server
	t      testing.TB
	store  layers.Store
	tokens *access.Tokens
	log    *safeBuffer
}

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// base is the position of the test's clock.
var base = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)

// start runs a server on a copy of the filled store.
func start(t testing.TB, change ...func(*Deps)) *server {
	t.Helper()
	dir := t.TempDir()
	store, err := openFilled(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, store, dir, change...)
}

// startOn runs a server on a store, which it closes.
func startOn(t testing.TB, store layers.Store, dir string, change ...func(*Deps)) *server {
	t.Helper()
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	tokens, err := access.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	service, err := tiles.New(store, tiles.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := &safeBuffer{}
	log := slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f := feed.New(store, log, service)
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = f.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	d := Deps{Store: store, Tiles: service, Tokens: tokens, Settings: DefaultSettings(), Log: log, WaitFor: f.WaitFor, Reach: f.Reach, Now: time.Now,
		Formats: testFormats}
	for _, c := range change {
		c(&d)
	}
	handler, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Server: httptest.NewServer(handler), t: t, store: store, tokens: tokens, log: out}
	t.Cleanup(s.Close)
	s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.Client().Transport.(*http.Transport).DisableCompression = true
	return s
}

var testFormats = formats.All(func(ctx context.Context, path string) (formats.GeoPackageFile, error) { return gpkg.Create(ctx, path) })

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body string
}

// with changes a request before it is sent.
type with func(*http.Request)

func bearer(token string) with {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func cookie(token string) with {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: access.CookieName, Value: token}) }
}

func header(name, value string) with {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func (s *server) send(method, path, body string, change ...with) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range change {
		c(r)
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp, string(b)}
}

func (s *server) get(path string, change ...with) answer {
	s.t.Helper()
	return s.send(http.MethodGet, path, "", change...)
}

// write sends GeoJSON as the writer.
func (s *server) write(method, path, body string, change ...with) answer {
	s.t.Helper()
	media := mediaGeoJSON
	if method == http.MethodPatch {
		media = mediaPatch
	}
	return s.send(method, path, body, append([]with{bearer(s.tokens.Writer()), header("Content-Type", media)}, change...)...)
}

// want fails the test at once unless the answer has the status.
// enlargeTile makes the hospitals' tile more than one packet, so that it is worth
// compressing.
func (s *server) enlargeTile(t testing.TB) {
	t.Helper()
	s.write("PATCH", hospitals+"/h01", `{"properties":{"name_en":"`+strings.Repeat("long ", 300)+`"}}`).want(t, 200)
}

func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d: %s", a.Request.Method, a.Request.URL, a.StatusCode, status, a.body)
	}
	return a
}

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%s: %v: %s", a.Request.URL, err, a.body)
	}
}

// fields lists the fields of a problem's violations.
func (a answer) fields(t testing.TB) string {
	t.Helper()
	if ct := a.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Fatalf("%s: Content-Type %q: %s", a.Request.URL, ct, a.body)
	}
	var p problem
	a.into(t, &p)
	if p.Status != a.StatusCode || p.Title == "" || p.Type == "" {
		t.Errorf("%s: %s", a.Request.URL, a.body)
	}
	var names []string
	for _, v := range p.Violations {
		if v.Reason == "" {
			t.Errorf("%s: no reason: %s", a.Request.URL, a.body)
		}
		names = append(names, v.Field)
	}
	return strings.Join(names, " ")
}

type page struct {
	NumberMatched  *int64 `json:"numberMatched"`
	NumberReturned int64  `json:"numberReturned"`
	Features       []struct {
		ID         string
		Geometry   json.RawMessage
		Properties map[string]any
		Onemap     struct{ Num, Version int64 }
	}
	Links []link
}

func (p page) ids() string {
	var ids []string
	for _, f := range p.Features {
		ids = append(ids, f.ID)
	}
	return strings.Join(ids, " ")
}

func (p page) link(rel string) string {
	for _, l := range p.Links {
		if l.Rel == rel {
			return l.Href
		}
	}
	return ""
}

func (s *server) page(path string, change ...with) page {
	s.t.Helper()
	var p page
	s.get(path, change...).want(s.t, 200).into(s.t, &p)
	if int(p.NumberReturned) != len(p.Features) {
		s.t.Errorf("%s: numberReturned %d of %d", path, p.NumberReturned, len(p.Features))
	}
	return p
}

// openFilled opens a store with the layers of fill: the embedded one, or with
// ONEMAP_TEST_STORE=postgis the other.
func openFilled(t testing.TB, dir string) (layers.Store, error) {
	if os.Getenv("ONEMAP_TEST_STORE") == "postgis" {
		store, err := postgis.Open(t.Context(), pgtest.Database(t), postgis.Options{})
		if err != nil {
			return nil, err
		}
		return store, fill(store)
	}
	for name, content := range filled(t) {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	return gpkg.Open(t.Context(), filepath.Join(dir, "onemap.gpkg"), gpkg.Options{})
}

// filled returns the files of a store with the layers of fill. They are made
// once: every test would wait for the same dozen commits.
func filled(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filledFiles()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var filledFiles = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "onemap-api-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	store, err := gpkg.Open(context.Background(), filepath.Join(dir, "onemap.gpkg"), gpkg.Options{})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(fill(store), store.Close()); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range []string{"onemap.gpkg", "onemap.gpkg-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil {
			files[name] = b
		}
	}
	return files, nil
})

func point(lon, lat float64) geom.T { return geom.NewPointFlat(geom.XY, []float64{lon, lat}) }

func box(w, s, e, n float64) geom.T {
	return geom.NewMultiPolygonFlat(geom.XY, []float64{w, s, e, s, e, n, w, n, w, s}, [][]int{{10}})
}

func department(id, zh string, level layers.GovernmentLevel) layers.Department {
	return layers.Department{ID: id, Name: layers.Text{Zh: zh}, Level: level, Division: "450000", Kind: layers.KindGovernment}
}

func hospitalLayer() *layers.Layer {
	return &layers.Layer{
		ID: "hospitals", Title: layers.Text{Zh: "示例医院", En: "Hospitals"}, Abstract: layers.Text{Zh: "演示数据"}, Department: department("health", "卫生健康委", layers.LevelRegion),
		Themes: []string{"theme/health"}, Sharing: layers.Unconditional, Open: true, UpdateCycle: layers.Daily, Synthetic: true, Geometry: layers.Point,
		Schema: layers.Schema{
			{Name: "name", Type: layers.String, Role: layers.RoleName, Required: true, MaxLength: 40},
			{Name: "name_en", Type: layers.String, Role: layers.RoleNameEn},
			{Name: "division", Type: layers.String, Role: layers.RoleDivision},
			{Name: "credit_code", Type: layers.String, Role: layers.RoleCreditCode},
			{Name: "beds", Type: layers.Integer, Min: new(float64)},
			{Name: "load", Type: layers.Number},
			{Name: "open", Type: layers.Boolean},
			{Name: "founded", Type: layers.DateType},
			{Name: "seen", Type: layers.DateTime, Role: layers.RoleTime},
			{Name: "status", Type: layers.String, Role: layers.RoleStatus, Enum: []layers.Term{{Value: "normal"}, {Value: "full"}}},
			{Name: "extra", Type: layers.JSON},
		},
	}
}

func hospital(n int, lon, lat float64, division string) layers.Edit {
	id := string(rune('0'+n/10)) + string(rune('0'+n%10))
	return layers.Edit{Op: layers.Put, ID: "h" + id, Geometry: point(lon, lat), Properties: map[string]any{
		"name": "示例医院" + id, "name_en": "Hospital " + id, "division": division, "credit_code": "91450000DEMO0000" + id,
		"beds": int64(100 * n), "load": float64(n) / 10, "open": n%2 == 0, "founded": layers.Date("2001-02-03"),
		"seen": base.Add(time.Duration(n) * time.Hour), "status": []string{"normal", "full"}[n%2], "extra": json.RawMessage(`{"floors":3}`),
	}}
}

// fill defines a base map, an open layer, a conditionally shared one and one
// that is not shared, with data.
func fill(store layers.Store) error {
	var failed error
	define := func(l *layers.Layer, edits ...layers.Edit) {
		_, err := store.DefineLayer(context.Background(), layers.Actor{Name: "test"}, l)
		if err == nil {
			_, err = store.Apply(context.Background(), layers.Actor{Name: "test"}, l.ID, edits)
		}
		failed = errors.Join(failed, err)
	}
	code := func(name string, role layers.Role) layers.Attribute {
		return layers.Attribute{Name: name, Type: layers.String, Role: role}
	}
	survey := department("survey", "自然资源厅", layers.LevelRegion)
	division := func(id, zh, parent string, level int64, people any, g geom.T) layers.Edit {
		return layers.Edit{Op: layers.Put, ID: id, Geometry: g, Properties: map[string]any{
			"code": id, "name_zh": zh, "name_en": "Division " + id, "level": level, "parent": parent, "population_2020": people}}
	}
	define(&layers.Layer{
		ID: "divisions", Title: layers.Text{Zh: "行政区划（示意）", En: "Divisions"}, Department: survey, Themes: []string{"base/geography"}, Sharing: layers.Unconditional, Open: true,
		UpdateCycle: layers.Yearly, Schematic: true, Geometry: layers.MultiPolygon, Display: layers.Display{Base: "division"},
		Schema: layers.Schema{code("code", layers.RoleDivision), code("name_zh", layers.RoleName), code("name_en", layers.RoleNameEn),
			{Name: "level", Type: layers.Integer}, code("parent", ""), {Name: "population_2020", Type: layers.Integer}},
	},
		division("450000", "广西壮族自治区", "", 1, int64(50126804), box(104, 20.5, 112, 26.5)),
		division("450100", "南宁市", "450000", 2, int64(8741584), box(107.5, 22, 109, 23.5)),
		division("450103", "青秀区", "450100", 3, nil, box(108.3, 22.6, 108.7, 23)),
		division("450200", "柳州市", "450000", 2, int64(4157934), box(109, 24, 110, 25)))
	define(&layers.Layer{
		ID: "townships", Title: layers.Text{Zh: "乡镇街道（示意）"}, Department: survey, Themes: []string{"base/geography"}, Sharing: layers.Unconditional, Open: true,
		UpdateCycle: layers.Yearly, Geometry: layers.MultiPolygon, Display: layers.Display{Base: "township"},
		Schema: layers.Schema{code("code", layers.RoleDivision), code("name", layers.RoleName), code("county_code", "")},
	}, layers.Edit{Op: layers.Put, ID: "450103001", Geometry: box(108.3, 22.7, 108.4, 22.8), Properties: map[string]any{"code": "450103001", "name": "新竹街道", "county_code": "450103"}})
	define(hospitalLayer(),
		hospital(1, 108.35, 22.75, "450103001"), hospital(2, 108.36, 22.76, "450103"), hospital(3, 108.9, 22.9, "450100"),
		hospital(4, 109.4, 24.3, "450200"), hospital(5, 109.5, 24.4, "450200"))
	closed := func(id string, sharing layers.Sharing) {
		l := hospitalLayer()
		l.ID, l.Title, l.Open, l.Sharing = id, layers.Text{Zh: "秘" + id, En: "Secret " + id}, false, sharing
		l.Department = department("water-"+id, "水利厅"+id, layers.LevelCity)
		e := hospital(1, 108.35, 22.75, "450103")
		e.ID, e.Properties["name"] = "r1", "示例水库01"
		define(l, e)
	}
	closed("reservoirs", layers.Conditional)
	closed("social-aid", layers.NotShared)
	return failed
}
