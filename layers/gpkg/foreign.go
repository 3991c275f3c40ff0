package gpkg

import (
	"context"
	"time"
)

// A program that replaces a table does so in several transactions: GDAL drops the
// table, makes and fills another, and adds the spatial index last. In between the
// table is left alone until the file has been quiet for a while.
const (
	quietIndexed = 250 * time.Millisecond // the new table has its index
	quietBare    = 1500 * time.Millisecond
	quietGone    = 3 * time.Second // the table is gone
)

// watcher notices what other connections commit: PRAGMA data_version changes with
// each such commit and costs no disk access.
type watcher struct {
	s       *Store
	version int64     // data_version that was dealt with
	schema  int64     // schema_version that was inspected
	damaged bool      // a layer's table is not as it should be
	since   time.Time // the last commit by another program while damaged
}

func (w *watcher) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := w.look(ctx); err != nil && ctx.Err() == nil {
			w.s.log.Warn("changes made by another program could not be taken over; trying again", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond): // the log need not hear it forty times a second
			}
		}
	}
}

func (w *watcher) look(ctx context.Context) error {
	var version int64
	if err := w.s.watch.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
		return err
	}
	if version != w.version {
		if err := w.take(ctx); err != nil {
			return err
		}
		w.version = version
	}
	if w.damaged {
		return w.repair(ctx)
	}
	return nil
}

// take takes over what was committed: changes in the outbox, the head, the
// catalogue, and the news that tables were made or dropped.
func (w *watcher) take(ctx context.Context) error {
	var schema int64
	var pending bool
	if err := w.s.watch.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&schema); err != nil {
		return err
	}
	if err := w.s.watch.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM onemap_outbox)").Scan(&pending); err != nil {
		return err
	}
	if pending { // every transaction of ours moves them
		if err := w.s.writer.do(ctx, func(*txn) error { return nil }); err != nil {
			return err
		}
	} else if err := w.s.refresh(ctx); err != nil { // our own commit, or that of another onemap process
		return err
	}
	if schema != w.schema || w.damaged {
		damages, err := w.s.inspect(ctx, w.s.watch)
		if err != nil {
			return err
		}
		w.schema, w.damaged, w.since = schema, len(damages) > 0, time.Now()
	}
	return nil
}

// repair takes over replaced tables as soon as the other program seems to be done.
func (w *watcher) repair(ctx context.Context) error {
	damages, err := w.s.inspect(ctx, w.s.watch)
	if err != nil {
		return err
	}
	w.damaged = len(damages) > 0
	for _, d := range damages {
		wait := quietBare
		switch {
		case d.gone:
			wait = quietGone
		case d.indexed:
			wait = quietIndexed
		}
		if time.Since(w.since) < wait {
			return nil
		}
	}
	if !w.damaged {
		return nil
	}
	if err := w.s.writer.do(ctx, (*txn).adoptTables); err != nil {
		return err
	}
	w.damaged = false
	return nil
}

// damage is what is wrong with a layer's table.
type damage struct {
	t          *table
	gone       bool // there is no such table
	uncaptured bool // triggers of ours are missing: changes may have been missed
	indexed    bool // it has a spatial index with all that keeps it
}

// inspect finds the layers whose tables, columns or triggers other programs changed.
func (s *Store) inspect(ctx context.Context, q queryer) ([]damage, error) {
	c, err := loadCatalogue(ctx, q)
	if err != nil {
		return nil, err
	}
	triggers := map[string]string{} // SQL by name
	tables := map[string]bool{}
	rows, err := q.QueryContext(ctx, "SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_master WHERE type IN ('table', 'trigger')")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind, name, table, sql string
		if err := rows.Scan(&kind, &name, &table, &sql); err != nil {
			return nil, err
		}
		if kind == "table" {
			tables[name] = true
		} else {
			triggers[table+" "+name] = sql
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var found []damage
	for _, id := range c.ids {
		t := c.tables[id]
		d := damage{t: t, gone: !tables[id], indexed: tables[t.rtree()]}
		for _, n := range rtreeNames[:6] {
			_, ok := triggers[id+" "+t.rtree()+"_"+n]
			d.indexed = d.indexed && ok
		}
		wrong := d.gone || !d.indexed
		for i, want := range captureTriggers(t) {
			have, ok := triggers[id+" "+"onemap_"+id+"_"+captureNames[i]]
			d.uncaptured = d.uncaptured || !ok
			wrong = wrong || have != want
		}
		if !wrong {
			if wrong, err = otherColumns(ctx, q, t); err != nil {
				return nil, err
			}
		}
		if wrong {
			found = append(found, d)
		}
	}
	return found, nil
}

// otherColumns reports whether the table has not just the columns of its layer.
func otherColumns(ctx context.Context, q queryer, t *table) (bool, error) {
	columns, err := readColumns(ctx, q, t.layer.ID)
	if err != nil {
		return false, err
	}
	have := map[string]bool{}
	for _, c := range columns {
		have[c.name] = true
		if _, ok := t.layer.Schema.Attribute(c.name); !ok && c.kept() && c.name != t.fid && c.name != t.geom && c.name != "id" {
			return true, nil
		}
	}
	for _, a := range t.layer.Schema {
		if !have[a.Name] {
			return true, nil
		}
	}
	return !have[t.fid] || !have[t.geom] || !have["id"], nil
}
