package main

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"
)

// routes puts the parts under their paths. Sockets stay outside of what measures
// requests: they last for weeks and need the bare connection.
func (s *server) routes(api, pages http.Handler) http.Handler {
	measured := http.NewServeMux()
	for _, path := range []string{"/api", "/api/", "/tiles/", "/signin", "/signout"} {
		measured.Handle(path, api)
	}
	measured.HandleFunc("GET /healthz", s.ready.Healthy)
	measured.HandleFunc("GET /readyz", s.ready.Ready)
	measured.Handle("GET /metrics", s.metrics.Handler(s.log))
	measured.Handle("/", pages)

	root := http.NewServeMux()
	root.Handle("/live", s.hub)
	root.Handle("/", withRoute(s.metrics.Requests(s.log, route, measured)))
	return root
}

// withRoute gives chi a place to write the pattern of the route that it chose.
func withRoute(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, chi.NewRouteContext())))
	})
}

// route names the pattern that answered.
func route(r *http.Request) string {
	if c := chi.RouteContext(r.Context()); c != nil {
		if p := c.RoutePattern(); p != "" {
			return p
		}
	}
	if r.Pattern == "/" {
		return "pages"
	}
	return r.Pattern
}
