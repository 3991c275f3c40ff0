// Package feed is the one reader of the change log in a server. It hands whole
// commits to its sinks one sink after the other, first to the tiles, then to the
// live sessions, so that a screen that hears of a change never gets the old tile.
//
// cmd wires it, api and live may wait for it; it imports only layers.
package feed

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"onemap/layers"
)

// Sink follows the log. Its methods are called by one goroutine, in the order of
// the log, and return when the sink is up to date.
type Sink interface {
	// Apply takes the next commits, all of their changes and in order.
	Apply(commits []layers.Commit)
	// Reset says that changes up to head are unknown: forget what was derived
	// from the log. Commits after head follow.
	Reset(head layers.Cursor)
}

const (
	batch      = 1000        // changes read at once, about
	recheck    = time.Second // a new epoch with smaller positions wakes no Wait
	minBackoff = 50 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// Feed reads a log and feeds its sinks.
type Feed struct {
	log   layers.Log
	out   *slog.Logger
	sinks []Sink

	mu       sync.Mutex
	started  bool
	cursor   layers.Cursor
	advanced chan struct{} // closed and replaced when the cursor moves
	stats    Stats
}

// New returns a feed that calls the sinks in the given order.
func New(log layers.Log, out *slog.Logger, sinks ...Sink) *Feed {
	return &Feed{log: log, out: out, sinks: sinks, advanced: make(chan struct{})}
}

// Start takes the head of the log as the place to begin. Call it before anything
// that the sinks keep fresh is served: whatever is read after Start and changes
// later is in the feed. A second call does nothing.
func (f *Feed) Start(ctx context.Context) error {
	f.mu.Lock()
	started := f.started
	f.mu.Unlock()
	if started {
		return nil
	}
	head, err := f.log.Head(ctx)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.started {
		f.started, f.cursor = true, head
		f.announce()
	}
	return nil
}

// Run feeds the sinks until ctx ends, and returns nil then. It starts at the
// head unless Start was called before. Errors of the log end nothing: Run logs
// the first of them and tries again until it recovers.
func (f *Feed) Run(ctx context.Context) error {
	var trouble troubles
	for ctx.Err() == nil {
		err := f.step(ctx)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			if after, was := trouble.over(); was {
				f.out.Info("the feed reads the log again", "after", after.Round(time.Millisecond), "cursor", f.Cursor())
			}
			continue
		}
		f.count(func(s *Stats) { s.Failures++ })
		pause, first := trouble.next()
		if first {
			f.out.Error("the feed can't read the log and tries again", "cursor", f.Cursor(), "error", err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	return nil
}

// step delivers what the log holds after the cursor, or waits for more.
func (f *Feed) step(ctx context.Context) error {
	if err := f.Start(ctx); err != nil {
		return err
	}
	at := f.Cursor()
	commits, err := f.log.Changes(ctx, at, batch)
	switch {
	case layers.CodeOf(err) == layers.Expired:
		return f.reset(ctx, at)
	case err != nil:
		return err
	case len(commits) > 0:
		f.deliver(at, commits)
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, recheck)
	defer cancel()
	if err := f.log.Wait(waiting, at.Position); err != nil && waiting.Err() == nil {
		return err
	}
	return nil
}

func (f *Feed) deliver(at layers.Cursor, commits []layers.Commit) {
	for _, s := range f.sinks {
		s.Apply(commits)
	}
	last := commits[len(commits)-1]
	f.advance(layers.Cursor{Epoch: at.Epoch, Position: last.Position()}, func(s *Stats) {
		s.Commits += int64(len(commits))
		for _, c := range commits {
			s.Changes += int64(len(c.Changes))
		}
		s.Delay = time.Since(last.Time)
	})
}

// reset goes on at the head. The head is taken first: what comes after it will be
// read, what came before it the sinks forget.
func (f *Feed) reset(ctx context.Context, at layers.Cursor) error {
	head, err := f.log.Head(ctx)
	if err != nil {
		return err
	}
	f.out.Warn("the feed's place is not in the log any more: everything is read again", "cursor", at, "head", head)
	for _, s := range f.sinks {
		s.Reset(head)
	}
	f.advance(head, func(s *Stats) { s.Resets++ })
	return nil
}

func (f *Feed) advance(to layers.Cursor, count func(*Stats)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cursor = to
	count(&f.stats)
	f.announce()
}

// announce wakes who waits for the cursor. The caller holds the lock.
func (f *Feed) announce() {
	close(f.advanced)
	f.advanced = make(chan struct{})
}

// Cursor returns the place up to which every sink has everything; the zero
// Cursor before the start.
func (f *Feed) Cursor() layers.Cursor {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cursor
}

// WaitFor returns when every sink has everything up to a position, for example
// the one in the receipt of an edit. A reset meanwhile counts as well: after it
// no sink has anything old.
func (f *Feed) WaitFor(ctx context.Context, p layers.Position) error {
	epoch := f.Cursor().Epoch
	for {
		f.mu.Lock()
		there := f.started && (f.cursor.Position >= p || epoch != "" && f.cursor.Epoch != epoch)
		advanced := f.advanced
		f.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Reach returns when every sink has everything up to a place in the log. A place of
// another epoch is Expired, unless the log has begun that one and this feed is behind.
func (f *Feed) Reach(ctx context.Context, to layers.Cursor) error {
	for {
		f.mu.Lock()
		at, advanced := f.cursor, f.advanced
		f.mu.Unlock()
		if at.Epoch == to.Epoch && at.Position >= to.Position {
			return nil
		}
		if at.Epoch != to.Epoch {
			head, err := f.log.Head(ctx)
			if err != nil {
				return err
			}
			if head.Epoch != to.Epoch {
				return layers.Errorf(layers.Expired, "%s is not in the log, whose head is %s", to, head)
			}
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// troubles counts failures in a row.
type troubles struct {
	since time.Time
	pause time.Duration
}

// next returns how long to wait before the next attempt, with jitter so that
// several servers don't come back at the same instant.
func (t *troubles) next() (pause time.Duration, first bool) {
	if first = t.since.IsZero(); first {
		t.since, t.pause = time.Now(), minBackoff
	} else {
		t.pause = min(2*t.pause, maxBackoff)
	}
	return t.pause/2 + rand.N(t.pause/2+1), first
}

func (t *troubles) over() (lasted time.Duration, was bool) {
	if t.since.IsZero() {
		return 0, false
	}
	lasted = time.Since(t.since)
	*t = troubles{}
	return lasted, true
}
