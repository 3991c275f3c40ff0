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

	mu     sync.Mutex
	until  time.Time       // zero: without end
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

// lift takes the bound away. Nobody may wait for the context yet who is to outlast it.
func (b *bounded) lift() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = time.Time{}
	if b.timed != nil {
		b.cancel()
		b.timed = nil
	}
}

func (b *bounded) Done() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.timed != nil:
	case b.until.IsZero():
		b.timed, b.cancel = context.WithCancel(b.Context)
	default:
		b.timed, b.cancel = context.WithDeadline(b.Context, b.until)
	}
	return b.timed.Done()
}

func (b *bounded) Err() error {
	ctx, until := b.now()
	if err := ctx.Err(); err != nil || until.IsZero() || time.Now().Before(until) {
		return err
	}
	return context.DeadlineExceeded
}

func (b *bounded) Deadline() (time.Time, bool) {
	_, until := b.now()
	if at, ok := b.Context.Deadline(); until.IsZero() || ok && at.Before(until) {
		return at, ok
	}
	return until, true
}

// boundedKey finds the bounded context that a context comes from.
type boundedKey struct{}

// Value is the timed context's once there is one, so that those made from it are
// cancelled with it, and don't each need a goroutine for that.
func (b *bounded) Value(key any) any {
	if key == (boundedKey{}) {
		return b
	}
	ctx, _ := b.now()
	return ctx.Value(key)
}

func (b *bounded) now() (ctx context.Context, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timed != nil {
		return b.timed, b.until
	}
	return b.Context, b.until
}
