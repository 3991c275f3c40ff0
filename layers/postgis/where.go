package postgis

import (
	"fmt"
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

// param binds a value and returns its number.
func (w *where) param(v any) int {
	w.args = append(w.args, v)
	return len(w.args)
}

// add adds a condition whose %s are the numbers of bound values.
func (w *where) add(cond string, args ...any) {
	var numbers []any
	for _, a := range args {
		numbers = append(numbers, fmt.Sprintf("$%d", w.param(a)))
	}
	w.parts = append(w.parts, fmt.Sprintf(cond, numbers...))
}

func (w *where) sql() string {
	if len(w.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.parts, " AND ")
}

// bbox finds what is in one of the boxes: candidates by the table's index, whose
// 32-bit bounds are rounded outward, in the table's own reference system, and then it
// compares the exact ones.
func (w *where) bbox(boxes ...orb.Bound) {
	if w.t.srid != srid {
		boxes = boxes[:1] // others end at the antimeridian
	}
	var candidates, exact []string
	var near, bounds []any
	g := w.escape(w.t.place())
	for _, b := range boxes {
		box := "%s::geometry"
		near = append(near, polygon(b))
		if w.t.srid != srid {
			box, near = "onemap.box(%s::geometry, %s::int)", append(near, w.t.srid)
		}
		candidates = append(candidates, "t."+w.escape(quote(w.t.geometry))+" && "+box)
		exact = append(exact, "ST_XMax("+g+") >= %s AND ST_XMin("+g+") <= %s AND ST_YMax("+g+") >= %s AND ST_YMin("+g+") <= %s")
		bounds = append(bounds, b.Min[0], b.Max[0], b.Min[1], b.Max[1])
	}
	w.add("("+strings.Join(candidates, " OR ")+")", near...)
	w.add("("+strings.Join(exact, " OR ")+")", bounds...)
}

// escape keeps a percent sign in a column's name from being taken for a parameter.
func (w *where) escape(sql string) string { return strings.ReplaceAll(sql, "%", "%%") }

// within is what a scan is restricted to.
func (w *where) within(r layers.Range) (exact bool, err error) {
	if boxes := r.Boxes(); boxes != nil {
		w.bbox(boxes...)
		r.BBox = nil
	}
	return w.selection(r.Selection, careful)
}

// selection adds all of a selection, and reports whether it chooses no row too many.
func (w *where) selection(s layers.Selection, how trust) (exact bool, err error) {
	if err := w.plain(s); err != nil {
		return false, err
	}
	return w.filter(s.Where, how), nil
}

// plain adds what every database answers.
func (w *where) plain(s layers.Selection) error {
	if s.BBox != nil {
		w.bbox(*s.BBox)
	}
	if s.Time != nil {
		if err := w.time(*s.Time); err != nil {
			return err
		}
	}
	if s.Division != "" {
		if err := w.division(s.Division); err != nil {
			return err
		}
	}
	if s.Text != "" {
		w.text(s.Text)
	}
	for _, f := range s.Filters {
		a, ok := w.t.layer.Schema.Attribute(f.Attribute)
		if !ok {
			return layers.Unfit(f.Attribute, "", "unknown attribute", "the layer's schema lists the attributes")
		}
		c := w.escape(w.t.column(a.Name))
		switch {
		case f.Value == nil:
			w.add(c + " IS NULL")
		case a.Type == layers.Integer:
			w.add(c+" = %s::bigint", f.Value)
		case a.Type == layers.Number && w.t.types[a.Name] != "real":
			w.add(c+" = %s", text(f.Value)) // read as the column's type
		default:
			w.add(w.escape(w.t.value(a))+" = %s", text(f.Value))
		}
	}
	return nil
}

func (w *where) time(i layers.Interval) error {
	a, ok := w.t.layer.Schema.ByRole(layers.RoleTime)
	if !ok {
		return layers.Unfit("datetime", "", "layer "+w.t.layer.ID+" has no attribute with the time role", "leave it out")
	}
	c := w.escape(w.t.value(a))
	if a.Type != layers.DateType && a.Type != layers.DateTime {
		c = "(" + c + `::text COLLATE "C")`
	}
	from, to := i.Ends(a.Type)
	if from != "" {
		w.add(c+" >= %s", from)
	}
	if to != "" {
		w.add(c+" <= %s", to)
	}
	return nil
}

func (w *where) division(code string) error {
	a, ok := w.t.layer.Schema.ByRole(layers.RoleDivision)
	prefix := layers.DivisionPrefix(code)
	switch {
	case !ok:
		return layers.Unfit("division", code, "layer "+w.t.layer.ID+" has no attribute with the division role", "leave it out")
	case prefix == "":
		return layers.Unfit("division", code, "not a division code", "six digits (GB/T 2260) or nine (GB/T 10114)")
	}
	c := "((" + w.escape(w.t.value(a)) + `)::text COLLATE "C")`
	w.add(c+" >= %s AND "+c+" < %s", prefix, prefix+":") // ':' follows '9'
	return nil
}

func (w *where) text(part string) {
	pattern := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(part) + "%"
	conds, args := []string{"t." + w.escape(quote(w.t.key)) + "::text ILIKE %s"}, []any{pattern}
	for _, role := range []layers.Role{layers.RoleName, layers.RoleNameEn} {
		if a, ok := w.t.layer.Schema.ByRole(role); ok {
			conds, args = append(conds, "("+w.escape(w.t.value(a))+")::text ILIKE %s"), append(args, pattern)
		}
	}
	w.add("("+strings.Join(conds, " OR ")+")", args...)
}
