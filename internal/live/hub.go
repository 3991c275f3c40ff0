// Package live pushes what changes to screens: one WebSocket per screen, by the
// protocol in docs/live-protocol.md.
//
// The feed hands the hub each commit after the tiles are fresh. The hub offers it
// to the sessions that follow its layer and never waits for any of them: a session
// keeps the latest state of each feature that its screen has not been told, and
// its one writer sends them as fast as the socket takes them. What a view may
// see is decided by the store at the subscription and at each page of a snapshot,
// and by the layer's newest definition at each change.
//
// cmd imports it; it imports access, geojson and layers, and alone in onemap it
// knows WebSockets.
package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"onemap/internal/access"
	"onemap/layers"
)

// Options are what a hub needs and may be told. Zero values mean the defaults.
type Options struct {
	Store    layers.Store
	Identify func(*http.Request) (access.Identity, error)
	Log      *slog.Logger
	Now      func() time.Time // for what messages say; timers run on the system's clock
	Build    string           // told to every screen, which may load itself anew when it changes

	MaxSessions  int           // 1,000
	MaxPending   int           // features that wait for one session before layers are reset: 20,000
	MaxReplay    int           // changes replayed for a resume before it becomes a snapshot: 50,000
	Heartbeat    time.Duration // 5 s, whole seconds
	Window       time.Duration // between two frames of deltas to one session: 30 ms
	TilesEvery   time.Duration // between two notices of changed tiles of a layer: 100 ms
	WriteTimeout time.Duration // a socket that takes nothing for so long is closed: 10 s
}

func (o *Options) fill() {
	def(&o.MaxSessions, 1000)
	def(&o.MaxPending, 20_000)
	def(&o.MaxReplay, 50_000)
	def(&o.Heartbeat, 5*time.Second)
	def(&o.Window, 30*time.Millisecond)
	def(&o.TilesEvery, 100*time.Millisecond)
	def(&o.WriteTimeout, 10*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

func def[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Hub is the http.Handler of the WebSocket and a sink of the feed.
type Hub struct {
	o      Options
	reads  chan struct{}   // bounds how many sessions read the store at once
	ctx    context.Context // of every read of the store; ends when the hub has closed
	cancel context.CancelFunc

	// head is the newest position that was offered to every session; nil until
	// the first session comes. It is stored after the offers, so whoever loads it
	// and then finds nothing pending is complete up to it.
	head atomic.Pointer[layers.Cursor]

	mu        sync.Mutex // before any session's mu
	closed    bool
	sessions  map[*session]struct{}
	followers map[string]map[*session]struct{} // by layer: sessions that subscribe to it
	catalogue map[string]*layers.Layer         // every layer, whoever sees it; nil until loaded
	topics    map[string][]byte                // last message of each

	running sync.WaitGroup
	stats   counters
}

// NewHub returns a hub without sessions.
func NewHub(o Options) *Hub {
	o.fill()
	h := &Hub{
		o: o, reads: make(chan struct{}, max(2, runtime.GOMAXPROCS(0))),
		sessions: map[*session]struct{}{}, followers: map[string]map[*session]struct{}{}, topics: map[string][]byte{},
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// closing is how long sessions have to say goodbye at a shutdown.
const closing = 3 * time.Second

// Run waits for ctx to end and then tells every screen to come back later
// (1012, service restart). It returns when all sockets are closed.
func (h *Hub) Run(ctx context.Context) error {
	<-ctx.Done()
	h.mu.Lock()
	h.closed = true
	for s := range h.sessions {
		s.stop(closeRestart, "the server restarts")
	}
	h.mu.Unlock()
	done := make(chan struct{})
	go func() {
		h.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(closing):
		h.mu.Lock()
		for s := range h.sessions {
			s.cut()
		}
		h.mu.Unlock()
	}
	h.cancel()
	<-done
	return nil
}

// Broadcast sends a message to all sessions that joined the topic, and keeps it
// for those that join later. A slow screen gets the latest only.
func (h *Hub) Broadcast(topic string, message any) {
	frame, err := json.Marshal(message)
	if err != nil {
		h.o.Log.Error("a message can't be sent", "topic", topic, "error", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.topics[topic] = frame
	for s := range h.sessions {
		if s.tell(topic, frame) {
			s.wake()
		}
	}
}

// Redraw tells those who follow a layer's tiles that all of them look different,
// though nothing in it has changed: its features merge in other cells.
func (h *Hub) Redraw(layer string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	head := h.head.Load()
	if head == nil {
		return // nobody has come yet
	}
	for s := range h.followers[layer] {
		if s.redraw(layer, head.Position) {
			s.wake()
		}
	}
}

// add takes a session in, unless the hub is full or closed.
func (h *Hub) add(s *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.sessions) >= h.o.MaxSessions {
		return false
	}
	h.sessions[s] = struct{}{}
	h.running.Add(1)
	return true
}

func (h *Hub) remove(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, s)
	for layer := range h.followers {
		h.unfollow(layer, s)
	}
	h.running.Done()
}

// follow and unfollow keep the index of who subscribes to what; the caller holds mu.
func (h *Hub) follow(layer string, s *session) {
	if h.followers[layer] == nil {
		h.followers[layer] = map[*session]struct{}{}
	}
	h.followers[layer][s] = struct{}{}
}

func (h *Hub) unfollow(layer string, s *session) {
	delete(h.followers[layer], s)
	if len(h.followers[layer]) == 0 {
		delete(h.followers, layer)
	}
}
