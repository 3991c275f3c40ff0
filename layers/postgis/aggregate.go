package postgis

import (
	"context"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

func (r *reader) Aggregate(ctx context.Context, q layers.AggregateQuery) ([]layers.Bucket, error) {
	var out []layers.Bucket
	var t *table
	exact := true
	_, err := r.s.read(ctx, "count features of layer "+q.Layer, q.Layer, func(c *catalogue, b *pgx.Batch) (err error) {
		out = nil
		if t, err = c.see(r.view, q.Layer); err != nil {
			return err
		}
		exact, err = t.aggregate(b, q, &out)
		return err
	})
	if exact && (q.Where == nil || !failedOnARow(err)) {
		return out, err
	}
	return q.Tally(t.layer, r.Scan(ctx, q.Layer, layers.Range{Selection: q.Selection}))
}

// aggregate queues the statement that counts, if the database can answer all of the
// query's filter.
func (t *table) aggregate(b *pgx.Batch, q layers.AggregateQuery, out *[]layers.Bucket) (exact bool, err error) {
	w := where{t: t}
	if exact, err = w.selection(q.Selection, whole); err != nil || !exact {
		return exact, err
	}
	a, level, err := q.Group(t.layer.Schema)
	if err != nil {
		return true, err
	}
	if q.GroupBy == "" {
		b.Queue("SELECT count(*) FROM "+t.from()+w.sql()+t.comment(), w.args...).QueryRow(func(row pgx.Row) error {
			*out = []layers.Bucket{{}}
			return row.Scan(&(*out)[0].Count)
		})
		return true, nil
	}
	order := "key"
	if a.Type == layers.String || a.Type == layers.JSON {
		order = `key COLLATE "C"`
	}
	sql := "SELECT key, n FROM (SELECT " + t.value(a) + " AS key, count(*) AS n FROM " + t.from() + w.sql() + " GROUP BY 1) g ORDER BY " + order + " NULLS FIRST" + t.comment()
	b.Queue(sql, w.args...).Query(func(rows pgx.Rows) error {
		groups := layers.Buckets{Level: level}
		for rows.Next() {
			var n int64
			group := map[string]any{}
			if err := rows.Scan(property{group, a}, &n); err != nil {
				return err
			}
			groups.Add(group[a.Name], n)
		}
		*out = groups.List()
		return rows.Err()
	})
	return true, nil
}
