package gpkg

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"strings"

	"onemap/layers"
)

// reader implements layers.Reader for one view.
type reader struct {
	s    *Store
	view layers.View
}

// As implements layers.Store.
func (s *Store) As(v layers.View) layers.Reader { return &reader{s, v} }

// snapshot runs f on one state of the file, with the catalogue of that state, and
// returns the position it contains.
func (s *Store) snapshot(ctx context.Context, f func(*sql.Tx, *catalogue) error) (layers.Position, error) {
	return s.snapshotBy(ctx, s.read, f)
}

func (s *Store) snapshotBy(ctx context.Context, db *sql.DB, f func(*sql.Tx, *catalogue) error) (layers.Position, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, unavailable(ctx, err)
	}
	defer func() { _ = tx.Rollback() }()
	c, _, at, err := s.stateOf(ctx, tx)
	if err != nil {
		return 0, unavailable(ctx, err)
	}
	return at, unavailable(ctx, f(tx, c))
}

// stateOf returns the catalogue and the bounds of the log as a read transaction
// sees them. A definition that is news to this process becomes known.
func (s *Store) stateOf(ctx context.Context, tx *sql.Tx) (c *catalogue, floor, head layers.Position, err error) {
	var epoch string
	var version int64
	if err := tx.QueryRowContext(ctx, stateSQL).Scan(&epoch, &version, &floor, &head); err != nil {
		return nil, 0, 0, err
	}
	if c = s.catalogue.Load(); c == nil || c.version != version || c.epoch != epoch {
		if c, err = loadCatalogue(ctx, tx); err != nil {
			return nil, 0, 0, err
		}
		s.publish(c)
	}
	return c, floor, head, nil
}

var errClosed = &layers.Error{Code: layers.Unavailable, Message: "the store is closed"}

func unavailable(ctx context.Context, err error) error {
	var known *layers.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case strings.Contains(err.Error(), "is closed") || strings.Contains(err.Error(), "is already closed"): // database/sql has no name for the first
		return errClosed
	case strings.Contains(err.Error(), "no such table") || strings.Contains(err.Error(), "no such column"):
		return layers.Errorf(layers.Unavailable, "another program is replacing the layer; try again: %w", err)
	case ctx.Err() != nil:
		return layers.Errorf(layers.Unavailable, "the request ended before the answer: %w", context.Cause(ctx))
	}
	return layers.Errorf(layers.Internal, "read the store: %w", err)
}

func (r *reader) Layers(ctx context.Context) ([]layers.Entry, layers.Position, error) {
	entries := []layers.Entry{}
	at, err := r.s.snapshot(ctx, func(tx *sql.Tx, c *catalogue) error {
		for _, id := range c.ids {
			t := c.tables[id]
			if !r.view.Sees(t.layer) {
				continue
			}
			st, err := t.status(ctx, tx)
			if err != nil {
				return err
			}
			entries = append(entries, layers.Entry{Layer: t.layer, Status: st})
		}
		return nil
	})
	return entries, at, err
}

func (r *reader) Layer(ctx context.Context, layer string) (e layers.Entry, err error) {
	_, err = r.s.snapshot(ctx, func(tx *sql.Tx, c *catalogue) error {
		t, err := c.see(r.view, layer)
		if err != nil {
			return err
		}
		e.Layer = t.layer
		e.Status, err = t.status(ctx, tx)
		return err
	})
	return e, err
}

func (r *reader) Definition(_ context.Context, layer string) (*layers.Layer, error) {
	t, err := r.s.catalogue.Load().see(r.view, layer)
	if err != nil {
		return nil, err
	}
	return t.layer, nil
}

func (r *reader) Feature(ctx context.Context, layer, id string) (f *layers.Feature, at layers.Position, err error) {
	at, err = r.s.snapshot(ctx, func(tx *sql.Tx, c *catalogue) error {
		t, err := c.see(r.view, layer)
		if err != nil {
			return err
		}
		f, err = newRowReader(t, 0).scan(tx.QueryRowContext(ctx, "SELECT "+t.columns(true)+" FROM "+t.from()+" WHERE t.id = ?", id))
		if errors.Is(err, sql.ErrNoRows) {
			return layers.Errorf(layers.NotFound, "there is no feature %q in layer %s", id, layer)
		}
		return err
	})
	return f, at, err
}

func (r *reader) Scan(ctx context.Context, layer string, rg layers.Range) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		db := r.s.read
		if rg.BBox == nil {
			db = r.s.scan
		}
		_, err := r.s.snapshotBy(ctx, db, func(tx *sql.Tx, c *catalogue) error {
			t, err := c.see(r.view, layer)
			if err != nil {
				return err
			}
			w := where{t: t}
			if err := w.within(rg); err != nil {
				return err
			}
			rows, err := tx.QueryContext(ctx, "SELECT "+t.columns(true)+" FROM "+t.from()+w.sql(), w.args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for read := newRowReader(t, 0); rows.Next(); {
				f, err := read.scan(rows)
				if err != nil {
					return err
				}
				if rg.Where != nil && !rg.Where.Match(f.Row()) {
					continue
				}
				if !yield(f, nil) {
					return nil
				}
			}
			return rows.Err()
		})
		if err != nil {
			yield(nil, err)
		}
	}
}
