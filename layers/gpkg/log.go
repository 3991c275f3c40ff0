package gpkg

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"onemap/layers"
)

const headSQL = `SELECT ifnull((SELECT max(position) FROM onemap_log), (SELECT value FROM onemap_meta WHERE key = 'floor'))`

// stateSQL reads the lineage, the number of the catalogue's version, and where the
// log begins and ends.
const stateSQL = `SELECT (SELECT value FROM onemap_meta WHERE key = 'epoch'), (SELECT value FROM onemap_meta WHERE key = 'catalogue'),
	(SELECT value FROM onemap_meta WHERE key = 'floor'), (` + headSQL + `)`

// Head implements layers.Log.
func (s *Store) Head(ctx context.Context) (layers.Cursor, error) {
	var at int64
	if err := s.read.QueryRowContext(ctx, headSQL).Scan(&at); err != nil {
		return layers.Cursor{}, unavailable(ctx, err)
	}
	return layers.Cursor{Epoch: s.catalogue.Load().epoch, Position: layers.Position(at)}, nil
}

// Wait implements layers.Log.
func (s *Store) Wait(ctx context.Context, after layers.Position) error {
	for {
		s.mu.Lock()
		head, moved := s.head, s.moved
		s.mu.Unlock()
		if head > after {
			return nil
		}
		select {
		case <-moved:
		case <-s.writer.finished:
			return errClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// refresh takes up what was committed by others, or undone by us: new definitions
// and the new head.
func (s *Store) refresh(ctx context.Context) error {
	head, err := s.snapshot(ctx, func(*sql.Tx, *catalogue) error { return nil })
	if err == nil {
		s.advance(head)
	}
	return err
}

// publish makes a committed catalogue known, unless a newer one is already.
func (s *Store) publish(c *catalogue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was := s.catalogue.Load(); was == nil || was.epoch != c.epoch || was.version < c.version {
		s.catalogue.Store(c)
	}
}

// advance wakes those who wait for the log to grow.
func (s *Store) advance(head layers.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if head > s.head {
		s.head = head
		close(s.moved)
		s.moved = make(chan struct{})
	}
}

// Changes implements layers.Log.
func (s *Store) Changes(ctx context.Context, after layers.Cursor, limit int) ([]layers.Commit, error) {
	var commits []layers.Commit
	// A read-only transaction: floor, head and rows belong together.
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	defer func() { _ = tx.Rollback() }()
	c, floor, head, err := s.stateOf(ctx, tx)
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	switch p := after.Position; {
	case after.Epoch != c.epoch:
		return nil, layers.Errorf(layers.Expired, "position %s is of another epoch; this one is %s", after, c.epoch)
	case p > head:
		return nil, layers.Errorf(layers.Expired, "position %s is ahead of the log, which ends at %d", after, head)
	case p < floor:
		return nil, layers.Errorf(layers.Expired, "position %s is no longer in the log, which starts after %d", after, floor)
	case p == head:
		return nil, nil
	}
	rows, err := tx.QueryContext(ctx, `SELECT position, last, time, actor, layer, kind, fid, id, old_version, old_geom, new_geom, same_geom, old_props, new_props
		FROM onemap_log WHERE position > ?1 AND position <= (SELECT last FROM onemap_log WHERE position = min(?1 + max(?2, 1), ?3)) ORDER BY position`,
		int64(after.Position), limit, int64(head))
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	defer rows.Close()
	var last int64
	for rows.Next() {
		var l logRow
		if err := rows.Scan(&l.position, &l.last, &l.ms, &l.actor, &l.layer, &l.kind, &l.fid, &l.id, &l.oldVersion, &l.oldGeom, &l.newGeom, &l.sameGeom, &l.oldProps, &l.newProps); err != nil {
			return nil, unavailable(ctx, err)
		}
		ch, err := l.change(c)
		if err != nil {
			return nil, layers.Errorf(layers.Internal, "log position %d: %w", l.position, err)
		}
		if l.last != last {
			commits = append(commits, layers.Commit{Time: time.UnixMilli(l.ms).UTC(), Actor: l.actor})
			last = l.last
		}
		k := &commits[len(commits)-1]
		k.Changes = append(k.Changes, ch)
	}
	return commits, unavailable(ctx, rows.Err())
}

// logRow is a row of onemap_log.
type logRow struct {
	position, last, ms, layer int64
	actor, kind               string
	fid, oldVersion           sql.NullInt64
	id, oldProps, newProps    sql.NullString
	oldGeom, newGeom          []byte
	sameGeom                  sql.NullBool
}

func (l *logRow) change(c *catalogue) (layers.Change, error) {
	ch := layers.Change{Position: layers.Position(l.position), Layer: c.names[l.layer], Kind: layers.ChangeKind(l.kind), ID: l.id.String}
	var schema layers.Schema
	if t, ok := c.tables[ch.Layer]; ok && t.no == l.layer {
		schema = t.layer.Schema
	}
	var err error
	if l.oldProps.Valid {
		old := &layers.Feature{ID: ch.ID, Num: l.fid.Int64, Version: layers.Position(l.oldVersion.Int64)}
		old.Geometry = decodeGeometry(l.oldGeom)
		if old.Properties, err = decodeImage(schema, l.oldProps.String); err != nil {
			return ch, err
		}
		ch.Old = old
	}
	if l.newProps.Valid || ch.Old != nil && ch.Kind == layers.ChangePut {
		f := &layers.Feature{ID: ch.ID, Num: l.fid.Int64, Version: ch.Position, Updated: time.UnixMilli(l.ms).UTC()}
		if l.sameGeom.Bool && ch.Old != nil {
			f.Geometry = ch.Old.Geometry
		} else {
			f.Geometry = decodeGeometry(l.newGeom)
		}
		if !l.newProps.Valid { // it kept them
			f.Properties = maps.Clone(ch.Old.Properties)
		} else if f.Properties, err = decodeImage(schema, l.newProps.String); err != nil {
			return ch, err
		}
		ch.New = f
	}
	return ch, nil
}

// decodeImage reads a row image. Attributes that the schema no longer has are
// left out.
func decodeImage(s layers.Schema, image string) (map[string]any, error) {
	d := json.NewDecoder(strings.NewReader(image))
	d.UseNumber()
	var raw map[string]any
	if err := d.Decode(&raw); err != nil {
		return nil, err
	}
	props := make(map[string]any, len(s))
	for i := range s {
		v := raw[s[i].Name]
		if n, ok := v.(json.Number); ok {
			if k, err := n.Int64(); err == nil {
				v = k
			} else if f, err := n.Float64(); err == nil {
				v = f
			}
		}
		if x := decodeValue(&s[i], v); x != nil {
			props[s[i].Name] = x
		}
	}
	return props, nil
}

// Trim removes what the retention no longer asks for, in small transactions.
func (s *Store) Trim(ctx context.Context, r Retention) error {
	var keep layers.Position // the log needs nothing up to here
	err := s.read.QueryRowContext(ctx, `SELECT max((`+headSQL+`) - ?1, ifnull((SELECT max(last) FROM onemap_log WHERE time < ?2), 0))`,
		r.Changes, time.Now().Add(-r.Age).UnixMilli()).Scan(&keep)
	if err != nil || keep <= 0 {
		return unavailable(ctx, err)
	}
	return s.TrimTo(ctx, keep)
}

// TrimTo removes the commits of the log that end at or before the position.
func (s *Store) TrimTo(ctx context.Context, position layers.Position) error {
	for more := true; more; {
		err := s.writer.do(ctx, func(tx *txn) error {
			const step = 2000 // changes, so that nobody waits for long
			var until int64
			err := tx.row(`SELECT ifnull(max(last), 0) FROM onemap_log WHERE last <= ?1
				AND position <= max((SELECT min(position) FROM onemap_log) + ?2, (SELECT last FROM onemap_log ORDER BY position LIMIT 1))`,
				int64(position), step).Scan(&until)
			if err != nil {
				return err
			}
			if more = until > 0; !more {
				return nil
			}
			if err := tx.exec("UPDATE onemap_meta SET value = max(value, ?) WHERE key = 'floor'", until); err != nil {
				return err
			}
			return tx.exec("DELETE FROM onemap_log WHERE position <= ?", until)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
