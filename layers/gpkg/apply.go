package gpkg

import (
	"context"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// maxEdits bounds one call, so that the file is not locked for longer than about
// half a second.
const maxEdits = 10_000

// Apply implements layers.Store.
func (s *Store) Apply(ctx context.Context, actor layers.Actor, layer string, edits []layers.Edit) (layers.Receipt, error) {
	var receipt layers.Receipt
	t, err := s.catalogue.Load().see(layers.Owner, layer)
	if err != nil {
		return receipt, err
	}
	if len(edits) == 0 {
		receipt.Cursor, err = s.Head(ctx)
		return receipt, err
	}
	if len(edits) > maxEdits {
		return receipt, layers.Errorf(layers.TooLarge, "%d edits in one call; at most %d", len(edits), maxEdits)
	}
	// What needs no lock is done here, beside the writer.
	changes, err := prepare(t, edits)
	if err != nil {
		return receipt, err
	}
	do := s.writer.do
	if len(edits) <= sharedCall {
		do = s.writer.share
	}
	err = do(ctx, func(tx *txn) error {
		current, err := tx.table(layer)
		if err != nil {
			return err
		}
		now := changes
		if current != t { // defined anew meanwhile
			if now, err = prepare(current, edits); err != nil {
				return err
			}
		}
		receipt, err = tx.apply(actor, current, now)
		return err
	})
	if err != nil {
		return layers.Receipt{}, err
	}
	return receipt, nil
}

func (tx *txn) apply(actor layers.Actor, t *table, changes []change) (layers.Receipt, error) {
	b := &batch{txn: tx, t: t, next: tx.head + 1, results: make([]layers.EditResult, len(changes))}
	if err := b.load(changes); err != nil {
		return layers.Receipt{}, err
	}
	layout := geom.NoLayout
	for i := range changes {
		c := &changes[i]
		if c.layout != layout {
			if err := tx.declareLayout(t, c.layout); err != nil {
				return layers.Receipt{}, err
			}
			layout = c.layout
		}
		if err := b.edit(i, c); err != nil {
			return layers.Receipt{}, err
		}
	}
	if err := b.flush(); err != nil {
		return layers.Receipt{}, err
	}
	if err := b.widen(changes); err != nil {
		return layers.Receipt{}, err
	}
	expected := b.next - tx.head - 1
	moved, err := tx.moveOwn(actor, t)
	if err != nil {
		return layers.Receipt{}, err
	}
	if moved != int64(expected) {
		return layers.Receipt{}, layers.Errorf(layers.Unavailable, "layer %s is being replaced by another program; try again", t.layer.ID)
	}
	return layers.Receipt{Results: b.results, Cursor: layers.Cursor{Epoch: tx.epoch, Position: tx.head}}, nil
}

// table returns the layer as this transaction sees it.
func (tx *txn) table(layer string) (*table, error) {
	return tx.cat.see(layers.Owner, layer)
}
