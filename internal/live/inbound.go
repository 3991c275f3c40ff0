package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/gorilla/websocket"
	"github.com/paulmach/orb"

	"onemap/internal/cql2"
	"onemap/layers"
)

// maxMessage is the largest message that a screen may send, in bytes.
const maxMessage = 16 << 10

// minSilence is how long a screen that shows no sign of life is kept, at least: a
// slow one answers pings only when it has read what came before them.
const minSilence = 30 * time.Second

// TopicWall is what walls listen to: which scene is on.
const TopicWall = "wall"

// message is what a screen sends.
type message struct {
	Type  string    `json:"type"`
	Layer string    `json:"layer"`
	Mode  mode      `json:"mode"`
	Since string    `json:"since"`
	BBox  []float64 `json:"bbox"`
	Topic string    `json:"topic"`

	Filter     json.RawMessage `json:"filter"`     // CQL2: a string, or the JSON encoding
	Properties []string        `json:"properties"` // that features are to have; nil: all
}

// read carries out what the screen sends until the connection ends.
func (s *session) read(conn *websocket.Conn) error {
	silence := max(minSilence, 6*s.h.o.Heartbeat) // a pong comes for every second heartbeat
	alive := func() error { return conn.SetReadDeadline(time.Now().Add(silence)) }
	_ = alive()
	conn.SetReadLimit(maxMessage)
	conn.SetPongHandler(func(string) error { return alive() })
	conn.SetPingHandler(func(data string) error {
		if err := s.limit.Wait(s.ctx); err != nil {
			return err
		}
		_ = conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(goodbye))
		return alive()
	})
	for {
		kind, r, err := conn.NextReader()
		if err != nil {
			return err
		}
		if kind != websocket.TextMessage {
			s.stop(closeUnsupported, "text frames only")
			return errors.New("the screen sent a binary frame")
		}
		// The read limit counts bytes on the wire. Nothing inflates here, as no
		// compression was agreed on; this bound holds should that ever change.
		raw, err := io.ReadAll(io.LimitReader(r, maxMessage+1))
		if err != nil {
			return err
		}
		_ = alive()
		if err := s.accept(raw); err != nil {
			return err
		}
	}
}

// accept carries out one message. A screen that sends faster than it may, or
// does not read its answers, is read more slowly.
func (s *session) accept(raw []byte) error {
	if err := s.limit.Wait(s.ctx); err != nil {
		return err
	}
	select {
	case s.slots <- struct{}{}:
	case <-s.quit:
		return errors.New("closing")
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
	answer := s.handle(raw)
	if answer == nil {
		<-s.slots
	} else {
		s.mu.Lock()
		s.control = append(s.control, control{frame: answer, slot: true})
		s.mu.Unlock()
	}
	s.wake()
	return nil
}

// handle carries out a message and returns the answer that is due at once, if any.
func (s *session) handle(raw []byte) []byte {
	var m message
	if err := json.Unmarshal(raw, &m); err != nil {
		return errorFrame(layers.Invalid, "not a message of this protocol: "+err.Error(), "")
	}
	switch m.Type {
	case "subscribe":
		return s.subscribe(&m)
	case "setView":
		return s.setView(&m)
	case "unsubscribe":
		s.unsubscribe(m.Layer)
		return nil
	case "join":
		return s.join(m.Topic)
	case "leave":
		s.mu.Lock()
		delete(s.topics, m.Topic)
		s.mu.Unlock()
		return nil
	case "ping":
		s.mu.Lock()
		s.beat = true
		s.mu.Unlock()
		return nil
	}
	return errorFrame(layers.Invalid, fmt.Sprintf("unknown message type %q", shorten(m.Type)), "")
}

func (s *session) subscribe(m *message) []byte {
	sub := &subscription{mode: m.Mode, state: reading}
	fail := func(code layers.Code, reason string) []byte { return errorFrame(code, reason, shorten(m.Layer)) }
	switch m.Mode {
	case "":
		sub.mode = features
	case features, tiles:
	default:
		return fail(layers.Invalid, `mode is neither "features" nor "tiles"`)
	}
	if m.BBox != nil {
		box, err := parseBBox(m.BBox)
		if err != nil {
			return fail(layers.Invalid, err.Error())
		}
		if sub.mode == features { // tiles are told with their places, whoever looks where
			sub.bbox = &box
		}
	}
	if len(m.Filter) > 0 && string(m.Filter) != "null" && sub.mode == features {
		var err error
		if sub.filter, err = parseFilter(m.Filter); err != nil {
			return fail(layers.Invalid, personal(err))
		}
	}
	if sub.mode == features {
		sub.shown = newProperties(m.Properties)
	}
	if m.Since != "" {
		var err error
		if sub.since, err = layers.ParseCursor(m.Since); err != nil {
			return fail(layers.Invalid, err.Error())
		}
		sub.state = resuming
	}
	// The store is asked, not the hub's catalogue: a layer that was just defined
	// may not have been announced.
	entry, err := s.h.o.Store.As(s.identity.View).Layer(s.ctx, m.Layer)
	switch code := layers.CodeOf(err); {
	case err == nil:
	case code == layers.NotFound:
		return fail(code, noSuchLayer)
	default:
		s.h.o.Log.Error("a layer can't be read", "layer", m.Layer, "error", err)
		return fail(layers.Unavailable, "the layer can't be read, try again")
	}
	if err := sub.follows(entry.Layer); err != nil {
		return fail(layers.Invalid, personal(err))
	}
	return s.follow(sub)
}

// parseFilter reads CQL2 in either encoding.
func parseFilter(raw json.RawMessage) (cql2.Expr, error) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		e, err := cql2.ParseJSON(raw)
		if err != nil {
			err = layers.UnfitFilter(err)
		}
		return e, err
	}
	e, err := cql2.ParseText(text)
	if err != nil {
		err = layers.UnfitFilter(err)
	}
	return e, err
}

// noSuchLayer is said of layers that do not exist and of those that this view
// does not see: nobody may learn the difference.
const noSuchLayer = "there is no such layer"

// follow puts a subscription in place, instead of an older one of its layer.
func (s *session) follow(sub *subscription) []byte {
	id := sub.layer.ID
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	if announced := s.h.catalogue[id]; announced != nil {
		// It may be newer than what the store said a moment ago. If it is older and
		// still closed, the definition that opens it is about to be announced.
		if !s.identity.View.Sees(announced) {
			return errorFrame(layers.NotFound, noSuchLayer, id)
		}
		if err := sub.follows(announced); err != nil {
			return errorFrame(layers.Invalid, personal(err), id)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(id)
	if len(s.subs) >= maxSubscriptions {
		return errorFrame(layers.TooLarge, fmt.Sprintf("at most %d layers in one session", maxSubscriptions), id)
	}
	s.generation++
	sub.generation = s.generation
	s.subs[id] = sub
	s.h.follow(id, s)
	if sub.mode == tiles && sub.state == reading {
		sub.state = current
		return recoveredFrame(id, *s.h.head.Load())
	}
	sub.from = sub.since
	return nil // the writer answers
}

// setView moves what a subscription looks at.
func (s *session) setView(m *message) []byte {
	fail := func(code layers.Code, reason string) []byte { return errorFrame(code, reason, shorten(m.Layer)) }
	var box *orb.Bound
	if m.BBox != nil {
		b, err := parseBBox(m.BBox)
		if err != nil {
			return fail(layers.Invalid, err.Error())
		}
		box = &b
	}
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.subs[m.Layer]
	switch {
	case sub == nil:
		return fail(layers.NotFound, "this session does not follow the layer; subscribe to it")
	case sub.mode == tiles:
		return fail(layers.Invalid, "tiles are told with their places, whoever looks where")
	}
	at := *s.h.head.Load()
	if sub.queue.front != nil {
		at.Position = min(at.Position, sub.queue.front.before)
	}
	s.generation++
	sub.look(box, at, s.generation)
	return nil
}

func (s *session) unsubscribe(layer string) {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.h.unfollow(layer, s)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(layer)
}

// join adds the session to a topic and hands it the topic's last message.
func (s *session) join(topic string) []byte {
	if topic != TopicWall {
		return errorFrame(layers.NotFound, fmt.Sprintf("there is no topic %q", shorten(topic)), "")
	}
	if !s.identity.Wall && !s.identity.SignedIn() {
		return errorFrame(layers.Forbidden, "the wall's topic is for the wall and for officials", "")
	}
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.topics[topic] = s.h.topics[topic]
	return nil
}

// parseBBox reads [west, south, east, north] in CRS84 degrees.
func parseBBox(v []float64) (orb.Bound, error) {
	if len(v) != 4 {
		return orb.Bound{}, errors.New("bbox is not [west, south, east, north]")
	}
	west, south, east, north := v[0], v[1], v[2], v[3]
	if math.Abs(west) > 180 || math.Abs(east) > 180 || math.Abs(south) > 90 || math.Abs(north) > 90 || west > east || south > north {
		return orb.Bound{}, errors.New("bbox is not [west, south, east, north] in degrees, west <= east and south <= north")
	}
	return orb.Bound{Min: orb.Point{west, south}, Max: orb.Point{east, north}}, nil
}

func shorten(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
