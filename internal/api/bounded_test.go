package api

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestABoundThatIsLiftedHoldsNobodyAndTheParentStillEnds(t *testing.T) {
	for _, waited := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			parent, cancel := context.WithCancel(t.Context())
			b := newBounded(parent, time.Minute)
			if waited {
				_ = b.Done()
			}
			type name struct{}
			inner := context.WithValue(b, name{}, "as a middleware wraps it")
			inner.Value(boundedKey{}).(*bounded).lift()
			child, stop := context.WithCancel(b)
			defer stop()
			time.Sleep(time.Hour)
			if _, bound := b.Deadline(); bound || b.Err() != nil || child.Err() != nil {
				t.Errorf("waited for: %t: %v, %v", waited, b.Err(), child.Err())
			}
			cancel()
			synctest.Wait()
			if b.Err() != context.Canceled || child.Err() != context.Canceled {
				t.Errorf("waited for: %t: %v, %v after its parent", waited, b.Err(), child.Err())
			}
			b.end()
		})
	}
}

func TestABoundedContextEndsInTimeWithItsParentAndWhenItIsOver(t *testing.T) {
	type name struct{}
	for _, waited := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			parent, cancel := context.WithCancelCause(context.WithValue(t.Context(), name{}, "here"))
			begin := func() (*bounded, context.Context) {
				b := newBounded(parent, time.Minute)
				if !waited {
					return b, b
				}
				child, stop := context.WithCancel(b) // it waits
				t.Cleanup(stop)
				return b, child
			}
			want := func(ctx context.Context, want error) {
				t.Helper()
				synctest.Wait()
				if got := ctx.Err(); got != want || ctx.Value(name{}) != "here" {
					t.Errorf("waited for: %t: %v, want %v", waited, got, want)
				}
			}
			late, ofLate := begin()
			time.Sleep(59 * time.Second)
			want(ofLate, nil)
			time.Sleep(2 * time.Second)
			want(ofLate, context.DeadlineExceeded)
			late.end()
			want(ofLate, context.DeadlineExceeded)

			over, ofOver := begin()
			over.end()
			if waited {
				want(ofOver, context.Canceled)
			}

			gone, ofGone := begin()
			cancel(nil)
			want(ofGone, context.Canceled)
			if at, ok := gone.Deadline(); !ok || at != time.Now().Add(time.Minute) {
				t.Errorf("until %v, %t", at, ok)
			}
			gone.end()
		})
	}
}
