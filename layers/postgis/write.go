package postgis

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

// write sends what the edits come to, in their order: nothing of a feature that is
// as it was, and one statement for features that are made one after the other.
func (b *batch) write(ctx context.Context, tx pgx.Tx, actor layers.Actor) (xid uint64, err error) {
	q := &pgx.Batch{}
	q.Queue("SELECT pg_current_xact_id() FROM set_config('onemap.actor', $1, true)", actor.Name).QueryRow(func(row pgx.Row) error { return row.Scan(&xid) })
	var making []*row
	for _, r := range b.touched() {
		if r.num == 0 && r.there {
			making = append(making, r)
			continue
		}
		b.queueInsert(q, making)
		making = nil
		switch {
		case r.num != 0 && !r.there:
			q.Queue("DELETE FROM "+b.t.from()+" WHERE t."+quote(b.t.num)+" = $1", r.num)
		case r.num != 0:
			b.queueUpdate(q, r)
		}
	}
	b.queueInsert(q, making)
	b.queueFreshness(q, actor.AsOf)
	return xid, tx.SendBatch(ctx, q).Close()
}

// touched are the rows that edits concern, by the last edit.
func (b *batch) touched() []*row {
	var rows []*row
	for i, r := range b.results {
		if r.last == i {
			rows = append(rows, r)
		}
	}
	return rows
}

func (b *batch) queueInsert(q *pgx.Batch, rows []*row) {
	if len(rows) == 0 {
		return
	}
	t := b.t
	ids, geoms := make([]*string, len(rows)), make([][]byte, len(rows))
	for i, r := range rows {
		if r.id != "" {
			ids[i] = &r.id
		}
		geoms[i] = r.now.geom
	}
	args := []any{ids, geoms}
	var names, values, arrays, aliases strings.Builder
	for k, a := range t.layer.Schema {
		column := make([]*string, len(rows))
		for i, r := range rows {
			column[i] = text(r.now.values[k])
		}
		args = append(args, column)
		fmt.Fprintf(&names, ", %s", quote(t.columns[a.Name]))
		fmt.Fprintf(&values, ", u.c%d::%s", k, sqlTypes[a.Type])
		fmt.Fprintf(&arrays, ", $%d::text[]", k+3)
		fmt.Fprintf(&aliases, ", c%d", k)
	}
	sql := fmt.Sprintf(`INSERT INTO %s (%s, %s%s) SELECT u.id, ST_SetSRID(ST_GeomFromEWKB(u.g), %d)%s FROM unnest($1::text[], $2::bytea[]%s) WITH ORDINALITY u(id, g%s, n) ORDER BY u.n RETURNING %s`,
		quote(t.schema, t.name), quote(t.key), quote(t.geometry), names.String(), srid, values.String(), arrays.String(), aliases.String(), quote(t.key))
	q.Queue(sql+t.comment(), args...).Query(func(returned pgx.Rows) error {
		ids, err := pgx.CollectRows(returned, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for i := range ids { // those without an id got one
			rows[i].id = ids[i]
		}
		return nil
	})
}

// queueUpdate names the columns that change and no others.
func (b *batch) queueUpdate(q *pgx.Batch, r *row) {
	var sets []string
	args := []any{r.num}
	set := func(column, value string, v any) {
		args = append(args, v)
		sets = append(sets, quote(column)+" = "+fmt.Sprintf(value, len(args)))
	}
	if !sameGeometry(r.now.geom, r.old.geom) {
		set(b.t.geometry, fmt.Sprintf("ST_SetSRID(ST_GeomFromEWKB($%%d::bytea), %d)", srid), r.now.geom)
	}
	for k, a := range b.t.layer.Schema {
		if !sameValue(r.now.values[k], r.old.values[k]) {
			set(b.t.columns[a.Name], "$%d::text::"+sqlTypes[a.Type], text(r.now.values[k]))
		}
	}
	if len(sets) > 0 {
		q.Queue("UPDATE "+b.t.from()+" SET "+strings.Join(sets, ", ")+" WHERE t."+quote(b.t.num)+" = $1"+b.t.comment(), args...)
	}
}

// queueFreshness notes how new the layer's data are, last, because others may wait
// for the row. When it is only for the clock, nobody waits.
func (b *batch) queueFreshness(q *pgx.Batch, asOf time.Time) {
	if !asOf.IsZero() {
		q.Queue("UPDATE onemap.freshness SET updated = $2 WHERE layer = $1 AND (updated IS NULL OR updated < $2)", b.t.layer.ID, asOf)
		return
	}
	q.Queue(`UPDATE onemap.freshness SET updated = clock_timestamp() WHERE layer = (SELECT layer FROM onemap.freshness
		WHERE layer = $1 AND (updated IS NULL OR updated < clock_timestamp() - interval '1 second') FOR UPDATE SKIP LOCKED)`, b.t.layer.ID)
}
