package ingest

import (
	"context"

	"onemap/layers"
)

// Copy writes a layer of one store into another, definition and features, and
// returns how many features there were.
func Copy(ctx context.Context, from, to layers.Store, layer string, actor layers.Actor) (int64, error) {
	reader := from.As(layers.Owner)
	entry, err := reader.Layer(ctx, layer)
	if err != nil {
		return 0, err
	}
	actor.AsOf = entry.Status.Updated
	if _, err := to.DefineLayer(ctx, actor, entry.Layer); err != nil {
		return 0, err
	}
	var n int64
	var batch []layers.Edit
	size := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		_, err := to.Apply(ctx, actor, layer, batch)
		n += int64(len(batch))
		batch, size = nil, 0
		return err
	}
	for f, err := range reader.Scan(ctx, layer, layers.Range{}) {
		if err != nil {
			return n, err
		}
		batch = append(batch, layers.Edit{Op: layers.Put, ID: f.ID, Geometry: f.Geometry, Properties: f.Properties})
		if size += floats(f.Geometry); len(batch) >= batchRows || size >= batchFloats {
			if err := flush(); err != nil {
				return n, err
			}
		}
	}
	return n, flush()
}
