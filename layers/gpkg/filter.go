package gpkg

import (
	"math"
	"strings"

	"onemap/internal/cql2"
	"onemap/internal/cql2/cql2sql"
	"onemap/layers"
)

// filter narrows down what a filter chooses. The rows are asked again: what another
// program wrote may be of any type, and SQLite knows less than the filter language.
func (w *where) filter(f *cql2.Filter) {
	if f == nil {
		return
	}
	if s, _ := cql2sql.Where(f, dialect{w.t}); s.Text != "" {
		w.add("("+strings.ReplaceAll(s.Text, cql2sql.Mark, "?")+")", s.Args...)
	}
}

// dialect is what SQLite can say of a table: always too many rows rather than too few.
type dialect struct{ t *table }

// Column leaves dates, times and what is true or false to us: the file may have them in
// several forms.
func (d dialect) Column(p *cql2.Property, _ bool) (cql2sql.SQL, bool) {
	switch p.Type() {
	case cql2.String:
		if p.Name == "id" {
			return cql2sql.SQL{Text: "t.id COLLATE BINARY"}, true
		}
		return cql2sql.SQL{Text: "t." + quote(p.Name) + " COLLATE BINARY"}, true
	case cql2.Integer, cql2.Number:
		return cql2sql.SQL{Text: "t." + quote(p.Name)}, true
	}
	return cql2sql.SQL{}, false
}

// Value leaves out the numbers of which integers and doubles compare differently.
func (dialect) Value(v any) (cql2sql.SQL, bool) {
	const exact = 1 << 53
	switch v := v.(type) {
	case string:
		return cql2sql.Bind(v), true
	case int64:
		return cql2sql.Bind(v), v <= exact && v >= -exact
	case float64:
		return cql2sql.Bind(v), math.Abs(v) <= exact
	}
	return cql2sql.SQL{}, false
}

// Like finds more than it should: SQLite does not tell the case of ASCII letters.
func (dialect) Like(text cql2sql.SQL, pattern string) (s cql2sql.SQL, exact, ok bool) {
	const most = 10_000 // bytes; SQLite has a limit of its own
	return cql2sql.Join(" LIKE ", text, cql2sql.Bind(pattern).In("", ` ESCAPE '\'`)), false, len(pattern) < most
}

func (dialect) Fold(cql2.Op, cql2sql.SQL) (s cql2sql.SQL, ok bool) { return s, false }

func (dialect) Compute(cql2.Op, cql2sql.SQL, cql2sql.SQL) (s cql2sql.SQL, ok bool) { return s, false }

func (dialect) Null(*cql2.Property) (s cql2sql.SQL, exact, ok bool) { return s, false, false }

func (dialect) Exact(*cql2.Property) bool { return false }

// Relate finds what is near the literal, by the R*Tree.
func (d dialect) Relate(c *cql2.Call) (s cql2sql.SQL, exact, ok bool) {
	box, ok := layers.Around(c)
	if !ok {
		return s, false, false
	}
	near := where{t: d.t}
	near.bbox(box)
	return cql2sql.SQL{Text: strings.ReplaceAll(strings.Join(near.parts, " AND "), "?", cql2sql.Mark), Args: near.args}, false, true
}
