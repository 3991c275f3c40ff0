package live

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"onemap/internal/access"
	"onemap/layers"
)

// Close codes that the server uses.
const (
	closeUnsupported = websocket.CloseUnsupportedData   // 1003
	closeInternal    = websocket.CloseInternalServerErr // 1011
	closeRestart     = websocket.CloseServiceRestart    // 1012
)

const (
	writeBuffer      = 64 << 10 // bytes in the kernel; a large one would hide megabytes of stale positions from us
	maxReplies       = 64       // answers that wait before the reader stops reading
	maxSubscriptions = 512      // layers that one session may follow
	goodbye          = time.Second
)

// session is one screen's connection. The reader carries out what the screen
// asks, the writer alone writes; what they and the hub share is guarded by mu.
type session struct {
	h        *Hub
	identity access.Identity
	ctx      context.Context // ends with the session
	cancel   context.CancelFunc
	limit    *rate.Limiter
	wakeup   chan struct{} // there is something to write
	slots    chan struct{} // one for each answer that waits
	readDone chan struct{} // the reader has ended
	quit     chan struct{} // the server wants to close

	mu         sync.Mutex
	wire       wire
	subs       map[string]*subscription
	pending    int // features in all queues
	generation uint64
	control    []control
	topics     map[string][]byte // joined; the message to send, or nil
	beat       bool              // a heartbeat was asked for
	code       int               // how to close, once quit is closed
	text       string
}

// control is a frame that is sent before any delta: an answer, or a notice.
type control struct {
	frame  []byte
	notice notice // of the catalogue, if frame is nil
	slot   bool   // holds one of the session's slots
}

// notice tells that a layer was defined or dropped.
type notice struct{ layer, op string }

func newSession(h *Hub, identity access.Identity) *session {
	s := &session{
		h: h, identity: identity, limit: rate.NewLimiter(50, 200), wakeup: make(chan struct{}, 1),
		slots: make(chan struct{}, maxReplies), readDone: make(chan struct{}), quit: make(chan struct{}),
		subs: map[string]*subscription{}, topics: map[string][]byte{},
	}
	s.ctx, s.cancel = context.WithCancel(h.ctx)
	return s
}

// run serves the client until either side ends it. read carries out what it sends and
// returns when it is gone.
func (s *session) run(w wire, read func() error) error {
	s.mu.Lock()
	s.wire = w
	s.mu.Unlock()
	written := make(chan error, 1)
	go func() {
		err := s.write()
		s.cancel()
		w.end(s.readDone, s.quit)
		written <- err
	}()
	err := read()
	close(s.readDone)
	return errors.Join(err, <-written)
}

// stop asks the writer to close with a code and a reason. Only the first call
// counts.
func (s *session) stop(code int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code != 0 {
		return
	}
	s.code, s.text = code, text
	close(s.quit)
	if s.wire != nil { // a write that is stuck must not keep us
		s.wire.hurry()
	}
}

// cut closes the connection at once.
func (s *session) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wire != nil {
		s.wire.cut()
	}
}

func (s *session) wake() {
	select {
	case s.wakeup <- struct{}{}:
	default:
	}
}

// offer hands a change to the session's subscription of its layer. If too much
// waits, the layer with the most is reset: it will be read anew when the screen
// takes it.
func (s *session) offer(e *event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.subs[e.layer.ID]
	if sub == nil || sub.state == resuming {
		return
	}
	s.pending += sub.offer(e)
	for s.pending > s.h.o.MaxPending {
		largest := sub
		for _, other := range s.subs {
			if other.queue.len() > largest.queue.len() {
				largest = other
			}
		}
		s.restart(largest, reasonOverflow)
	}
}

// restart resets a subscription; the caller holds mu.
func (s *session) restart(sub *subscription, reason string) {
	s.pending -= sub.queue.len()
	s.generation++
	sub.restart(reason, s.generation)
	s.h.stats.resets.Add(1)
}

// reset restarts the subscription of a layer.
func (s *session) reset(layer, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub := s.subs[layer]; sub != nil {
		s.restart(sub, reason)
	}
}

// redraw marks all tiles of a layer as changed, if the session follows them.
func (s *session) redraw(layer string, head layers.Position) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.subs[layer]
	if sub == nil || sub.mode != tiles {
		return false
	}
	sub.boxes.everything(head)
	return true
}

// resetAll restarts every subscription.
func (s *session) resetAll(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.subs {
		s.restart(sub, reason)
	}
}

// drop ends a subscription and forgets what waits; the caller holds mu.
func (s *session) drop(layer string) bool {
	sub := s.subs[layer]
	if sub == nil {
		return false
	}
	s.pending -= sub.queue.len()
	delete(s.subs, layer)
	return true
}

// redefined tells the session that a layer it sees has a new definition.
func (s *session) redefined(l *layers.Layer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(notice{l.ID, "define"})
	if sub := s.subs[l.ID]; sub != nil {
		if !sameColumns(sub.layer.Schema, l.Schema) {
			s.restart(sub, reasonReplaced)
		}
		if err := sub.follows(l); err != nil {
			s.control = append(s.control, control{frame: errorFrame(layers.Invalid, "the subscription does not fit the layer as it is now: "+personal(err), l.ID)})
			s.drop(l.ID)
			s.h.unfollow(l.ID, s) // the caller holds the hub's mu
		}
	}
}

// lost tells the session that a layer is gone, or gone from its sight. What
// waited of it is forgotten here and never sent.
func (s *session) lost(layer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(layer)
	s.note(notice{layer, "drop"})
}

// note queues a notice. Of each layer at most a drop and then a define wait; the
// caller holds mu.
func (s *session) note(n notice) {
	kept := s.control[:0]
	for _, c := range s.control {
		same := c.frame == nil && c.notice.layer == n.layer
		if same && (n.op == "drop" || c.notice.op == n.op) {
			continue
		}
		kept = append(kept, c)
	}
	clear(s.control[len(kept):])
	s.control = append(kept, control{notice: n})
}

// tell hands over a topic's message. A later one replaces it until it is sent.
func (s *session) tell(topic string, frame []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, joined := s.topics[topic]; !joined {
		return false
	}
	s.topics[topic] = frame
	return true
}
