package tiles

import "context"

// turns bounds how many do something at a time.
type turns chan struct{}

// free takes a turn if it need not be waited for.
func (t turns) free() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

// wait takes a turn unless ctx ends first.
func (t turns) wait(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turns) end() { <-t }
