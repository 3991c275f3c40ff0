package ingest

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"onemap/layers"
)

// Options says what becomes of a set.
type Options struct {
	Layer         string         // id; empty means proposed from the set's name
	Define        layers.Layer   // the definition of a layer that does not exist yet; id, geometry and schema come from the set
	Actor         string         // who imports
	RejectFile    string         // where rejected rows go
	IgnoreUnknown bool           // leave out columns that the layer does not have
	Progress      func(Progress) // called often; nil is allowed
}

// Progress is how far an import is.
type Progress struct {
	Layer   string
	Writing bool  // second pass
	Rows    int64 // done in this pass
	Total   int64 // rows of the set; 0 while surveying
}

// Report is what came of a set.
type Report struct {
	Layer    string
	Created  bool // the layer is new
	Note     string
	Rows     int64
	Written  int64
	New      int64 // of them features that were not there before
	Rejected int64
	First    []Rejection // the first ten
	Elapsed  time.Duration
}

const (
	batchRows   = 2000    // edits in one transaction
	batchFloats = 200_000 // coordinates in one transaction, so that large polygons make short ones
)

// Import writes a set into a store. Rejected rows are in the report, not an error;
// an error means that the set as a whole could not be read or written. What was
// written until then stays, and the import can be repeated.
func Import(ctx context.Context, store layers.Store, set *Set, o Options) (report *Report, err error) {
	start := time.Now()
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	r := &Report{Layer: o.Layer, Note: set.Note}
	if r.Layer == "" {
		r.Layer = layers.ProposeID("layer", set.Name)
	}
	s, err := lookAt(ctx, set, func(rows int64) { o.Progress(Progress{Layer: r.Layer, Rows: rows}) })
	if err != nil {
		return nil, err
	}
	if err := s.checkCoordinates(set); err != nil {
		return nil, err
	}
	m, err := prepare(ctx, store, set, s, o, r)
	if err != nil {
		return nil, err
	}
	rejects := newRejects(o.RejectFile, set.Name)
	defer func() {
		if closeErr := rejects.close(); err == nil {
			err = closeErr
		}
	}()
	m.rejects, m.report = rejects, r
	if err := write(ctx, store, set, m, o, s.rows); err != nil {
		return nil, fmt.Errorf("layer %s: %w", r.Layer, err)
	}
	r.Rejected, r.First, r.Elapsed = rejects.n, rejects.first, time.Since(start)
	return r, nil
}

// prepare finds the layer or defines it, and works out how rows become edits.
func prepare(ctx context.Context, store layers.Store, set *Set, s *survey, o Options, r *Report) (*mapper, error) {
	m := &mapper{set: set, idColumn: s.idColumn(), seen: newSeen()}
	entry, err := store.As(layers.Owner).Layer(ctx, r.Layer)
	switch {
	case err == nil:
		m.layer = entry.Layer
		m.names, err = s.match(set, m.layer, m.idColumn, o.IgnoreUnknown)
		return m, err
	case layers.CodeOf(err) != layers.NotFound:
		return nil, err
	}
	if s.rows == 0 && len(set.Columns) == 0 {
		return nil, layers.Errorf(layers.Invalid, "%s has no rows, so its columns are not known; define the layer first with `onemap layer define`", set.Name)
	}
	l := o.Define
	l.ID = r.Layer
	if l.Title == (layers.Text{}) {
		l.Title.Zh = orName(set.Title, set.Name)
	}
	l.Geometry = set.Geometry
	if l.Geometry == "" {
		l.Geometry = s.geometryType()
	}
	if l.Schema, err = s.schema(set, m.idColumn); err != nil {
		return nil, err
	}
	if _, err := store.DefineLayer(ctx, layers.Actor{Name: o.Actor}, &l); err != nil {
		return nil, err
	}
	m.layer, m.names, r.Created = &l, s.attributeNames(set, m.idColumn), true
	return m, nil
}

func orName(title, name string) string {
	if title != "" {
		return title
	}
	return name
}

// write reads the set once more and applies it in batches. Reading and writing
// overlap: the two take about the same time.
func write(ctx context.Context, store layers.Store, set *Set, m *mapper, o Options, total int64) error {
	batches := make(chan []mapped, 2)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(batches)
		var batch []mapped
		floats := 0
		for row, err := range set.Rows(ctx) {
			if err != nil {
				return err
			}
			if row, ok := m.edit(row); ok {
				batch = append(batch, row)
				floats += row.floats()
			}
			if m.report.Rows++; len(batch) >= batchRows || floats >= batchFloats {
				if err := send(ctx, batches, batch); err != nil {
					return err
				}
				batch, floats = nil, 0
			}
		}
		return send(ctx, batches, batch)
	})
	g.Go(func() error {
		for batch := range batches {
			if err := apply(ctx, store, m, o.Actor, batch); err != nil {
				return err
			}
			o.Progress(Progress{Layer: m.layer.ID, Writing: true, Rows: min(total, batch[len(batch)-1].row.Number), Total: total})
		}
		return nil
	})
	return g.Wait()
}

func send(ctx context.Context, batches chan<- []mapped, batch []mapped) error {
	if len(batch) == 0 {
		return nil
	}
	select {
	case batches <- batch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// apply commits a batch. Every edit has been checked, but the layer may have been
// changed meanwhile, and a store may know more: what it finds invalid is then
// found row by row and rejected alone.
func apply(ctx context.Context, store layers.Store, m *mapper, actor string, batch []mapped) error {
	edits := make([]layers.Edit, len(batch))
	for i := range batch {
		edits[i] = batch[i].edit
	}
	receipt, err := store.Apply(ctx, layers.Actor{Name: actor}, m.layer.ID, edits)
	switch {
	case err == nil:
		m.report.Written += int64(len(batch))
		for _, result := range receipt.Results {
			if result.Created {
				m.report.New++
			}
		}
		return nil
	case layers.CodeOf(err) != layers.Invalid:
		return err
	case len(batch) == 1:
		return m.rejects.add(batch[0].row, err)
	}
	for i := range batch {
		if err := apply(ctx, store, m, actor, batch[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}
