package api

import (
	"context"
	"sync"
	"time"
)

// bounded is a context that ends with its parent or after a while. The timer begins
// when somebody waits for it: most answers are there at once, and it would cost as
// much as finding a cached tile.
type bounded struct {
	context.Context
	until time.Time

	mu     sync.Mutex
	timed  context.Context // nil while nobody waits
	cancel context.CancelFunc
}

func newBounded(parent context.Context, most time.Duration) *bounded {
	return &bounded{Context: parent, until: time.Now().Add(most)}
}

// end frees what the timer holds.
func (b *bounded) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timed != nil {
		b.cancel()
	}
}

func (b *bounded) Done() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timed == nil {
		b.timed, b.cancel = context.WithDeadline(b.Context, b.until)
	}
	return b.timed.Done()
}

func (b *bounded) Err() error {
	if err := b.now().Err(); err != nil || time.Now().Before(b.until) {
		return err
	}
	return context.DeadlineExceeded
}

func (b *bounded) Deadline() (time.Time, bool) {
	if at, ok := b.Context.Deadline(); ok && at.Before(b.until) {
		return at, true
	}
	return b.until, true
}

// Value is the timed context's once there is one, so that those made from it are
// cancelled with it, and don't each need a goroutine for that.
func (b *bounded) Value(key any) any { return b.now().Value(key) }

func (b *bounded) now() context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timed != nil {
		return b.timed
	}
	return b.Context
}
