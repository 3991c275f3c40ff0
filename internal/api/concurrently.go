package api

import (
	"context"

	"golang.org/x/sync/errgroup"

	"onemap/layers"
)

// askAtOnce bounds the queries that one request has open: it must not take the
// store from everybody else.
const askAtOnce = 4

// askEach asks something of each layer and returns the answers in their order.
// A layer that was dropped meanwhile answers with the zero value.
func askEach[T any](ctx context.Context, entries []layers.Entry, ask func(context.Context, layers.Entry) (T, error)) ([]T, error) {
	answers := make([]T, len(entries))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(askAtOnce)
	for i, e := range entries {
		g.Go(func() error {
			answer, err := ask(ctx, e)
			if err != nil && layers.CodeOf(err) == layers.NotFound {
				return nil
			}
			answers[i] = answer
			return err
		})
	}
	return answers, g.Wait()
}
