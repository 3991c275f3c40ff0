package postgis

import (
	"context"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

func (r *reader) Aggregate(ctx context.Context, q layers.AggregateQuery) ([]layers.Bucket, error) {
	var out []layers.Bucket
	_, err := r.s.read(ctx, "count features of layer "+q.Layer, q.Layer, func(c *catalogue, b *pgx.Batch) error {
		out = nil
		t, err := c.see(r.view, q.Layer)
		if err != nil {
			return err
		}
		return t.aggregate(b, q, &out)
	})
	return out, err
}

func (t *table) aggregate(b *pgx.Batch, q layers.AggregateQuery, out *[]layers.Bucket) error {
	w := where{t: t}
	if err := w.selection(q.Selection); err != nil {
		return err
	}
	a, level, err := q.Group(t.layer.Schema)
	if err != nil {
		return err
	}
	if q.GroupBy == "" {
		b.Queue("SELECT count(*) FROM "+t.from()+w.sql()+t.comment(), w.args...).QueryRow(func(row pgx.Row) error {
			*out = []layers.Bucket{{}}
			return row.Scan(&(*out)[0].Count)
		})
		return nil
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
	return nil
}
