package sample

import (
	"context"
	"fmt"
	"slices"
	"time"

	"onemap/layers"
)

// batch is how many features one commit holds: few enough that the store's
// write lock is short.
const batch = 2000

// Load defines the sample layers and fills them, the base map first. It may be
// repeated: what is there already is replaced by itself. progress, which may be
// nil, hears of every commit: the layer and how many features it brought.
func Load(ctx context.Context, store layers.Store, now time.Time, progress func(layer string, n int)) error {
	w, err := NewWorld(now)
	if err != nil {
		return err
	}
	defs, err := readCatalogue()
	if err != nil {
		return err
	}
	for _, l := range defs {
		actor := layers.Actor{Name: "sample", AsOf: w.asOf(l.ID)}
		if _, err := store.DefineLayer(ctx, actor, l); err != nil {
			return fmt.Errorf("sample: define %s: %w", l.ID, err)
		}
	}
	for _, l := range defs {
		edits, err := w.Features(l.ID)
		if err != nil {
			return err
		}
		actor := layers.Actor{Name: "sample", AsOf: w.asOf(l.ID)}
		for part := range slices.Chunk(edits, batch) {
			if _, err := store.Apply(ctx, actor, l.ID, part); err != nil {
				return fmt.Errorf("sample: load %s: %w", l.ID, err)
			}
			if progress != nil {
				progress(l.ID, len(part))
			}
		}
	}
	return nil
}
