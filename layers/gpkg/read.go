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

// snapshot runs f on one state of the file and returns the position it contains.
func (r *reader) snapshot(ctx context.Context, f func(*sql.Tx) error) (layers.Position, error) {
	tx, err := r.s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, unavailable(ctx, err)
	}
	defer func() { _ = tx.Rollback() }()
	var at int64
	if err := tx.QueryRowContext(ctx, headSQL).Scan(&at); err != nil {
		return 0, unavailable(ctx, err)
	}
	return layers.Position(at), f(tx)
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
	c := r.s.catalogue.Load()
	entries := make([]layers.Entry, 0, len(c.ids))
	at, err := r.snapshot(ctx, func(tx *sql.Tx) error {
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
	return entries, at, unavailable(ctx, err)
}

func (r *reader) Layer(ctx context.Context, layer string) (layers.Entry, error) {
	t, err := r.s.catalogue.Load().see(r.view, layer)
	if err != nil {
		return layers.Entry{}, err
	}
	st, err := t.status(ctx, r.s.read)
	return layers.Entry{Layer: t.layer, Status: st}, unavailable(ctx, err)
}

func (r *reader) Feature(ctx context.Context, layer, id string) (*layers.Feature, layers.Position, error) {
	t, err := r.s.catalogue.Load().see(r.view, layer)
	if err != nil {
		return nil, 0, err
	}
	var f *layers.Feature
	at, err := r.snapshot(ctx, func(tx *sql.Tx) error {
		f, err = newRowReader(t, 0).scan(tx.QueryRowContext(ctx, "SELECT "+t.columns(true)+" FROM "+t.from()+" WHERE t.id = ?", id))
		if errors.Is(err, sql.ErrNoRows) {
			return layers.Errorf(layers.NotFound, "there is no feature %q in layer %s", id, layer)
		}
		return err
	})
	return f, at, unavailable(ctx, err)
}

func (r *reader) Scan(ctx context.Context, layer string, rg layers.Range) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		t, err := r.s.catalogue.Load().see(r.view, layer)
		if err != nil {
			yield(nil, err)
			return
		}
		w := where{t: t}
		w.add("t.id IS NOT NULL")
		if rg.BBox != nil {
			w.bbox(*rg.BBox)
		}
		rows, err := r.s.read.QueryContext(ctx, "SELECT "+t.columns(true)+" FROM "+t.from()+w.sql(), w.args...)
		if err != nil {
			yield(nil, unavailable(ctx, err))
			return
		}
		defer rows.Close()
		for read := newRowReader(t, 0); rows.Next(); {
			f, err := read.scan(rows)
			if !yield(f, unavailable(ctx, err)) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, unavailable(ctx, err))
		}
	}
}
