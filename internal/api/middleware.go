package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"onemap/internal/access"
)

const (
	requestIDHeader = "X-Request-Id"
	positionHeader  = "Onemap-Position"
)

// trace gives every request an id and a time, logs how it went, and turns a panic
// into a problem. What it logs has no query: a sign-in link carries a token there.
//
// It leaves the route's pattern in r.Pattern, for whoever measures outside.
func (a *api) trace(next http.Handler) http.HandlerFunc {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := a.Now()
		id := rand.Text()
		w.Header().Set(requestIDHeader, id)
		sw := &statusWriter{ResponseWriter: w}
		route, who := a.contexts.Get().(*chi.Context), &access.Identity{}
		route.Reset()
		route.Routes = a.routes
		defer a.contexts.Put(route)
		ctx := newBounded(access.With(context.WithValue(r.Context(), chi.RouteCtxKey, route), who), a.Timeout)
		defer ctx.end()
		defer func() {
			p := recover()
			if pattern := route.RoutePattern(); pattern != "" {
				r.Pattern = pattern
			}
			if p != nil && p != http.ErrAbortHandler {
				a.Log.Error("a request panicked", "request", id, "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if sw.status != 0 {
					p = http.ErrAbortHandler
				} else {
					body, _ := problemOf(fmt.Errorf("panic"))
					body.Instance = "urn:onemap:request:" + id
					writeProblem(sw, body)
					p = nil
				}
			}
			if a.Log.Enabled(ctx, slog.LevelDebug) { // what it tells costs more than asking
				a.Log.Debug("answered", "request", id, "method", r.Method, "path", r.URL.Path, "route", r.Pattern,
					"view", who.Name(), "status", sw.status, "took", a.Now().Sub(start).Round(time.Microsecond))
			}
			if p != nil {
				panic(p)
			}
		}()
		next.ServeHTTP(sw, r.WithContext(ctx))
	})
}

// Values of headers that most answers have, made once. Nobody writes into them.
var (
	varyBy       = []string{"Authorization, Cookie, Accept, Accept-Encoding"}
	tilesVaryBy  = []string{"Authorization, Cookie, Accept-Encoding"}
	noSniff      = []string{"nosniff"}
	mayKeep      = []string{"no-cache"}
	mayKeepAlone = []string{"private, no-cache"}
	anyOrigin    = []string{"*"}
	exposed      = []string{"ETag, Link, Content-Disposition, " + positionHeader + ", " + requestIDHeader}
)

// headers are those that every answer has.
func (a *api) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Vary"], h["X-Content-Type-Options"] = varyBy, noSniff
		if ofTile(r.URL.Path) {
			h["Vary"] = tilesVaryBy
		}
		next.ServeHTTP(w, r)
	})
}

// identify finds out who asks, and what caches may do with the answer.
func (a *api) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Cache-Control"] = mayKeepAlone
		id, err := a.Tokens.Identify(r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		access.Settle(r.Context(), id)
		if !id.SignedIn() {
			h["Cache-Control"] = mayKeep
			if read := r.Method == http.MethodGet || r.Method == http.MethodHead; read && !strings.HasPrefix(r.URL.Path, "/sign") {
				h["Access-Control-Allow-Origin"], h["Access-Control-Expose-Headers"] = anyOrigin, exposed
			}
		}
		next.ServeHTTP(w, r)
	})
}

// stripSlash lets /api/ and the like mean the same as without the slash. An
// escaped slash at the end belongs to a feature's id.
func stripSlash(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rctx := chi.RouteContext(r.Context())
		if path := r.URL.EscapedPath(); rctx != nil && rctx.RoutePath == "" && len(path) > 1 && strings.HasSuffix(path, "/") {
			if r.URL.RawPath == "" {
				path = r.URL.Path
			}
			rctx.RoutePath = strings.TrimSuffix(path, "/")
		}
		next.ServeHTTP(w, r)
	})
}

// statusWriter remembers whether an answer has begun.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController set deadlines.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
