package live

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/websocket"

	"onemap/layers"
)

// Subprotocol is the version of the protocol that both ends name.
const Subprotocol = "onemap.live.v1"

// ServeHTTP turns the request into a session and returns when it has ended.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asEvents := !websocket.IsWebSocketUpgrade(r) && wantsEvents(r)
	if !websocket.IsWebSocketUpgrade(r) && !asEvents {
		w.Header().Set("Upgrade", "websocket")
		refuse(w, http.StatusUpgradeRequired, "this address speaks WebSocket, subprotocol "+Subprotocol+", and server-sent events (Accept: "+mediaEvents+")")
		return
	}
	if !sameOrigin(r) {
		refuse(w, http.StatusForbidden, "the page that asks is not from this server")
		return
	}
	identity, err := h.o.Identify(r)
	if err != nil {
		status := http.StatusInternalServerError
		if layers.CodeOf(err) == layers.Unauthorized {
			status = http.StatusUnauthorized
			w.Header().Set("WWW-Authenticate", "Bearer")
		} else {
			h.o.Log.Error("a live session can't be identified", "error", err)
		}
		refuse(w, status, personal(err))
		return
	}
	if !asEvents && !slices.Contains(websocket.Subprotocols(r), Subprotocol) {
		refuse(w, http.StatusBadRequest, "offer the subprotocol "+Subprotocol+" (Sec-WebSocket-Protocol)")
		return
	}
	if err := h.load(r.Context()); err != nil {
		h.o.Log.Error("the live hub can't read the catalogue", "error", err)
		refuse(w, http.StatusServiceUnavailable, "the store does not answer, try again")
		return
	}
	s := newSession(h, identity)
	defer s.cancel()
	if !h.add(s) { // before the upgrade, so that a full server answers in HTTP
		h.stats.refused.Add(1)
		refuse(w, http.StatusServiceUnavailable, "too many live sessions, try again")
		return
	}
	defer h.remove(s)
	if asEvents {
		h.events(w, r, s)
		return
	}
	// No compression: what others send is then never larger than it looks, and a
	// wall's frames are not worth the processor's time on a local network.
	up := websocket.Upgrader{
		ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10, Subprotocols: []string{Subprotocol},
		CheckOrigin: func(*http.Request) bool { return true }, // done above
		Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
			refuse(w, status, reason.Error())
		},
	}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	h.o.Log.Debug("live session opened", "who", identity.Name(), "from", r.RemoteAddr)
	err = s.run(newSocket(conn), func() error { return s.read(conn) })
	h.o.Log.Debug("live session closed", "who", identity.Name(), "from", r.RemoteAddr, "reason", err)
}

// sameOrigin keeps other sites' pages from using a visitor's cookie. Programs
// send no Origin.
func sameOrigin(r *http.Request) bool {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true
	}
	u, err := url.Parse(origins[0])
	return len(origins) == 1 && err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// personal is the part of an error that is meant for the one who asked.
func personal(err error) string {
	var e *layers.Error
	if errors.As(err, &e) && e.Code != layers.Internal {
		return e.Error()
	}
	return "something went wrong on the server"
}

// refuse answers with a problem document (RFC 9457).
func refuse(w http.ResponseWriter, status int, detail string) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "5")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"about:blank", http.StatusText(status), status, detail})
}
