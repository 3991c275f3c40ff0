package postgis

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

func (r *reader) Aggregate(ctx context.Context, q layers.AggregateQuery) ([]layers.Bucket, error) {
	var out []layers.Bucket
	_, err := r.s.read(ctx, "count features of layer "+q.Layer, func(c *catalogue, b *pgx.Batch) error {
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
	a, level, err := t.group(q.GroupBy)
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
		at := map[any]int{}
		for rows.Next() {
			var n int64
			group := map[string]any{}
			if err := rows.Scan(property{group, a}, &n); err != nil {
				return err
			}
			k := group[a.Name]
			if level > 0 {
				code, _ := k.(string)
				if k = nil; layers.DivisionAt(code, level) != "" {
					k = layers.DivisionAt(code, level)
				}
			}
			if raw, ok := k.(json.RawMessage); ok {
				k = string(raw)
			}
			if i, ok := at[k]; ok {
				(*out)[i].Count += n
				continue
			}
			at[k] = len(*out)
			*out = append(*out, layers.Bucket{Key: k, Count: n})
		}
		return rows.Err()
	})
	return nil
}

// group finds the attribute that GroupBy names, and the level of its divisions.
func (t *table) group(by string) (a layers.Attribute, level int, err error) {
	if n, ok := strings.CutPrefix(by, "division:"); ok {
		a, has := t.layer.Schema.ByRole(layers.RoleDivision)
		if len(n) != 1 || n[0] < '1' || n[0] > '4' || !has {
			return a, 0, unknown("groupby", by, "no such division level in this layer", "division:1 to division:4, on a layer with a division attribute")
		}
		return a, int(n[0] - '0'), nil
	}
	a, ok := t.layer.Schema.Attribute(by)
	if by != "" && !ok {
		return a, 0, unknown("groupby", by, "unknown attribute", "an attribute of the layer's schema, or division:1 to division:4")
	}
	return a, 0, nil
}
