package postgis

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

// cursor is the opaque Page.Next: where the page ended, and for which query.
type cursor struct {
	Sum   uint64  `json:"q"`
	Value *string `json:"v,omitempty"` // of the attribute that it is sorted by, as PostgreSQL writes it
	Num   int64   `json:"f"`
}

// sum identifies a query apart from the page and its size.
func sum(q layers.Query) uint64 {
	q.After, q.Limit, q.Count, q.SkipGeometry = "", 0, false, false
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(q)
	return h.Sum64()
}

func (c cursor) String() string {
	b, _ := json.Marshal(c)
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(q layers.Query) (cursor, error) {
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(q.After)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil || c.Sum != sum(q) {
		return c, unknown("cursor", q.After, "not a cursor of this query", "follow the next link, or start without it")
	}
	return c, nil
}

func (r *reader) Query(ctx context.Context, q layers.Query) (layers.Page, error) {
	var page layers.Page
	at, err := r.s.read(ctx, "query layer "+q.Layer, func(c *catalogue, b *pgx.Batch) error {
		page = layers.Page{Matched: -1}
		t, err := c.see(r.view, q.Layer)
		if err != nil {
			return err
		}
		return t.page(b, q, &page)
	})
	if err != nil {
		return layers.Page{Matched: -1}, err
	}
	page.Position = at
	return page, nil
}

// page queues the statements for a page of a query.
func (t *table) page(b *pgx.Batch, q layers.Query, page *layers.Page) error {
	if q.Limit < 1 || q.Limit > layers.MaxLimit {
		return unknown("limit", fmt.Sprint(q.Limit), "out of range", fmt.Sprintf("1 to %d", layers.MaxLimit))
	}
	w := where{t: t}
	if err := w.selection(q.Selection); err != nil {
		return err
	}
	if q.Count {
		b.Queue("SELECT count(*) FROM "+t.from()+w.sql()+t.comment(), w.args...).QueryRow(func(row pgx.Row) error { return row.Scan(&page.Matched) })
	}
	by, order, err := t.order(&w, q)
	if err != nil {
		return err
	}
	fields := t.fields(!q.SkipGeometry) + ", " + by + "::text"
	layer, limit := w.param(t.layer.ID), w.param(q.Limit+1)
	sql := fmt.Sprintf("SELECT %s FROM %s%s ORDER BY %s LIMIT $%d%s", fields, t.fromVersioned(layer), w.sql(), order, limit, t.comment())
	b.Queue(sql, w.args...).Query(func(rows pgx.Rows) error {
		last := cursor{Sum: sum(q)}
		for rows.Next() {
			var value *string
			f, err := t.feature(rows, &value)
			if err != nil {
				return err
			}
			if len(page.Features) == q.Limit {
				page.Next = last.String()
				break
			}
			page.Features = append(page.Features, f)
			last.Num, last.Value = f.Num, value
		}
		rows.Close()
		return rows.Err()
	})
	return nil
}

// order returns what a query sorts by, and adds the condition that the cursor makes.
// Nulls come first, and last if it is descending.
func (t *table) order(w *where, q layers.Query) (by, order string, err error) {
	num := "t." + quote(t.num)
	sortBy, descending := strings.CutPrefix(q.Sort, "-")
	by, order = "NULL", num
	if sortBy != "" {
		a, ok := t.layer.Schema.Attribute(sortBy)
		if !ok {
			return "", "", unknown("sortby", q.Sort, "unknown attribute", "the layer's schema lists the attributes")
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
	c, err := parseCursor(q)
	if err != nil {
		return "", "", err
	}
	key, n := w.escape(by), w.escape(num)
	switch {
	case sortBy == "":
		w.add(n+" > %s", c.Num)
	case c.Value == nil && !descending:
		w.add("("+key+" IS NOT NULL OR "+n+" > %s)", c.Num)
	case c.Value == nil:
		w.add("("+key+" IS NULL AND "+n+" > %s)", c.Num)
	case descending:
		w.add("("+key+" < %s OR "+key+" IS NULL OR "+key+" = %s AND "+n+" > %s)", c.Value, c.Value, c.Num)
	default:
		w.add("("+key+" > %s OR "+key+" = %s AND "+n+" > %s)", c.Value, c.Value, c.Num)
	}
	return by, order, nil
}
