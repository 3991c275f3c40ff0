package live

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"
	"go.uber.org/goleak"

	"onemap/internal/access"
	"onemap/internal/cql2"
	"onemap/internal/feed"
	"onemap/internal/geojson"
	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/gpkg"
	"onemap/layers/postgis"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(withDatabase{m}) }

// withDatabase stops the PostgreSQL that ONEMAP_TEST_STORE=postgis asks for.
type withDatabase struct{ m *testing.M }

func (w withDatabase) Run() int { return pgtest.Main(w.m) }

var idPublic = access.Identity{View: layers.Public}

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// server is a real store, the real feed, and a hub behind real sockets.
type server struct {
	t     *testing.T
	store layers.Store
	hub   *Hub
	feed  *feed.Feed
	http  *httptest.Server
	token map[string]string
	stop  func() // as at a shutdown: waits until the hub has closed
}

func serve(t *testing.T, store layers.Store, options func(*Options)) *server {
	t.Helper()
	s := serveUnfed(t, store, options)
	if err := s.feed.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.feed.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return s
}

// serveUnfed leaves it to the test to hand over commits.
func serveUnfed(t *testing.T, store layers.Store, options func(*Options)) *server {
	t.Helper()
	tokens, err := access.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	o := Options{Store: store, Identify: tokens.Identify, Log: log, Build: "test"}
	if options != nil {
		options(&o)
	}
	s := &server{t: t, store: store, hub: NewHub(o), token: map[string]string{
		"official": tokens.Official(), "writer": tokens.Writer(), "wall": tokens.Wall(), "wrong": "not-a-token-of-this-server", "public": "",
	}}
	s.feed = feed.New(store, log, s.hub)
	s.http = httptest.NewServer(s.hub)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.hub.Run(ctx) })
	s.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		s.http.Close()
	})
	t.Cleanup(s.stop)
	return s
}

func openStore(t testing.TB) layers.Store {
	t.Helper()
	var store layers.Store
	var err error
	if os.Getenv("ONEMAP_TEST_STORE") == "postgis" {
		store, err = postgis.Open(t.Context(), pgtest.Database(t), postgis.Options{})
	} else {
		store, err = gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "onemap.gpkg"), gpkg.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

var actor = layers.Actor{Name: "test"}

// layer is a definition of points; open layers are seen by everybody.
func layer(id string, open bool) *layers.Layer {
	l := &layers.Layer{
		ID: id, Title: layers.Text{Zh: "示例" + id}, Geometry: layers.Point, UpdateCycle: layers.RealTime, Themes: []string{}, Open: open, Sharing: layers.Unconditional,
		Department: layers.Department{ID: "d", Name: layers.Text{Zh: "示例部门"}, Level: layers.LevelRegion, Division: "450000", Kind: layers.KindGovernment},
		Schema:     layers.Schema{{Name: "name", Type: layers.String, Role: layers.RoleName}, {Name: "level", Type: layers.Number}},
	}
	if !open {
		l.Sharing = layers.Conditional
	}
	return l
}

func define(t testing.TB, store layers.Store, l *layers.Layer) layers.Cursor {
	t.Helper()
	c, err := store.DefineLayer(t.Context(), actor, l)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func point(x, y float64) geom.T { return geom.NewPointFlat(geom.XY, []float64{x, y}) }

func put(id string, x, y, level float64) layers.Edit {
	return layers.Edit{Op: layers.Put, ID: id, Geometry: point(x, y), Properties: map[string]any{"name": "示例" + id, "level": level}}
}

func apply(t *testing.T, store layers.Store, layer string, edits ...layers.Edit) layers.Cursor {
	t.Helper()
	r, err := store.Apply(t.Context(), actor, layer, edits)
	if err != nil {
		t.Fatal(err)
	}
	return r.Cursor
}

// frame is any message of the server.
type frame struct {
	Type, Layer, Cursor, Reason, Op, Code, Message, View, Build, Scene, Time string
	More, All, Added                                                         bool
	BBox                                                                     []float64
	Heartbeat                                                                float64
	Bounds                                                                   [][4]float64
	Features                                                                 []json.RawMessage
	Changes                                                                  []struct {
		Layer, Op, ID string
		Version       layers.Position
		Feature       json.RawMessage
	}
	raw string
}

func (f *frame) cursor(t *testing.T) layers.Cursor {
	t.Helper()
	c, err := layers.ParseCursor(f.Cursor)
	if err != nil {
		t.Fatalf("%s: %v", f.raw, err)
	}
	return c
}

// client is a screen that keeps the rules of the protocol document and nothing
// else. Its mirror is what it would show.
type client struct {
	t      *testing.T
	name   string
	conn   *websocket.Conn
	hello  frame
	mirror map[string]*mirror
	errors []string
	log    []string              // types of frames, for failures
	apart  bool                  // runs in a goroutine of its own
	events *eventReader          // instead of conn
	roams  bool                  // it looks here and there
	boxes  map[string]*orb.Bound // what is looked at, by layer
	filter string                // of all layers, in CQL2
	shown  *properties           // of all layers
}

// fatalf ends the goroutine that runs the client.
func (c *client) fatalf(format string, args ...any) {
	c.t.Helper()
	if !c.apart {
		c.t.Fatalf(format, args...)
	}
	c.t.Errorf(format, args...)
	runtime.Goexit()
}

type mirror struct {
	features map[string]kept
	tiles    bool
	cursor   string // complete up to here; "" if a snapshot is needed
	answered bool   // the subscription was, on this connection: from then on heartbeats speak of it
	reading  map[string]bool
	wanted   string // the view that was asked for, until it is told that it is looked at
}

type kept struct {
	version layers.Position
	json    string
}

func (s *server) url() string { return "ws" + strings.TrimPrefix(s.http.URL, "http") }

func (s *server) request(who string, header http.Header) (*websocket.Conn, *http.Response, error) {
	h := http.Header{}
	maps.Copy(h, header)
	if s.token[who] != "" {
		h.Set("Authorization", "Bearer "+s.token[who])
	}
	d := websocket.Dialer{Subprotocols: []string{Subprotocol}, HandshakeTimeout: patience, EnableCompression: true}
	return d.Dial(s.url(), h)
}

func (s *server) connect(t *testing.T, who string) *client {
	t.Helper()
	c := &client{t: t, mirror: map[string]*mirror{}}
	c.dial(s, who)
	t.Cleanup(func() { c.conn.Close() })
	return c
}

func (c *client) dial(s *server, who string) {
	c.t.Helper()
	conn, _, err := s.request(who, nil)
	if err != nil {
		c.fatalf("%v", err)
	}
	c.conn = conn
	c.hello = c.await("hello")
}

func (c *client) send(message string) {
	c.t.Helper()
	if err := c.conn.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		c.fatalf("%v", err)
	}
}

// subscribe follows a layer, from where the mirror is if it has something.
func (c *client) subscribe(layer, mode, more string) {
	c.t.Helper()
	m := c.mirror[layer]
	if m == nil {
		m = &mirror{features: map[string]kept{}}
		c.mirror[layer] = m
	}
	m.reading, m.tiles, m.answered, m.wanted = nil, mode == "tiles", false, ""
	if c.filter != "" {
		text, _ := json.Marshal(c.filter)
		more += `,"filter":` + string(text)
	}
	if c.shown != nil {
		names, _ := json.Marshal(c.shown.names)
		more += `,"properties":` + string(names)
	}
	if m.cursor != "" {
		more += `,"since":"` + m.cursor + `"`
	}
	c.send(`{"type":"subscribe","layer":"` + layer + `","mode":"` + mode + `"` + more + `}`)
}

// look moves what is looked at of a layer; nil is everywhere.
func (c *client) look(layer string, box []float64) {
	c.t.Helper()
	m := c.mirror[layer]
	m.wanted, m.cursor, m.answered, c.roams = boxText(box), "", false, true
	c.send(`{"type":"setView","layer":"` + layer + `","bbox":` + m.wanted + `}`)
}

func boxText(box []float64) string {
	b, _ := json.Marshal(box)
	return string(b)
}

// touches reports whether a point is in a box.
func (k kept) touches(box []float64) bool {
	var f struct {
		Geometry *struct{ Coordinates []float64 }
	}
	_ = json.Unmarshal([]byte(k.json), &f)
	if f.Geometry == nil {
		return false
	}
	x, y := f.Geometry.Coordinates[0], f.Geometry.Coordinates[1]
	return x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]
}

// read takes one frame and applies it to the mirror.
func (c *client) read() (frame, error) {
	raw, err := c.next()
	if err != nil {
		return frame{}, err
	}
	f := frame{raw: string(raw)}
	if err := json.Unmarshal(raw, &f); err != nil {
		return frame{}, errors.New("not JSON: " + f.raw)
	}
	c.log = append(c.log, f.Type+" "+f.Layer+" "+f.Cursor+" "+f.Reason)
	c.take(&f)
	return f, nil
}

func (c *client) next() ([]byte, error) {
	if c.events != nil {
		return c.events.next()
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	_, raw, err := c.conn.ReadMessage()
	return raw, err
}

func (c *client) take(f *frame) {
	m := c.mirror[f.Layer]
	switch f.Type {
	case "error":
		c.errors = append(c.errors, f.Code+": "+f.Message)
	case "snapshot":
		if m.reading == nil {
			m.reading = map[string]bool{}
		}
		for _, raw := range f.Features {
			var g struct {
				ID     string
				Onemap struct{ Version layers.Position }
			}
			_ = json.Unmarshal(raw, &g)
			m.features[g.ID] = kept{g.Onemap.Version, string(raw)}
			m.reading[g.ID] = true
		}
		if !f.More {
			if !f.Added {
				maps.DeleteFunc(m.features, func(id string, _ kept) bool { return !m.reading[id] })
			}
			if m.reading = nil; m.wanted == "" {
				m.cursor, m.answered = f.Cursor, true
			}
		}
	case "view":
		if m.wanted == boxText(f.BBox) {
			m.wanted = ""
		}
		maps.DeleteFunc(m.features, func(_ string, k kept) bool { return f.BBox != nil && !k.touches(f.BBox) })
	case "recovered":
		if m.wanted == "" {
			m.cursor, m.answered = f.Cursor, true
		}
	case "reset":
		m.cursor, m.reading, m.answered = "", nil, m.tiles
		if m.tiles {
			m.cursor = f.Cursor
		}
	case "tiles":
		m.cursor = f.Cursor
	case "layer":
		if f.Op == "drop" {
			delete(c.mirror, f.Layer)
		}
	case "heartbeat":
		for _, m := range c.mirror {
			if m.answered {
				m.cursor = f.Cursor
			}
		}
	case "delta":
		for _, ch := range f.Changes {
			m := c.mirror[ch.Layer]
			if m == nil {
				c.t.Errorf("a delta of layer %s, which is not subscribed: %s", ch.Layer, f.raw)
				continue
			}
			if m.cursor == "" && m.wanted == "" && !c.roams {
				c.t.Errorf("a delta of layer %s before its snapshot was whole: %s", ch.Layer, f.raw)
			}
			old, held := m.features[ch.ID]
			if held && old.version > ch.Version {
				continue
			}
			if ch.Op == "put" {
				m.features[ch.ID] = kept{ch.Version, string(ch.Feature)}
			} else {
				delete(m.features, ch.ID)
			}
			if m.answered {
				m.cursor = f.Cursor
			}
		}
	}
}

// await reads until a frame of the type comes.
func (c *client) await(kind string) frame {
	c.t.Helper()
	return c.until(kind, func(f *frame) bool { return f.Type == kind })
}

func (c *client) until(what string, ok func(*frame) bool) frame {
	c.t.Helper()
	for begin := time.Now(); ; {
		f, err := c.read()
		if err == nil && time.Since(begin) > patience {
			err = errors.New("it does not come")
		}
		if err != nil {
			c.fatalf("waiting for %s: %v\nheard %s", what, err, strings.Join(c.log[max(0, len(c.log)-20):], "; "))
		}
		if ok(&f) {
			return f
		}
	}
}

// complete reads until a heartbeat says that everything up to the cursor is here.
func (c *client) complete(upTo layers.Cursor) {
	c.t.Helper()
	c.until("a heartbeat at "+upTo.String(), func(f *frame) bool {
		if f.Type != "heartbeat" {
			return false
		}
		for _, m := range c.mirror {
			if !m.answered {
				return false
			}
		}
		at := f.cursor(c.t)
		return at.Epoch != upTo.Epoch || at.Position >= upTo.Position
	})
}

// equals compares the mirror with a fresh query.
func (c *client) equals(store layers.Store, l *layers.Layer, box *orb.Bound) {
	c.t.Helper()
	want := map[string]string{}
	q := layers.Query{Layer: l.ID, Limit: layers.MaxLimit}
	if q.BBox = box; c.filter != "" {
		e, err := cql2.ParseText(c.filter)
		if err == nil {
			q.Where, err = l.Filter(e)
		}
		if err != nil {
			c.fatalf("%v", err)
		}
	}
	for {
		page, err := store.As(layers.Owner).Query(c.t.Context(), q)
		if err != nil {
			c.fatalf("%v", err)
		}
		for _, f := range page.Features {
			want[f.ID] = string(geojson.AppendFeature(nil, c.shown.of(l.Schema), f))
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	got := c.mirror[l.ID].features
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if got[id].json != want[id] {
			c.t.Errorf(c.name+" layer %s: feature %s is\n%s\nwant\n%s", l.ID, id, got[id].json, want[id])
			return
		}
	}
	if len(got) != len(want) {
		for id := range got {
			if _, ok := want[id]; !ok {
				c.t.Errorf(c.name+" layer %s: %d features, want %d; %s is a ghost: %s", l.ID, len(got), len(want), id, got[id].json)
				return
			}
		}
	}
}

// closed reads to the end and returns the close code.
func (c *client) closed() int {
	c.t.Helper()
	for {
		_, err := c.read()
		var ce *websocket.CloseError
		switch {
		case err == nil:
		case errors.As(err, &ce):
			return ce.Code
		default:
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() {
				c.fatalf("the server does not close")
			}
			return 0
		}
	}
}

func fast(o *Options) { o.Heartbeat = 250 * time.Millisecond; o.Window = 5 * time.Millisecond }
