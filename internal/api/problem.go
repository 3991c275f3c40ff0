package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"onemap/internal/access"
	"onemap/layers"
)

// problem is the body of every error (RFC 9457).
type problem struct {
	Type       string             `json:"type"`
	Title      string             `json:"title"`
	Status     int                `json:"status"`
	Detail     string             `json:"detail,omitempty"`
	Instance   string             `json:"instance,omitempty"` // names the request in the server's log
	Violations []layers.Violation `json:"violations,omitempty"`
}

// statusOf is the one table from the core's codes to HTTP.
var statusOf = map[layers.Code]int{
	layers.Invalid:      http.StatusBadRequest,
	layers.NotFound:     http.StatusNotFound,
	layers.Conflict:     http.StatusConflict,
	layers.Precondition: http.StatusPreconditionFailed,
	layers.Forbidden:    http.StatusForbidden,
	layers.Unauthorized: http.StatusUnauthorized,
	layers.Unavailable:  http.StatusServiceUnavailable,
	layers.Expired:      http.StatusGone,
	layers.TooLarge:     http.StatusRequestEntityTooLarge,
	layers.Internal:     http.StatusInternalServerError,
}

// httpError is an error that only HTTP knows.
type httpError struct {
	status int
	detail string
	header http.Header
}

func (e *httpError) Error() string { return e.detail }

// handle turns a handler's error into a problem.
func (a *api) handle(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		switch over := r.Context().Err(); {
		case errors.Is(over, context.Canceled):
			panic(http.ErrAbortHandler) // nobody is there to read an answer
		case over != nil: // whatever a store makes of it
			a.fail(w, r, &layers.Error{Code: layers.Unavailable, Message: "it took too long", Cause: err})
		default:
			a.fail(w, r, err)
		}
	}
}

func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	p, header := problemOf(err)
	p.Instance = "urn:onemap:request:" + w.Header().Get(requestIDHeader)
	if p.Status >= 500 {
		a.Log.Error("a request failed", "request", w.Header().Get(requestIDHeader), "method", r.Method, "path", r.URL.Path, "status", p.Status, "err", causes(err))
	}
	if begun(w) {
		panic(http.ErrAbortHandler) // part of a good answer is out: cut it off visibly
	}
	for name, values := range header {
		w.Header()[name] = values
	}
	writeProblem(w, p)
}

func problemOf(err error) (problem, http.Header) {
	header := http.Header{}
	p := problem{Type: "about:blank", Status: http.StatusInternalServerError}
	var h *httpError
	var e *layers.Error
	switch {
	case errors.As(err, &h):
		p.Status, p.Detail, header = h.status, h.detail, h.header
	case errors.As(err, &e):
		if status, ok := statusOf[e.Code]; ok {
			p.Status = status
		}
		p.Detail, p.Violations = e.Message, e.Violations
	case errors.Is(err, context.DeadlineExceeded):
		p.Status = http.StatusServiceUnavailable
	}
	switch p.Status {
	case http.StatusInternalServerError:
		// The message was not written for the sender; it may name files or SQL.
		p.Detail, p.Violations = "the server made a mistake; its log has the details", nil
	case http.StatusServiceUnavailable:
		p.Detail = unavailable(e)
		header.Set("Retry-After", "1")
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", `Bearer realm="onemap"`)
	}
	p.Title = http.StatusText(p.Status)
	return p, header
}

// unavailable names the cause as far as the message was written for the sender: one
// with the cause's own words in it may name files or SQL.
func unavailable(e *layers.Error) string {
	if e == nil || e.Cause != nil && strings.Contains(e.Message, e.Cause.Error()) {
		return "the server can't answer just now; try again in a moment"
	}
	return e.Message + "; try again in a moment"
}

func writeProblem(w http.ResponseWriter, p problem) {
	h := w.Header()
	for _, name := range []string{"Content-Encoding", "Content-Length", "ETag", positionHeader, "Location", "Content-Disposition", "Link"} {
		h.Del(name)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(p)
}

// causes writes the whole chain: an Error's own text leaves its cause out.
func causes(err error) string {
	text := err.Error()
	for err = errors.Unwrap(err); err != nil; err = errors.Unwrap(err) {
		if cause := err.Error(); !strings.Contains(text, cause) {
			text += ": " + cause
		}
	}
	return text
}

func invalid(message string, violations ...layers.Violation) error {
	return &layers.Error{Code: layers.Invalid, Message: message, Violations: violations}
}

func notFound(_ http.ResponseWriter, r *http.Request) error {
	return layers.Errorf(layers.NotFound, "there is nothing at %s; /api lists what there is", shorten(r.URL.Path))
}

var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// methodNotAllowed answers every other method, and OPTIONS, by naming the ones
// that the route has (/req/create-replace-delete/options-op, and CORS).
func (a *api) methodNotAllowed(w http.ResponseWriter, r *http.Request) error {
	path := r.URL.Path
	if rctx := chi.RouteContext(r.Context()); rctx != nil && rctx.RoutePath != "" {
		path = rctx.RoutePath
	} else if r.URL.RawPath != "" {
		path = r.URL.RawPath
	}
	var allowed []string
	for _, m := range methods {
		probe := m
		if m == http.MethodHead {
			probe = http.MethodGet
		}
		if m == http.MethodOptions || a.routes.Match(chi.NewRouteContext(), probe, path) {
			allowed = append(allowed, m)
		}
	}
	allow := strings.Join(allowed, ", ")
	w.Header().Set("Allow", allow)
	if r.Method != http.MethodOptions {
		return &httpError{status: http.StatusMethodNotAllowed, detail: "this resource knows " + allow}
	}
	if r.Header.Get("Access-Control-Request-Method") != "" && slices.Contains(allowed, http.MethodGet) {
		// Public data are for every page; credentials are not, so neither are writes.
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "Accept, If-None-Match")
		h.Set("Access-Control-Max-Age", "86400")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// mayWrite is what a handler that writes asks first, after it has found the layer.
func (a *api) mayWrite(r *http.Request) error {
	id := access.From(r.Context())
	switch {
	case !id.SignedIn():
		return layers.Errorf(layers.Unauthorized, "writing needs the writer's token: send Authorization: Bearer TOKEN")
	case id.Wall || !id.View.CanWrite():
		return layers.Errorf(layers.Forbidden, "the %s view is read-only; writing needs the writer's token", id.Name())
	case id.ByCookie:
		if err := a.cross.Check(r); err != nil {
			return layers.Errorf(layers.Forbidden, "a page of another site may not write; programs send Authorization: Bearer TOKEN")
		}
	}
	return nil
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}
