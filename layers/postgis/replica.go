package postgis

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onemap/layers"
)

// replica answers queries and scans in the place of the primary, as long as it holds
// every change that this node has told anybody of: nobody sees the map go back, and a
// tile that is fetched on notice has what the notice was about.
type replica struct {
	pool *pgxpool.Pool
	log  *slog.Logger

	mu    sync.Mutex
	rests time.Time // it is not asked before
	quiet bool      // its trouble was logged
}

const (
	restBehind  = 10 * time.Millisecond // a replica that lags is given time
	restTrouble = time.Second
)

// usable tells whether to ask the replica, if there is one.
func (r *replica) usable() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().After(r.rests)
}

// rest notes why the replica could not answer: an error, or nil if it lags.
func (r *replica) rest(ctx context.Context, err error) {
	if ctx.Err() != nil { // the reader is gone
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	pause := restBehind
	if err != nil && !errors.Is(err, errStale) {
		pause = restTrouble
		if !r.quiet {
			r.log.Warn("the read replica does not answer; the primary does", "error", err)
		}
		r.quiet = true
	}
	r.rests = time.Now().Add(pause)
}

func (r *replica) answered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.quiet {
		r.log.Info("the read replica answers again")
	}
	r.quiet = false
}

func (r *replica) close() {
	if r != nil {
		r.pool.Close()
	}
}

// tell notes that somebody has heard of the log up to a position.
func (s *Store) tell(p layers.Position) {
	for {
		told := s.told.Load()
		if int64(p) <= told || s.told.CompareAndSwap(told, int64(p)) {
			return
		}
	}
}
