package gpkg

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// where collects conditions. Values are always bound, never written.
type where struct {
	t     *table
	parts []string
	args  []any
}

func (w *where) add(cond string, args ...any) {
	w.parts, w.args = append(w.parts, cond), append(w.args, args...)
}

func (w *where) sql() string {
	if len(w.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.parts, " AND ")
}

// bbox finds what is in one of the boxes: candidates in the R*Tree, whose 32-bit bounds are rounded outward,
// and then compares the exact ones.
func (w *where) bbox(boxes ...orb.Bound) {
	var candidates, exact []string
	var args []any
	g := "t." + quote(w.t.geom)
	for _, b := range boxes {
		candidates = append(candidates, "SELECT id FROM "+quote(w.t.rtree())+" WHERE maxx >= ? AND minx <= ? AND maxy >= ? AND miny <= ?")
		exact = append(exact, "ST_MaxX("+g+") >= ? AND ST_MinX("+g+") <= ? AND ST_MaxY("+g+") >= ? AND ST_MinY("+g+") <= ?")
		args = append(args, b.Min[0], b.Max[0], b.Min[1], b.Max[1])
	}
	w.add("t."+quote(w.t.fid)+" IN ("+strings.Join(candidates, " UNION ALL ")+")", args...)
	w.add("("+strings.Join(exact, " OR ")+")", args...)
}

// within is what a scan is restricted to.
func (w *where) within(r layers.Range) error {
	if boxes := r.Boxes(); boxes != nil {
		w.bbox(boxes...)
		r.BBox = nil
	}
	return w.selection(r.Selection)
}

func (w *where) selection(s layers.Selection) error {
	w.add("t.id IS NOT NULL") // a row gets its id in the statement that inserts it
	schema := w.t.layer.Schema
	if s.BBox != nil {
		w.bbox(*s.BBox)
	}
	if s.Time != nil {
		a, ok := schema.ByRole(layers.RoleTime)
		if !ok {
			return layers.Unfit("datetime", "", "layer "+w.t.layer.ID+" has no attribute with the time role", "leave it out")
		}
		c := "t." + quote(a.Name)
		from, to := s.Time.Ends(a.Type)
		if from != "" {
			w.add(c+" >= ?", from)
		}
		if to != "" {
			w.add(c+" <= ?", to)
		}
	}
	if s.Division != "" {
		a, ok := schema.ByRole(layers.RoleDivision)
		prefix := layers.DivisionPrefix(s.Division)
		switch {
		case !ok:
			return layers.Unfit("division", s.Division, "layer "+w.t.layer.ID+" has no attribute with the division role", "leave it out")
		case prefix == "":
			return layers.Unfit("division", s.Division, "not a division code", "six digits (GB/T 2260) or nine (GB/T 10114)")
		}
		c := "t." + quote(a.Name)
		w.add(c+" >= ? AND "+c+" < ?", prefix, prefix+":") // ':' follows '9'
	}
	if s.Text != "" {
		pattern := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s.Text) + "%"
		any, args := []string{`t.id LIKE ? ESCAPE '\'`}, []any{pattern}
		for _, role := range []layers.Role{layers.RoleName, layers.RoleNameEn} {
			if a, ok := schema.ByRole(role); ok {
				any, args = append(any, "t."+quote(a.Name)+` LIKE ? ESCAPE '\'`), append(args, pattern)
			}
		}
		w.add("("+strings.Join(any, " OR ")+")", args...)
	}
	for _, f := range s.Filters {
		if _, ok := schema.Attribute(f.Attribute); !ok {
			return layers.Unfit(f.Attribute, "", "unknown attribute", "the layer's schema lists the attributes")
		}
		if f.Value == nil {
			w.add("t." + quote(f.Attribute) + " IS NULL")
		} else {
			w.add("t."+quote(f.Attribute)+" = ?", encodeValue(f.Value))
		}
	}
	w.filter(s.Where)
	return nil
}

func (r *reader) Query(ctx context.Context, q layers.Query) (layers.Page, error) {
	return q.Sift(func(q layers.Query) (layers.Candidates, error) {
		page := layers.Candidates{Page: layers.Page{Matched: -1}, Exact: q.Where == nil}
		at, err := r.s.snapshot(ctx, func(tx *sql.Tx, c *catalogue) error {
			t, err := c.see(r.view, q.Layer)
			if err != nil {
				return err
			}
			return t.page(ctx, tx, q, &page)
		})
		if err != nil {
			return layers.Candidates{Page: layers.Page{Matched: -1}}, err
		}
		page.Position = at
		return page, nil
	}, func() (int64, error) {
		return layers.Length(r.Scan(ctx, q.Layer, layers.Range{Selection: q.Selection}))
	})
}

// page fills in a page of a query.
func (t *table) page(ctx context.Context, tx *sql.Tx, q layers.Query, page *layers.Candidates) error {
	if err := q.CheckLimit(); err != nil {
		return err
	}
	w := where{t: t}
	if err := w.selection(q.Selection); err != nil {
		return err
	}
	counted := w
	keys, err := q.SortKeys(t.layer.Schema)
	if err != nil {
		return err
	}
	fid, order, by := "t."+quote(t.fid), " ORDER BY ", make([]string, len(keys))
	columns := t.columns(!q.SkipGeometry || !page.Exact)
	for i, k := range keys {
		by[i] = "t." + quote(k.Name)
		if order += by[i]; k.Descending {
			order += " DESC"
		}
		order += ", "
		columns += ", +" + by[i]
	}
	order += fid
	if q.After != "" {
		c, err := q.Mark()
		if err != nil {
			return err
		}
		after, args := c.Beyond(keys, by, fid, c.Num, "?")
		w.add(after, args...)
	}
	if q.Count && page.Exact {
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+quote(t.layer.ID)+" t"+counted.sql(), counted.args...).Scan(&page.Matched); err != nil {
			return err
		}
	}
	rows, err := tx.QueryContext(ctx, "SELECT "+columns+" FROM "+t.from()+w.sql()+order+" LIMIT ?", append(w.args, q.Limit+1)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	read := newRowReader(t, len(keys))
	var last layers.Mark
	for rows.Next() {
		f, err := read.scan(rows)
		if err != nil {
			return err
		}
		if len(page.Features) == q.Limit {
			page.Next = q.Token(last)
			break
		}
		page.Features = append(page.Features, f)
		last = layers.Mark{Num: f.Num, Values: slices.Clone(read.values[len(read.values)-len(keys):])}
		if !page.Exact {
			page.Marks = append(page.Marks, last)
		}
	}
	return rows.Err()
}
