package telemetry

import (
	"encoding/json"
	"net/http"
	"sync"
)

// Readiness is what the server is still waiting for before it can answer.
// Steps are finished in any order.
type Readiness struct {
	mu      sync.Mutex
	pending []step
}

type step struct {
	Name   string `json:"name"`
	Detail string `json:"detail,omitempty"`
}

// NewReadiness returns a state that is ready once all the steps are done.
func NewReadiness(steps ...string) *Readiness {
	r := &Readiness{}
	for _, s := range steps {
		r.pending = append(r.pending, step{Name: s})
	}
	return r
}

// Progress says how far a step is.
func (r *Readiness) Progress(name, detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.pending {
		if r.pending[i].Name == name {
			r.pending[i].Detail = detail
		}
	}
}

// Done finishes a step.
func (r *Readiness) Done(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.pending {
		if r.pending[i].Name == name {
			r.pending = append(r.pending[:i:i], r.pending[i+1:]...)
			return
		}
	}
}

// Stopping makes the server not ready for good, so that a balancer turns away.
func (r *Readiness) Stopping() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = []step{{Name: "stopping"}}
}

// Ready answers /readyz: 200 when nothing is pending, else 503 and what is.
func (r *Readiness) Ready(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	body := struct {
		Ready   bool   `json:"ready"`
		Waiting []step `json:"waiting,omitempty"`
	}{len(r.pending) == 0, append([]step(nil), r.pending...)}
	r.mu.Unlock()
	status := http.StatusOK
	if !body.Ready {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	}
	answer(w, status, body)
}

// Healthy answers /healthz: the process runs and serves.
func (r *Readiness) Healthy(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
