package postgis

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
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
	// A replica that is silent costs a read no more than this: for a connection that
	// answers, and then for the answer. What takes longer the primary is asked, too.
	patience       = time.Second
	answerPatience = 5 * time.Second
)

var (
	errBehind = errors.New("the replica is behind")
	errSlow   = errors.New("the replica's answer takes long")
)

// read is readFrom for a replica, if that is not behind what was told. Its position is
// asked first, apart: a replica that hangs is found out soon, and one that is behind
// reads nothing for nothing.
func (r *replica) read(ctx context.Context, told layers.Position, c *catalogue, f func(*catalogue, *pgx.Batch) error) (at layers.Position, refused, err error) {
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := r.pool.Acquire(soon)
	if err != nil {
		return 0, nil, err
	}
	defer conn.Release()
	if err := c.place(conn.QueryRow(soon, whereabouts), &at); err != nil {
		return 0, nil, err
	}
	if at < told {
		return 0, nil, errBehind
	}
	b := &pgx.Batch{}
	if refused = f(c, b); refused != nil || b.Len() == 0 {
		return at, refused, nil
	}
	answered, late := context.WithTimeoutCause(ctx, answerPatience, errSlow)
	defer late()
	if err = conn.SendBatch(answered, b).Close(); err != nil && context.Cause(answered) == errSlow {
		err = errSlow
	}
	return at, nil, err
}

// scan reads a table on the replica. It also tells whether a feature was yielded.
func (r *replica) scan(ctx context.Context, t *table, rg layers.Range, yield func(*layers.Feature, error) bool) (begun bool, err error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	silent := time.AfterFunc(answerPatience, stop)
	defer silent.Stop()
	err = t.scan(reading, r.pool, rg, func(f *layers.Feature, err error) bool {
		if !begun {
			begun = true
			silent.Stop()
		}
		return yield(f, err)
	})
	return begun, err
}

// usable tells whether to ask the replica, if there is one.
func (r *replica) usable() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if now.Before(r.rests) {
		return false
	}
	if r.quiet { // one read tries, the others need not wait with it
		r.rests = now.Add(restTrouble)
	}
	return true
}

// rest notes why the replica could not answer.
func (r *replica) rest(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, errSlow) || rowFault(err) { // the reader is gone; or it is heavy or faulty, and the replica well
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	pause := restBehind
	if !errors.Is(err, errStale) && !errors.Is(err, errBehind) {
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
