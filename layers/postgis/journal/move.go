package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// reader is how the rows of a relation are read for a layer.
type reader struct {
	No       int32  // of onemap.captured: names the decoder
	Relation uint32 // as the outbox has it
	Layer    string
	Watched  bool
	Fits     bool // the relation has the shape that the decoder was made for
}

// rows is the condition for rows of the outbox to be the reader's. A relation may be
// captured for one layer and polled for another.
func (r reader) rows() string {
	if r.Watched {
		return fmt.Sprintf("watch = %d", r.No)
	}
	return fmt.Sprintf("relation = %d AND watch IS NULL", r.Relation)
}

// move puts transactions into the log, in their order, and takes them out of the
// outbox.
func (m *mover) move(ctx context.Context, batch []waiting) error {
	var xids []string
	var all waiting
	for _, w := range batch {
		xids = append(xids, w.Xid)
		all.Relations = append(all.Relations, w.Relations...)
		all.Watched = append(all.Watched, w.Watched...)
	}
	var n int64
	var lag time.Duration
	err := pgx.BeginFunc(ctx, m.conn, func(tx pgx.Tx) error {
		readers, broken, err := m.readers(ctx, tx, set(all.Relations), set(all.Watched))
		if err != nil {
			return err
		}
		err = pgx.BeginFunc(ctx, tx, func(sub pgx.Tx) (err error) {
			n, lag, err = m.enter(ctx, sub, xids, readers, broken)
			return err
		})
		var failed *pgconn.PgError
		if errors.As(err, &failed) {
			// Perhaps an image that its type does not read: then the layer is reset.
			unreadable, testErr := m.unreadable(ctx, tx, xids, readers)
			if testErr != nil || len(unreadable) == 0 {
				return err
			}
			m.options.Log.Warn("changes can't be read, so their layers are reset", "layers", layersOf(unreadable), "error", err)
			readers = slices.DeleteFunc(readers, func(r reader) bool { return slices.Contains(unreadable, r) })
			n, lag, err = m.enter(ctx, tx, xids, readers, append(broken, unreadable...))
		}
		return err
	})
	if err != nil {
		return err
	}
	m.report(n, lag)
	m.wake() // also if changes undid each other: somebody may wait for them
	return nil
}

// set sorts values and leaves out those that come again. It is never nil.
func set[T uint32 | int32](s []T) []T {
	slices.Sort(s)
	return append([]T{}, slices.Compact(s)...)
}

// readers finds the decoders for relations, and those whose relation is not what
// it was: their layers are reset, because nobody knows which columns old images
// have. The decoder is made anew for what follows.
func (m *mover) readers(ctx context.Context, tx pgx.Tx, relations []uint32, watched []int32) (fit, broken []reader, err error) {
	const query = `SELECT no, relation::oid, layer, watched, shape IS NOT DISTINCT FROM onemap.shape(relation) FROM onemap.captured
		WHERE NOT watched AND relation = ANY($1::oid[]::regclass[]) OR watched AND no = ANY($2) ORDER BY no`
	all, err := collect[reader](ctx, tx, query, relations, watched)
	if err != nil {
		return nil, nil, err
	}
	if known := func(r uint32) bool {
		return r == 0 || slices.ContainsFunc(all, func(k reader) bool { return k.Relation == r && !k.Watched })
	}; slices.ContainsFunc(relations, func(r uint32) bool { return !known(r) }) {
		// A partition that was attached since we looked, or a table released meanwhile.
		if _, err := tx.Exec(ctx, `SELECT onemap.enlist(layer, root) FROM (SELECT DISTINCT layer, root FROM onemap.captured
			WHERE NOT watched AND root IN (SELECT pg_partition_root(r) FROM unnest($1::oid[]) r)) c`, relations); err != nil {
			return nil, nil, err
		}
		before := all
		if all, err = collect[reader](ctx, tx, query, relations, watched); err != nil {
			return nil, nil, err
		}
		for i := range all {
			all[i].Fits = all[i].Fits && slices.Contains(before, all[i]) // it may have brought rows with it
		}
	}
	for _, r := range all {
		if r.Fits {
			fit = append(fit, r)
			continue
		}
		broken = append(broken, r)
		m.options.Log.Info("the table has changed below us, so its layer is reset", "layer", r.Layer)
		if err := m.learn(ctx, tx, r); err != nil {
			return nil, nil, err
		}
	}
	return fit, broken, nil
}

// learn makes a decoder anew. If that can't be done, because the key is gone, say,
// every change of the relation is a reset until somebody mends it.
func (m *mover) learn(ctx context.Context, tx pgx.Tx, r reader) error {
	err := pgx.BeginFunc(ctx, tx, func(sub pgx.Tx) error {
		_, err := sub.Exec(ctx, "SELECT onemap.learn($1)", r.No)
		return err
	})
	if !isPgError(err) {
		return err
	}
	m.options.Log.Warn("the table of a layer is not what was attached", "layer", r.Layer, "error", err)
	return nil
}

// unreadable returns the readers that fail.
func (m *mover) unreadable(ctx context.Context, tx pgx.Tx, xids []string, readers []reader) (bad []reader, err error) {
	for _, r := range readers {
		err := pgx.BeginFunc(ctx, tx, func(sub pgx.Tx) error {
			_, err := sub.Exec(ctx, fmt.Sprintf(`SELECT count(o), count(n) FROM onemap.outbox x, LATERAL onemap.decode_%[1]d(x.old) o, LATERAL onemap.decode_%[1]d(x.new) n
				WHERE x.xid = ANY($1::xid8[]) AND x.%[2]s AND x.op <> 'T'`, r.No, r.rows()), xids)
			return err
		})
		if isPgError(err) {
			bad = append(bad, r)
		} else if err != nil {
			return nil, err
		}
	}
	return bad, nil
}

// enter writes the log's rows, then what follows from them.
func (m *mover) enter(ctx context.Context, tx pgx.Tx, xids []string, readers, broken []reader) (n int64, lag time.Duration, err error) {
	nos := []int32{}
	for _, r := range broken {
		nos = append(nos, r.No)
	}
	var first, last, lagMs int64
	var disorder []string
	err = tx.QueryRow(ctx, enterSQL(readers), xids, nos, m.options.Bulk).Scan(&first, &last, &lagMs, &disorder)
	if err != nil || last < first {
		return 0, 0, err
	}
	b := &pgx.Batch{}
	b.Queue("UPDATE onemap.state SET position = $1", last)
	b.Queue(`DELETE FROM onemap.version v USING onemap.log l WHERE l.position BETWEEN $1 AND $2 AND l.kind IN ('reset', 'drop') AND v.layer = l.layer`, first, last)
	b.Queue(`INSERT INTO onemap.reset AS r SELECT layer, max(position), max(time) FROM onemap.log WHERE position BETWEEN $1 AND $2 AND kind = 'reset' GROUP BY layer
		ON CONFLICT (layer) DO UPDATE SET position = excluded.position, time = excluded.time`, first, last)
	b.Queue(`DELETE FROM onemap.version v USING onemap.log l WHERE l.position BETWEEN $1 AND $2 AND l.kind = 'delete' AND v.layer = l.layer AND v.key = l.key`, first, last)
	b.Queue(`WITH gone AS MATERIALIZED (SELECT layer, max(position) AS position FROM onemap.log WHERE position BETWEEN $1 AND $2 AND kind IN ('reset', 'drop') GROUP BY layer),
		newest AS (SELECT DISTINCT ON (layer, key) layer, key, kind, position, time FROM onemap.log WHERE position BETWEEN $1 AND $2 AND kind IN ('put', 'delete') ORDER BY layer, key, position DESC)
		INSERT INTO onemap.version SELECT layer, key, position, time FROM newest n
		WHERE kind = 'put' AND NOT EXISTS (SELECT FROM gone g WHERE g.layer = n.layer AND g.position > n.position)
		ON CONFLICT (layer, key) DO UPDATE SET position = excluded.position, time = excluded.time`, first, last)
	for _, layer := range disorder { // for the next batch
		b.Queue("SELECT onemap.note($1, 'reset')", layer)
	}
	b.Queue("SELECT pg_notify('onemap_log', '')")
	return last - first + 1, time.Duration(lagMs) * time.Millisecond, tx.SendBatch(ctx, b).Close()
}

// enterSQL is the statement that takes transactions $1 out of the outbox, folds
// their changes and writes them to the log. $2 are the captured relations that
// can't be read, $3 is how many changes of one layer are too many to tell. Nothing
// but numbers of ours becomes part of its text.
func enterSQL(readers []reader) string {
	var b strings.Builder
	b.WriteString(`WITH tx AS (SELECT xid, seq FROM unnest($1::xid8[]) WITH ORDINALITY t(xid, seq)),
moved AS MATERIALIZED (DELETE FROM onemap.outbox o USING tx WHERE o.xid = tx.xid RETURNING tx.seq, o.*),
txn AS MATERIALIZED (SELECT seq, xid, max(at) AS time, min(at) AS oldest, coalesce(max(actor), '') AS actor FROM moved GROUP BY seq, xid),
-- Each image as key, geometry and attributes.
row AS (SELECT NULL::bigint AS seq, NULL::bigint AS id, NULL::int AS no, NULL::text AS old_key, NULL::bytea AS old_geometry, NULL::json AS old_attributes,
	NULL::text AS new_key, NULL::bytea AS new_geometry, NULL::json AS new_attributes WHERE false`)
	for _, r := range readers {
		fmt.Fprintf(&b, `
	UNION ALL SELECT m.seq, m.id, %[1]d, CASE WHEN m.old IS NOT NULL THEN o.key END, o.geometry, o.attributes, CASE WHEN m.new IS NOT NULL THEN n.key END, n.geometry, n.attributes
		FROM moved m, LATERAL onemap.decode_%[1]d(m.old) o, LATERAL onemap.decode_%[1]d(m.new) n WHERE m.%[2]s AND m.op <> 'T'`, r.No, r.rows())
	}
	b.WriteString(`),
-- What happened to each key: a row that changes its key is gone, and another appears.
event AS (SELECT r.seq, r.id, c.layer, e.* FROM row r JOIN onemap.captured c USING (no) CROSS JOIN LATERAL (
	SELECT 0, old_key, true, old_geometry, old_attributes, false, NULL::bytea, NULL::json WHERE old_key IS NOT NULL AND new_key IS DISTINCT FROM old_key
	UNION ALL
	SELECT 1, new_key, old_key IS NOT NULL AND old_key = new_key, CASE WHEN old_key = new_key THEN old_geometry END, CASE WHEN old_key = new_key THEN old_attributes END,
		true, new_geometry, new_attributes WHERE new_key IS NOT NULL
	) e(sub, key, had, old_geometry, old_attributes, has, new_geometry, new_attributes)),
-- A key's changes within a transaction: usually each begins with what the one before made. Not so where rows
-- exchange their keys under a deferred constraint, or triggers fire within triggers: those are tangled.
linked AS (SELECT e.*, lag(id) OVER w IS NOT NULL AND (had <> lag(has) OVER w OR had AND (old_geometry IS DISTINCT FROM lag(new_geometry) OVER w
		OR old_attributes::text <> lag(new_attributes::text) OVER w)) AS torn
	FROM event e WINDOW w AS (PARTITION BY seq, layer, key ORDER BY id, sub)),
chain AS (SELECT *, bool_or(torn) OVER (PARTITION BY seq, layer, key) AS tangled FROM linked),
-- What counts is the first old and the last new image, or if tangled, what was taken away more often than made, and the reverse.
net AS (SELECT seq, layer, key, geometry, attributes, sum(made) AS made, max(id) AS id FROM (
		SELECT seq, id, layer, key, old_geometry AS geometry, old_attributes::text AS attributes, -1 AS made FROM chain WHERE tangled AND had
		UNION ALL SELECT seq, id, layer, key, new_geometry, new_attributes::text, 1 FROM chain WHERE tangled AND has) i
	GROUP BY 1, 2, 3, 4, 5 HAVING sum(made) <> 0),
folded AS (SELECT seq, id, sub, layer, key, had, old_geometry, old_attributes, has, new_geometry, new_attributes FROM (
		SELECT seq, id, sub, layer, key, first_value(had) OVER w AS had, first_value(old_geometry) OVER w AS old_geometry, first_value(old_attributes) OVER w AS old_attributes,
			has, new_geometry, new_attributes, lead(id) OVER w IS NULL AS final
		FROM chain WHERE NOT tangled WINDOW w AS (PARTITION BY seq, layer, key ORDER BY id, sub)) f WHERE final AND (had OR has)
	UNION ALL SELECT seq, max(id), 1, layer, key, bool_or(made < 0), (array_agg(geometry) FILTER (WHERE made < 0))[1], (array_agg(attributes) FILTER (WHERE made < 0))[1]::json,
		bool_or(made > 0), (array_agg(geometry) FILTER (WHERE made > 0))[1], (array_agg(attributes) FILTER (WHERE made > 0))[1]::json
	FROM net GROUP BY seq, layer, key),
-- A layer that is reset in a transaction is read again after it: its other changes need not be told.
reset AS (
	SELECT m.seq, c.layer, max(m.id) AS id FROM moved m JOIN onemap.captured c ON c.relation = m.relation::regclass AND m.watch IS NOT DISTINCT FROM CASE WHEN c.watched THEN c.no END
		WHERE m.op = 'T' OR c.no = ANY($2::int[]) GROUP BY 1, 2
	UNION ALL SELECT seq, old, max(id) FROM moved WHERE op = 'N' AND new = 'reset' GROUP BY 1, 2
	UNION ALL SELECT seq, layer, max(id) FROM folded GROUP BY 1, 2 HAVING count(*) > $3),
entry AS (
	SELECT seq, id, sub, layer, CASE WHEN has THEN 'put' ELSE 'delete' END AS kind, key, had, old_geometry, old_attributes, new_geometry, new_attributes
		FROM folded f WHERE NOT EXISTS (SELECT FROM reset r WHERE r.seq = f.seq AND r.layer = f.layer)
	UNION ALL SELECT seq, max(id), 2, layer, 'reset', NULL, false, NULL, NULL, NULL, NULL FROM reset GROUP BY seq, layer
	UNION ALL SELECT seq, id, 2, old, new, NULL, false, NULL, NULL, NULL, NULL FROM moved WHERE op = 'N' AND new <> 'reset'),
numbered AS (SELECT e.*, s.segment, s.position + row_number() OVER (ORDER BY seq, id, layer, sub) AS position FROM entry e, onemap.state s),
-- With a deferred constraint, a transaction may write a key before it waits for the one that gives it up: then ids are not the order.
disorder AS (SELECT DISTINCT layer FROM (
	SELECT layer, lag(position) OVER w IS NOT NULL AND (had <> (lag(kind) OVER w = 'put') OR had AND (old_geometry IS DISTINCT FROM lag(new_geometry) OVER w
		OR old_attributes::text <> lag(new_attributes::text) OVER w)) AS torn
	FROM numbered WHERE kind IN ('put', 'delete') WINDOW w AS (PARTITION BY layer, key ORDER BY position)) d WHERE torn),
entered AS (
	INSERT INTO onemap.log (segment, position, last, xid, time, actor, layer, kind, key, old_version, old_geometry, new_geometry, same_geometry, old_attributes, new_attributes)
	SELECT n.segment, n.position, max(n.position) OVER (PARTITION BY n.seq), t.xid, t.time, t.actor, n.layer, n.kind, n.key,
		CASE WHEN n.had THEN coalesce(lag(n.position) OVER (PARTITION BY n.layer, n.key ORDER BY n.position), v.position, z.position) END,
		n.old_geometry, CASE WHEN n.new_geometry IS DISTINCT FROM n.old_geometry THEN n.new_geometry END, n.had AND n.new_attributes IS NOT NULL AND n.new_geometry IS NOT DISTINCT FROM n.old_geometry,
		n.old_attributes, n.new_attributes
	FROM numbered n JOIN txn t USING (seq) LEFT JOIN onemap.version v ON n.had AND v.layer = n.layer AND v.key = n.key LEFT JOIN onemap.reset z ON n.had AND z.layer = n.layer
	RETURNING position)
SELECT s.position + 1, s.position + (SELECT count(*) FROM entered), (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(oldest)) * 1000, 0)::bigint FROM txn),
	ARRAY(SELECT layer FROM disorder) FROM onemap.state s`)
	return b.String()
}

func layersOf(readers []reader) (names []string) {
	for _, r := range readers {
		if !slices.Contains(names, r.Layer) {
			names = append(names, r.Layer)
		}
	}
	return names
}

func isPgError(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e)
}

func collect[T any](ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}
