package postgis

import (
	"cmp"
	"context"
	"fmt"
	"strings"

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
	fields := t.fields(!q.SkipGeometry || !page.Exact) + ", " + by + "::text"
	layer, limit := w.param(t.layer.ID), w.param(q.Limit+1)
	sql := fmt.Sprintf("SELECT %s FROM %s%s ORDER BY %s LIMIT $%d%s", fields, t.fromVersioned(layer), w.sql(), order, limit, t.comment())
	b.Queue(sql, w.args...).Query(func(rows pgx.Rows) error {
		var last layers.Mark
		for rows.Next() {
			var value any
			f, err := t.feature(rows, &value)
			if err != nil {
				return err
			}
			if len(page.Features) == q.Limit {
				page.Next = q.Token(last)
				break
			}
			page.Features = append(page.Features, f)
			if last = (layers.Mark{Value: value, Num: f.Num, ID: f.ID}); !page.Exact {
				page.Marks = append(page.Marks, last)
			}
		}
		rows.Close()
		return rows.Err()
	})
	return nil
}

// order returns what a query sorts by, and adds the condition that the cursor makes.
// Nulls come first, and last if it is descending.
func (t *table) order(w *where, q layers.Query) (by, order string, err error) {
	num := "t." + quote(cmp.Or(t.num, t.key))
	sortBy, descending := strings.CutPrefix(q.Sort, "-")
	by, order = "NULL", num
	if sortBy != "" {
		a, ok := t.layer.Schema.Attribute(sortBy)
		if !ok {
			return "", "", layers.Unfit("sortby", q.Sort, "unknown attribute", "the layer's schema lists the attributes")
		}
		by = t.ordered(a)
		order = by + " NULLS FIRST, " + num
		if descending {
			order = by + " DESC NULLS LAST, " + num
		}
	}
	if q.After == "" {
		return by, order, nil
	}
	c, err := q.Mark()
	if err != nil {
		return "", "", err
	}
	key, n := w.escape(by), w.escape(num)
	var at any = c.Num
	if t.num == "" {
		at, _ = keyTypes[t.keyType](c.ID)
	}
	switch {
	case sortBy == "":
		w.add(n+" > %s", at)
	case c.Value == nil && !descending:
		w.add("("+key+" IS NOT NULL OR "+n+" > %s)", at)
	case c.Value == nil:
		w.add("("+key+" IS NULL AND "+n+" > %s)", at)
	case descending:
		w.add("("+key+" < %s OR "+key+" IS NULL OR "+key+" = %s AND "+n+" > %s)", c.Value, c.Value, at)
	default:
		w.add("("+key+" > %s OR "+key+" = %s AND "+n+" > %s)", c.Value, c.Value, at)
	}
	return by, order, nil
}
