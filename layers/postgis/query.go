package postgis

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

func (r *reader) Query(ctx context.Context, q layers.Query) (layers.Page, error) {
	how := whole
	return q.Sift(func(q layers.Query) (layers.Candidates, error) {
		page, err := r.candidates(ctx, q, how)
		if how == whole && q.Where != nil && failedOnARow(err) {
			how = none
			page, err = r.candidates(ctx, q, how)
		}
		return page, err
	}, func() (int64, error) {
		return layers.Length(r.Scan(ctx, q.Layer, layers.Range{Selection: q.Selection}))
	})
}

func (r *reader) candidates(ctx context.Context, q layers.Query, how trust) (layers.Candidates, error) {
	var page layers.Candidates
	at, err := r.s.read(ctx, "query layer "+q.Layer, q.Layer, func(c *catalogue, b *pgx.Batch) error {
		page = layers.Candidates{Page: layers.Page{Matched: -1}}
		t, err := c.see(r.view, q.Layer)
		if err != nil {
			return err
		}
		return t.page(b, q, how, &page)
	})
	if err != nil {
		return layers.Candidates{Page: layers.Page{Matched: -1}}, err
	}
	page.Position = at
	return page, nil
}

// page queues the statements for a page of a query.
func (t *table) page(b *pgx.Batch, q layers.Query, how trust, page *layers.Candidates) (err error) {
	if err := q.CheckLimit(); err != nil {
		return err
	}
	w := where{t: t}
	if page.Exact, err = w.selection(q.Selection, how); err != nil {
		return err
	}
	if q.Count && page.Exact {
		b.Queue("SELECT count(*) FROM "+t.from()+w.sql()+t.comment(), w.args...).QueryRow(func(row pgx.Row) error { return row.Scan(&page.Matched) })
	}
	by, order, err := t.order(&w, q)
	if err != nil {
		return err
	}
	fields := t.fields(!q.SkipGeometry || !page.Exact)
	for _, key := range by {
		fields += ", " + key + "::text"
	}
	layer, limit := w.param(t.layer.ID), w.param(q.Limit+1)
	sql := fmt.Sprintf("SELECT %s FROM %s%s ORDER BY %s LIMIT $%d%s", fields, t.fromVersioned(layer), w.sql(), order, limit, t.comment())
	b.Queue(sql, w.args...).Query(func(rows pgx.Rows) error {
		var last layers.Mark
		for rows.Next() {
			values, into := make([]any, len(by)), make([]any, len(by))
			for i := range values {
				into[i] = &values[i]
			}
			f, err := t.feature(rows, into...)
			if err != nil {
				return err
			}
			if len(page.Features) == q.Limit {
				page.Next = q.Token(last)
				break
			}
			page.Features = append(page.Features, f)
			if last = (layers.Mark{Values: values, Num: f.Num, ID: f.ID}); !page.Exact {
				page.Marks = append(page.Marks, last)
			}
		}
		rows.Close()
		return rows.Err()
	})
	return nil
}

// order returns the expressions that a query sorts by and its order, and adds the
// condition that the cursor makes.
func (t *table) order(w *where, q layers.Query) (by []string, order string, err error) {
	keys, err := q.SortKeys(t.layer.Schema)
	if err != nil {
		return nil, "", err
	}
	num := "t." + quote(cmp.Or(t.num, t.key))
	by, escaped := make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		by[i] = t.ordered(k.Attribute)
		escaped[i] = w.escape(by[i])
		if order += by[i]; k.Descending {
			order += " DESC NULLS LAST, "
		} else {
			order += " NULLS FIRST, "
		}
	}
	order += num
	if q.After == "" {
		return by, order, nil
	}
	c, err := q.Mark()
	if err != nil {
		return nil, "", err
	}
	var at any = c.Num
	if t.num == "" {
		at, _ = keyTypes[t.keyType](c.ID)
	}
	after, args := c.Beyond(keys, escaped, w.escape(num), at, "%s")
	w.add(after, args...)
	return by, order, nil
}
