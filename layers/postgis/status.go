package postgis

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// statuses keeps what was counted, and follows the log from there: a table of many
// rows is counted once.
type statuses struct {
	sync.Mutex
	epoch   string
	at      layers.Position // of the log that was followed
	counted map[string]*counted
}

type counted struct {
	at     layers.Position // the count has every change up to here and none after
	count  int64
	extent *orb.Bound
	old    bool // the extent is
}

// exactRows is how many rows are counted anew, with their exact bounds, after each
// change. Of larger tables the log tells the count, and the index the bounds.
const exactRows = 20_000

// entries adds to layers what is known of their content.
func (s *Store) entries(ctx context.Context, tables ...*table) ([]layers.Entry, error) {
	ctx, cancel := s.alive(ctx)
	defer cancel()
	s.statuses.Lock()
	defer s.statuses.Unlock()
	if err := s.statuses.follow(ctx, s); err != nil {
		return nil, s.problem(ctx, "read the state of the layers", err)
	}
	updated := map[string]time.Time{}
	rows, err := s.pool.Query(ctx, "SELECT layer, updated FROM onemap.freshness WHERE updated IS NOT NULL")
	if err == nil {
		var layer string
		var at time.Time
		_, err = pgx.ForEachRow(rows, []any{&layer, &at}, func() error { updated[layer] = at.UTC(); return nil })
	}
	if err != nil {
		return nil, s.problem(ctx, "read the state of the layers", err)
	}
	entries := make([]layers.Entry, len(tables))
	for i, t := range tables {
		entries[i] = layers.Entry{Layer: t.layer, Status: layers.Status{Updated: updated[t.layer.ID]}}
		c, err := s.statuses.count(ctx, s, t)
		if isCode(err, undefinedTable, undefinedColumn) || !t.managed && rowFault(err) { // one broken layer does not hide the others
			s.log.Warn("the table of a layer is not what it was", "layer", t.layer.ID, "error", err)
			continue
		} else if err != nil {
			return nil, s.problem(ctx, "count the features of "+t.layer.ID, err)
		}
		entries[i].Status.Count, entries[i].Status.Extent = c.count, c.extent
	}
	return entries, nil
}

// follow takes up what the log says since the last time.
func (m *statuses) follow(ctx context.Context, s *Store) error {
	var ids []string
	var ats []int64
	for id, c := range m.counted {
		ids, ats = append(ids, id), append(ats, int64(c.at))
	}
	rows, err := s.pool.Query(ctx, `SELECT s.epoch, s.position, coalesce(d.layer, ''), coalesce(d.delta, 0), coalesce(d.other, false), d.below
		FROM onemap.state s LEFT JOIN LATERAL (
			SELECT l.layer, sum(CASE WHEN l.position <= k.at THEN 0 WHEN l.kind = 'delete' THEN -1 WHEN l.kind = 'put' AND l.old_attributes IS NULL THEN 1 ELSE 0 END) AS delta,
				bool_or(l.kind NOT IN ('put', 'delete')) AS other, max(l.time) FILTER (WHERE l.actor = '' AND l.kind IN ('put', 'delete', 'reset')) AS below
			FROM onemap.log l LEFT JOIN unnest($2::text[], $3::bigint[]) k(layer, at) ON k.layer = l.layer
			WHERE l.position > $1 AND l.position <= s.position GROUP BY l.layer) d ON true`, int64(m.at), ids, ats)
	if err != nil {
		return err
	}
	before, epoch, at := m.epoch, "", layers.Position(0)
	news := map[string]time.Time{} // newest change that somebody made below us
	var layer string
	var delta int64
	var other bool
	var below *time.Time
	_, err = pgx.ForEachRow(rows, []any{&epoch, &at, &layer, &delta, &other, &below}, func() error {
		if c := m.counted[layer]; c != nil && (other || c.count <= exactRows) {
			delete(m.counted, layer)
		} else if c != nil {
			c.count, c.at, c.old = c.count+delta, max(c.at, at), true
		}
		if below != nil {
			news[layer] = *below
		}
		return nil
	})
	if err != nil {
		return err
	}
	if epoch != before || m.counted == nil {
		m.counted = map[string]*counted{}
	}
	for layer, at := range news {
		_, err := s.pool.Exec(ctx, "UPDATE onemap.freshness SET updated = $2 WHERE layer = $1 AND (updated IS NULL OR updated < $2)", layer, at)
		if err != nil && !isCode(err, readOnly) {
			return err
		}
	}
	m.epoch, m.at = epoch, at
	return nil
}

// count returns what is known of a table, and finds it out if nothing is.
func (m *statuses) count(ctx context.Context, s *Store, t *table) (*counted, error) {
	c := m.counted[t.layer.ID]
	if c != nil && !c.old {
		return c, nil
	}
	if c == nil {
		c = &counted{}
		var pending int64
		err := s.pool.QueryRow(ctx, `SELECT s.position, (SELECT count(*) FROM `+t.from()+`), (SELECT count(*) FILTER (WHERE op = 'I') - count(*) FILTER (WHERE op = 'D')
			FROM onemap.outbox o JOIN onemap.captured c ON c.relation = o.relation::regclass AND o.watch IS NOT DISTINCT FROM CASE WHEN c.watched THEN c.no END WHERE c.layer = $1) FROM onemap.state s`+t.comment(), t.layer.ID).Scan(&c.at, &c.count, &pending)
		if err != nil {
			return nil, err
		}
		if c.count > exactRows {
			c.count -= pending // the log will count them
		}
	}
	if err := c.measure(ctx, s, t); err != nil {
		return nil, err
	}
	c.old = false
	m.counted[t.layer.ID] = c
	return c, nil
}

// measure finds the bounds: of many rows those that the index or the statistics know,
// which only grow, if they know any.
func (c *counted) measure(ctx context.Context, s *Store, t *table) error {
	var extent geom.T
	if c.count > exactRows {
		err := s.pool.QueryRow(ctx, `SELECT ST_Transform(ST_SetSRID(ST_EstimatedExtent($1, $2, $3)::geometry, $4::int), 4326)`+t.comment(), t.schema, t.name, t.geometry, t.srid).Scan(&extent)
		if err != nil || extent == nil && c.extent != nil { // a view: what was measured once is near enough
			return err
		}
	}
	if extent == nil {
		if err := s.pool.QueryRow(ctx, "SELECT ST_Extent("+t.place()+")::geometry FROM "+t.from()+t.comment()).Scan(&extent); err != nil {
			return err
		}
	}
	c.extent = nil
	if b, ok := layers.BoundOf(extent); ok {
		c.extent = &b
	}
	return nil
}
