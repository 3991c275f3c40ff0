package tiles

import (
	"context"
	"sync"
)

// queue holds what somebody is to do, in order. The zero queue is empty.
type queue[T any] struct {
	mu    sync.Mutex
	items []T
	added chan struct{} // closed by the next one; nil until somebody waits
}

func (q *queue[T]) add(item T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, item)
	if q.added != nil {
		close(q.added)
		q.added = nil
	}
}

// take returns the first one as soon as there is one.
func (q *queue[T]) take(ctx context.Context) (item T, err error) {
	for {
		q.mu.Lock()
		if len(q.items) > 0 {
			item, q.items = q.items[0], q.items[1:]
			q.mu.Unlock()
			return item, nil
		}
		if q.added == nil {
			q.added = make(chan struct{})
		}
		added := q.added
		q.mu.Unlock()
		select {
		case <-added:
		case <-ctx.Done():
			return item, ctx.Err()
		}
	}
}
