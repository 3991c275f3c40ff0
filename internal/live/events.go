package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"onemap/layers"
)

// mediaEvents is what a client accepts who wants server-sent events.
const mediaEvents = "text/event-stream"

func wantsEvents(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(strings.Join(r.Header.Values("Accept"), ","), mediaEvents)
}

// events serves a session as server-sent events: what it follows stands in the query.
// It returns when the session has ended.
func (h *Hub) events(w http.ResponseWriter, r *http.Request, s *session) {
	asked, err := eventSubscriptions(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	for _, m := range asked {
		// An answer that may be given at once is the recovered of tiles mode, or an error.
		answer := s.subscribe(&m)
		if code, message, failed := refusal(answer); failed {
			refuse(w, statusOf[code], m.Layer+": "+message)
			return
		}
		if answer != nil {
			s.mu.Lock()
			s.control = append(s.control, control{frame: answer})
			s.mu.Unlock()
		}
	}
	head := w.Header()
	head.Set("Content-Type", mediaEvents)
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no") // or nginx would collect events
	head.Set("Connection", "close")     // a deadline of this stream must not be the next request's
	w.WriteHeader(http.StatusOK)
	out := &stream{w: w, control: http.NewResponseController(w)}
	// All clients of a server that restarts come back; not all at once.
	if err := out.write([]byte("retry: " + strconv.Itoa(1000+rand.IntN(4000)) + "\n\n")); err != nil {
		return
	}
	h.o.Log.Debug("event stream opened", "who", s.identity.Name(), "from", r.RemoteAddr)
	err = s.run(out, func() error {
		select {
		case <-r.Context().Done():
		case <-s.quit:
		case <-s.ctx.Done():
		}
		return nil
	})
	h.o.Log.Debug("event stream closed", "who", s.identity.Name(), "from", r.RemoteAddr, "reason", err)
}

// eventSubscriptions reads what a stream is to follow.
func eventSubscriptions(r *http.Request) ([]message, error) {
	known := []string{"layers", "mode", "bbox", "filter", "properties", "since"}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("the query string is broken: %v", err)
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown parameter %s; one of %s", shorten(name), strings.Join(known, ", "))
		}
		if len(values) > 1 {
			return nil, fmt.Errorf("%s is given more than once", name)
		}
	}
	m := message{Mode: mode(q.Get("mode")), Since: q.Get("since")}
	if last := r.Header.Get("Last-Event-ID"); last != "" { // it comes back
		m.Since = last
	}
	if v := q.Get("filter"); v != "" {
		m.Filter = json.RawMessage(v)
		if !strings.HasPrefix(strings.TrimSpace(v), "{") {
			m.Filter, _ = json.Marshal(v)
		}
	}
	if q.Has("properties") { // none, if it is empty
		m.Properties = strings.FieldsFunc(q.Get("properties"), func(c rune) bool { return c == ',' || c == ' ' })
	}
	if v := q.Get("bbox"); v != "" {
		for part := range strings.SplitSeq(v, ",") {
			f, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
			if err != nil {
				return nil, fmt.Errorf("bbox: %q is not a number", shorten(part))
			}
			m.BBox = append(m.BBox, f)
		}
	}
	var all []message
	for id := range strings.SplitSeq(q.Get("layers"), ",") {
		if id = strings.TrimSpace(id); id == "" {
			return nil, fmt.Errorf("layers: name the layers to follow, with commas between them")
		}
		one := m
		one.Layer = id
		all = append(all, one)
	}
	return all, nil
}

// statusOf is how a refused subscription is answered before a stream has begun.
var statusOf = map[layers.Code]int{
	layers.Invalid: http.StatusBadRequest, layers.NotFound: http.StatusNotFound,
	layers.TooLarge: http.StatusBadRequest, layers.Unavailable: http.StatusServiceUnavailable,
}

// refusal reads an error frame.
func refusal(frame []byte) (code layers.Code, message string, failed bool) {
	var e struct {
		Type    string
		Code    layers.Code
		Message string
	}
	if frame == nil || json.Unmarshal(frame, &e) != nil || e.Type != "error" {
		return "", "", false
	}
	return e.Code, e.Message, true
}

// stream is the wire of server-sent events. Each frame is an event named by its type.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buf     []byte
}

func (s *stream) send(frame []byte, cursor string, patience time.Duration) error {
	b := append(s.buf[:0], "event: "...)
	b = append(b, kindOf(frame)...)
	if cursor != "" {
		b = append(append(b, "\nid: "...), cursor...)
	}
	for line := range bytes.Lines(frame) { // an attribute's own JSON may have several
		b = append(append(b, "\ndata: "...), bytes.TrimRight(line, "\r\n")...)
	}
	s.buf = append(b, "\n\n"...)
	_ = s.control.SetWriteDeadline(time.Now().Add(patience))
	return s.write(s.buf)
}

// kindOf returns a frame's type, which is its first member.
func kindOf(frame []byte) []byte {
	kind := bytes.TrimPrefix(frame, []byte(`{"type":"`))
	return kind[:max(0, bytes.IndexByte(kind, '"'))]
}

func (s *stream) write(b []byte) error {
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.control.Flush()
}

// ping does nothing: heartbeats are events.
func (s *stream) ping(time.Duration) error { return nil }

// bye says nothing: whoever loses the stream comes back by itself, with the last id.
func (s *stream) bye(int, string, <-chan struct{}) error { return nil }

func (s *stream) end(_, _ <-chan struct{}) {}

func (s *stream) hurry() { _ = s.control.SetWriteDeadline(time.Now().Add(goodbye)) }

func (s *stream) cut() { _ = s.control.SetWriteDeadline(time.Now()) }
