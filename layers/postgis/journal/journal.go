package journal

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"onemap/layers"
)

// DB is the connection pool that a Journal reads with.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Options are what may be chosen. Zero values mean the defaults.
type Options struct {
	Log       *slog.Logger
	Interval  time.Duration // between two looks into the outbox; default 25 ms
	Retention Retention
	// Outbox is how many changes are captured while nobody moves them. Beyond
	// that nothing is, and the next mover starts a new epoch. Default 1,000,000.
	Outbox int64
	// Bulk is how many changes of one layer in one transaction are still told one
	// by one; a larger one is a reset of the layer. Default 150,000.
	Bulk int
	// Unarmed does without triggers on a layer's table. It is called when for some
	// seconds this role may not set them. It must not wait for the mover. Default: nothing.
	Unarmed func(ctx context.Context, layer string) error
}

// Retention says how much of the log is kept.
type Retention struct {
	Changes int64         // default 500,000
	Age     time.Duration // default 7 days
}

func (o *Options) defaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Interval <= 0 {
		o.Interval = 25 * time.Millisecond
	}
	if o.Retention.Changes <= 0 {
		o.Retention.Changes = 500_000
	}
	if o.Retention.Age <= 0 {
		o.Retention.Age = 7 * 24 * time.Hour
	}
	if o.Outbox <= 0 {
		o.Outbox = 1_000_000
	}
	if o.Unarmed == nil {
		o.Unarmed = func(context.Context, string) error { return nil }
	}
	if o.Bulk <= 0 {
		o.Bulk = 150_000
	}
}

// Journal is one node's access to the log, and its candidate for the mover.
type Journal struct {
	db      DB
	config  *pgx.ConnConfig
	options Options
	nudge   chan struct{}

	mu    sync.Mutex
	news  chan struct{} // closed and replaced when the log has grown
	stats Stats
}

// Stats is what the node knows of the mover.
type Stats struct {
	Leader bool          // this node moves
	Moved  int64         // changes that this node has moved
	Lag    time.Duration // from a change's writing to its place in the log, the longest of the last batch, 0 when nothing waits; leader only
}

// Open returns a journal over a prepared database. Besides the pool it uses two
// connections of its own, because it needs them most when the pool is exhausted;
// they must not go through a pooler that shares sessions.
func Open(db DB, config *pgx.ConnConfig, o Options) *Journal {
	o.defaults()
	return &Journal{db: db, config: config.Copy(), options: o, nudge: make(chan struct{}, 1), news: make(chan struct{})}
}

// Run listens to the mover, and is the mover when it is elected, until the context
// ends. It outlives the server's restarts: it logs what goes wrong and tries again.
func (j *Journal) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return j.again(ctx, "listen to the mover", j.listen) })
	g.Go(func() error { return j.again(ctx, "move changes to the log", j.lead) })
	return g.Wait()
}

// Nudge makes the mover look now, if it is on this node.
func (j *Journal) Nudge() {
	select {
	case j.nudge <- struct{}{}:
	default:
	}
}

// Stats returns what the node knows of the mover.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stats
}

// again runs f, on a connection of its own, for ever.
func (j *Journal) again(ctx context.Context, what string, f func(context.Context, *pgx.Conn) error) error {
	const pause = 250 * time.Millisecond // at most this is added to a takeover
	for quiet := false; ; {
		err := j.connected(ctx, f)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !quiet {
			j.options.Log.Warn("could not "+what+", trying on", "error", err)
		}
		quiet = err != nil // once is enough while the server is away
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

func (j *Journal) connected(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	config := j.config.Copy()
	config.ConnectTimeout = 5 * time.Second
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing) // broken or not, we are done with it
	}()
	return f(ctx, conn)
}

// listen wakes those who wait when a mover, on whatever node, has moved something.
func (j *Journal) listen(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "LISTEN onemap_log"); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	j.wake() // something may have come before we listened
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		j.wake()
	}
}

func (j *Journal) wake() {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.news)
	j.news = make(chan struct{})
}

// growth returns a channel that is closed when the log grows next.
func (j *Journal) growth() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.news
}

// unavailable says what the caller can do about an error of the database.
func unavailable(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return layers.Errorf(layers.Unavailable, "%s: the database does not answer: %w", what, err)
}
