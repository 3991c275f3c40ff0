package feed

import (
	"context"
	"time"
)

// Stats counts what the feed did since the start.
type Stats struct {
	Commits, Changes int64
	Resets           int64
	Failures         int64         // failed attempts to read the log
	Delay            time.Duration // from the newest commit's time until every sink had it
}

// Stats returns the counters for metrics.
func (f *Feed) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats
}

// Lag returns how many changes the log holds that not all sinks have.
func (f *Feed) Lag(ctx context.Context) (int64, error) {
	head, err := f.log.Head(ctx)
	if err != nil {
		return 0, err
	}
	// Changes between the two calls make the lag smaller, never negative.
	return max(0, int64(head.Position-f.Cursor().Position)), nil
}

func (f *Feed) count(add func(*Stats)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	add(&f.stats)
}
