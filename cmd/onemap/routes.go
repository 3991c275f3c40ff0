package main

import "net/http"

// routes puts the parts under their paths. Sockets stay outside of what measures
// requests: they last for weeks and need the bare connection.
func (s *server) routes(api, pages http.Handler) http.Handler {
	root := http.NewServeMux()
	root.Handle("/live", s.hub)
	measured := func(pattern string, h http.Handler) {
		root.Handle(pattern, s.metrics.Requests(s.log, route, h))
	}
	for _, path := range []string{"/api", "/api/", "/tiles/", "/signin", "/signout"} {
		measured(path, api)
	}
	measured("/api/reference", pages)
	measured("GET /healthz", http.HandlerFunc(s.ready.Healthy))
	measured("GET /readyz", http.HandlerFunc(s.ready.Ready))
	measured("GET /metrics", s.metrics.Handler(s.log))
	measured("/", pages)
	return root
}

// route names the pattern that answered.
func route(r *http.Request) string {
	if r.Pattern == "/" {
		return "pages"
	}
	return r.Pattern
}
