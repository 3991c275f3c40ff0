package postgis_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"onemap/internal/pgtest"
)

func TestATaskRunsOnOneNodeAndGoesOnOnAnotherWhenItsConnectionBreaks(t *testing.T) {
	url := pgtest.Database(t)
	a, b := open(t, url), open(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	t.Cleanup(func() { cancel(); done.Wait() })
	started, ended := make(chan string, 9), make(chan string, 9)
	for name, node := range map[string]interface {
		Alone(context.Context, string, func(context.Context) error) error
	}{"a": a, "b": b} {
		done.Go(func() {
			_ = node.Alone(ctx, "task", func(mine context.Context) error {
				started <- name
				<-mine.Done()
				if ctx.Err() == nil {
					ended <- name
				}
				return mine.Err()
			})
		})
	}
	first := <-started
	select {
	case second := <-started:
		t.Fatalf("%s runs it beside %s", second, first)
	case <-time.After(1500 * time.Millisecond):
	}
	sql(t, url, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = x'6f6e6574'::int::oid")
	for range 2 {
		select {
		case who := <-ended:
			if who != first {
				t.Errorf("%s ended, not %s", who, first)
			}
		case <-started:
		case <-time.After(20 * time.Second):
			t.Fatal("nobody took over")
		}
	}
}

func TestASettingIsTheSameOnAllNodes(t *testing.T) {
	url := pgtest.Database(t)
	a, b := open(t, url), open(t, url)
	for _, step := range []struct{ before, value string }{{"", "one"}, {"one", "two"}} {
		before, err := a.ChangeSetting(t.Context(), "name", step.value)
		if err != nil || before != step.before {
			t.Errorf("it was %q, %v", before, err)
		}
		if got, err := b.Setting(t.Context(), "name"); err != nil || got != step.value {
			t.Errorf("b reads %q, %v", got, err)
		}
	}
}
