package postgis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/twpayne/go-geom"

	"onemap/layers"
	"onemap/layers/postgis/journal"
)

// maxEdits bounds one call, as in every store.
const maxEdits = 10_000

// Apply implements layers.Store.
func (s *Store) Apply(ctx context.Context, actor layers.Actor, layer string, edits []layers.Edit) (layers.Receipt, error) {
	ctx, cancel := s.alive(ctx)
	defer cancel()
	if len(edits) > maxEdits {
		return layers.Receipt{}, layers.Errorf(layers.TooLarge, "%d edits in one call; at most %d", len(edits), maxEdits)
	}
	what := "write to layer " + layer
	for try := 0; ; try++ {
		receipt, err := s.applyOnce(ctx, actor, layer, edits)
		switch {
		case err == nil:
			return receipt, nil
		case try == 5:
		case isCode(err, uniqueViolation, deadlock): // somebody else made the same feature: look again
			continue
		case isCode(err, undefinedTable, undefinedColumn, notSupported): // defined anew meanwhile
			if _, e := s.reload(ctx); e == nil {
				continue
			}
		}
		return layers.Receipt{}, s.problem(ctx, what, err)
	}
}

func (s *Store) applyOnce(ctx context.Context, actor layers.Actor, layer string, edits []layers.Edit) (layers.Receipt, error) {
	var t *table
	_, err := s.read(ctx, "find layer "+layer, layer, func(c *catalogue, _ *pgx.Batch) (err error) {
		t, err = c.see(layers.Owner, layer)
		return err
	})
	if err != nil {
		return layers.Receipt{}, err
	}
	if len(edits) == 0 {
		at, err := s.Head(ctx)
		return layers.Receipt{Cursor: at}, err
	}
	if !t.managed {
		return layers.Receipt{}, t.readOnly()
	}
	changes, err := t.prepare(edits)
	if err != nil {
		return layers.Receipt{}, err
	}
	if !t.mixed && slices.ContainsFunc(changes, func(c change) bool { return c.geom != nil && c.layout != geom.XY }) {
		if err := s.mix(ctx, layer); err != nil {
			return layers.Receipt{}, err
		}
		return s.applyOnce(ctx, actor, layer, edits)
	}
	b := &batch{s: s, t: t, rows: map[string]*row{}, results: make([]*row, len(edits)), created: make([]bool, len(edits))}
	var xid uint64
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := b.load(ctx, tx, changes); err != nil {
			return err
		}
		for i := range changes {
			if err := b.edit(i, &changes[i]); err != nil {
				return atEdit(err, i)
			}
		}
		xid, err = b.write(ctx, tx, actor)
		return err
	})
	if err != nil {
		return layers.Receipt{}, err
	}
	placed, at, err := s.moved(ctx, xid)
	if err != nil {
		return layers.Receipt{}, err
	}
	return b.receipt(placed, at), nil
}

// change is an edit in the form that the table takes.
type change struct {
	edit   *layers.Edit
	geom   []byte // EWKB
	layout geom.Layout
}

func (c *change) keepsGeometry() bool { return c.edit.Op == layers.Patch && c.edit.KeepGeometry }

// prepare checks edits and encodes what they carry.
func (t *table) prepare(edits []layers.Edit) ([]change, error) {
	for i := range edits {
		switch edits[i].Op {
		case layers.Put, layers.Create, layers.Replace, layers.Patch, layers.Delete:
		default:
			return nil, atEdit(layers.Errorf(layers.Invalid, "unknown operation %q", edits[i].Op), i)
		}
	}
	edits, err := t.layer.CheckEdits(edits)
	if err != nil {
		return nil, err
	}
	changes := make([]change, len(edits))
	for i := range edits {
		c := change{edit: &edits[i]}
		if c.edit.Op != layers.Delete && !c.keepsGeometry() && c.edit.Geometry != nil {
			c.layout = c.edit.Geometry.Layout()
			g, err := t.layer.Geometry.Promote(c.edit.Geometry)
			if err == nil {
				c.geom, err = encodeGeometry(g)
			}
			if err != nil {
				return nil, atEdit(err, i)
			}
		}
		changes[i] = c
	}
	return changes, nil
}

// atEdit says which edit of a batch failed.
func atEdit(err error, i int) error {
	var e *layers.Error
	if errors.As(err, &e) {
		copied := *e
		copied.Message = fmt.Sprintf("edits[%d]: %s", i, e.Message)
		return &copied
	}
	return err
}

func (b *batch) receipt(placed []journal.Placed, at layers.Cursor) layers.Receipt {
	positions := map[string]layers.Position{}
	receipt := layers.Receipt{Cursor: at, Results: make([]layers.EditResult, len(b.results))}
	for _, p := range placed {
		positions[p.Key] = p.Position
		receipt.Cursor.Position = p.Position
	}
	for i, r := range b.results {
		version, ok := positions[r.id]
		if !ok { // nothing changed
			version = r.version
		}
		receipt.Results[i] = layers.EditResult{ID: r.id, Version: version, Created: b.created[i]}
	}
	return receipt
}
