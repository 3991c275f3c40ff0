package postgis

import (
	"context"
	"errors"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onemap/layers"
)

// reader implements layers.Reader for one view.
type reader struct {
	s    *Store
	view layers.View
}

// As implements layers.Store.
func (s *Store) As(v layers.View) layers.Reader { return &reader{s, v} }

// errStale says that the definitions are not those that this node knew.
var errStale = errors.New("the definitions have changed")

// read asks f for statements and sends them in one go, behind the one that tells
// the position: what they read contains every change up to it. f may be called
// again, when definitions turn out to be newer than this node knew. layer is whose rows
// they read, if any's.
func (s *Store) read(ctx context.Context, what, layer string, f func(*catalogue, *pgx.Batch) error) (layers.Position, error) {
	at, _, err := s.readSomewhere(ctx, what, layer, f)
	return at, err
}

// readSomewhere is read that tells which database answered.
func (s *Store) readSomewhere(ctx context.Context, what, layer string, f func(*catalogue, *pgx.Batch) error) (at layers.Position, from *pgxpool.Pool, err error) {
	ctx, cancel := s.alive(ctx)
	defer cancel()
	for try := 0; ; try++ {
		at, from, err = s.readOnce(ctx, f)
		if err == nil || try == 2 || !errors.Is(err, errStale) && !isCode(err, undefinedTable, undefinedColumn, notSupported) {
			break
		}
		if _, err = s.reload(ctx); err != nil {
			break
		}
	}
	s.tell(at)
	var t *table
	if c := s.catalogue.Load(); c != nil {
		t = c.tables[layer]
	}
	return at, from, s.readProblem(ctx, what, t, err)
}

func (s *Store) readOnce(ctx context.Context, f func(*catalogue, *pgx.Batch) error) (at layers.Position, from *pgxpool.Pool, err error) {
	c, err := s.known(ctx)
	if err != nil {
		return 0, nil, err
	}
	if s.replica.usable() {
		told := layers.Position(s.told.Load()) // before the replica is asked
		at, refused, err := s.replica.read(ctx, told, c, f)
		if err == nil {
			s.replica.answered()
			return at, s.replica.pool, refused
		}
		s.replica.rest(ctx, err)
	}
	at, refused, err := readFrom(ctx, s.pool, c, f)
	if err == nil {
		err = refused
	}
	return at, s.pool, err
}

// readFrom reads from one database. What f refuses, it may refuse only because of
// what this node knows, so the definitions are looked at all the same.
func readFrom(ctx context.Context, pool *pgxpool.Pool, c *catalogue, f func(*catalogue, *pgx.Batch) error) (at layers.Position, refused, err error) {
	b := &pgx.Batch{}
	b.Queue(whereabouts).QueryRow(func(row pgx.Row) error { return c.place(row, &at) })
	if refused = f(c, b); refused != nil {
		b.QueuedQueries = b.QueuedQueries[:1]
	}
	err = pool.SendBatch(ctx, b).Close()
	return at, refused, err
}

// whereabouts is how far a database is.
const whereabouts = "SELECT s.position, o.catalogue FROM onemap.state s, onemap.store o"

// place reads whereabouts. It fails if the definitions are not these.
func (c *catalogue) place(row pgx.Row, at *layers.Position) error {
	var version int64
	if err := row.Scan(at, &version); err != nil {
		return err
	}
	if version != c.version {
		return errStale
	}
	return nil
}

func (r *reader) Layers(ctx context.Context) ([]layers.Entry, layers.Position, error) {
	var seen []*table
	at, err := r.s.read(ctx, "list the layers", "", func(c *catalogue, _ *pgx.Batch) error {
		seen = nil
		for _, id := range c.ids {
			if t := c.tables[id]; r.view.Sees(t.layer) {
				seen = append(seen, t)
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	entries, err := r.s.entries(ctx, seen...)
	return entries, at, err
}

func (r *reader) Layer(ctx context.Context, layer string) (layers.Entry, error) {
	var t *table
	_, err := r.s.read(ctx, "find layer "+layer, layer, func(c *catalogue, _ *pgx.Batch) (err error) {
		t, err = c.see(r.view, layer)
		return err
	})
	if err != nil {
		return layers.Entry{}, err
	}
	entries, err := r.s.entries(ctx, t)
	if err != nil {
		return layers.Entry{}, err
	}
	return entries[0], nil
}

func (r *reader) Definition(ctx context.Context, layer string) (*layers.Layer, error) {
	c, err := r.s.known(ctx)
	if err != nil {
		return nil, r.s.readProblem(ctx, "find layer "+layer, nil, err)
	}
	t, err := c.see(r.view, layer)
	if err != nil {
		return nil, err
	}
	return t.layer, nil
}

func (r *reader) Feature(ctx context.Context, layer, id string) (*layers.Feature, layers.Position, error) {
	var f *layers.Feature
	at, err := r.s.read(ctx, "read a feature of layer "+layer, layer, func(c *catalogue, b *pgx.Batch) error {
		t, err := c.see(r.view, layer)
		if err != nil {
			return err
		}
		f = nil
		key, ok := keyTypes[t.keyType](id)
		if !ok {
			return nil
		}
		b.Queue("SELECT "+t.fields(true)+" FROM "+t.fromVersioned(2)+" WHERE t."+quote(t.key)+" = $1"+t.comment(), key, layer).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var err error
				if f, err = t.feature(rows); err != nil {
					return err
				}
			}
			return rows.Err()
		})
		return nil
	})
	if err == nil && f == nil {
		err = layers.Errorf(layers.NotFound, "there is no feature %q in layer %s", id, layer)
	}
	if err != nil {
		return nil, 0, err
	}
	return f, at, nil
}

func (r *reader) Scan(ctx context.Context, layer string, rg layers.Range) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		ctx, cancel := r.s.alive(ctx)
		defer cancel()
		what := "read layer " + layer
		var t *table
		_, from, err := r.s.readSomewhere(ctx, what, layer, func(c *catalogue, _ *pgx.Batch) (err error) {
			t, err = c.see(r.view, layer)
			return err
		})
		if err == nil && from != r.s.pool {
			var begun bool
			if begun, err = r.s.replica.scan(ctx, t, rg, yield); err != nil && !begun {
				from, err = r.s.pool, nil
			}
			err = r.s.readProblem(ctx, what, t, err)
		}
		if err == nil && from == r.s.pool {
			err = r.s.readProblem(ctx, what, t, t.scan(ctx, from, rg, yield))
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func (t *table) scan(ctx context.Context, from *pgxpool.Pool, rg layers.Range, yield func(*layers.Feature, error) bool) error {
	// To leave early is to cancel: else the rest of the table would be read first.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := where{t: t}
	exact, err := w.within(rg)
	if err != nil {
		return err
	}
	layer := w.param(t.layer.ID)
	rows, err := from.Query(ctx, "SELECT "+t.fields(true)+" FROM "+t.fromVersioned(layer)+w.sql()+t.comment(), w.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		f, err := t.feature(rows)
		if err != nil {
			return err
		}
		if !exact && !rg.Where.Match(f.Row()) {
			continue
		}
		if !yield(f, nil) {
			cancel()
			return nil
		}
	}
	return rows.Err()
}
