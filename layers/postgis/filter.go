package postgis

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/internal/cql2"
	"onemap/internal/cql2/cql2sql"
	"onemap/layers"
)

// trust is how much of a filter the database may answer.
type trust int

const (
	whole   trust = iota // all that it says as the evaluator does
	careful              // all that can't fail on a row, for what may not be asked again
	none                 // nothing: it failed on a row
)

// filter adds a filter as a condition, and reports whether that chooses no row too many.
func (w *where) filter(f *cql2.Filter, how trust) (exact bool) {
	if f == nil || how == none {
		return f == nil
	}
	s, exact := cql2sql.Where(f, dialect{w.t, how})
	if s.Text != "" {
		w.add("("+strings.ReplaceAll(w.escape(s.Text), cql2sql.Mark, "%s")+")", s.Args...)
	}
	return exact
}

// failedOnARow reports whether a statement failed because of what is in a row: a number
// that is out of range, an outline that GEOS can't work with.
func failedOnARow(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (strings.HasPrefix(e.Code, "22") || e.Code == "XX000")
}

// dialect is what PostgreSQL can say of a table.
type dialect struct {
	t *table
	trust
}

func (d dialect) Column(p *cql2.Property, ordered bool) (cql2sql.SQL, bool) {
	if p.Name == "id" {
		return cql2sql.SQL{Text: "(t." + quote(d.t.key) + `::text COLLATE "C")`}, true
	}
	a, ok := d.t.layer.Schema.Attribute(p.Name)
	if !ok {
		return cql2sql.SQL{}, false
	}
	switch p.Type() {
	case cql2.String:
		if ordered {
			return cql2sql.SQL{Text: d.t.ordered(a)}, true
		}
		return cql2sql.SQL{Text: "(" + d.t.value(a) + ")"}, true
	case cql2.Integer, cql2.Boolean, cql2.Date:
		return cql2sql.SQL{Text: d.t.column(a.Name)}, true
	case cql2.Number:
		if d.t.types[a.Name] == "real" {
			return cql2sql.SQL{Text: "(" + d.t.value(a) + ")"}, true
		}
		return cql2sql.SQL{Text: d.t.column(a.Name)}, true
	case cql2.Timestamp:
		return cql2sql.SQL{Text: "(" + d.t.value(a) + ")"}, true
	}
	return cql2sql.SQL{}, false
}

func (dialect) Value(v any) (cql2sql.SQL, bool) {
	cast := ""
	switch v := v.(type) {
	case string:
		cast = "::text"
	case int64:
		cast = "::bigint"
	case float64:
		cast = "::double precision"
	case bool:
		cast = "::boolean"
	case cql2.Day:
		return cql2sql.Bind(string(v)).In("", "::text::date"), true
	default:
		cast = "::timestamptz"
	}
	return cql2sql.Bind(v).In("", cast), true
}

func (dialect) Like(text cql2sql.SQL, pattern string) (s cql2sql.SQL, exact, ok bool) {
	return cql2sql.Join(" LIKE ", text, cql2sql.Bind(pattern).In("", "::text")), true, true
}

// Fold leaves letters to us: a server's idea of lower case depends on its locale.
func (dialect) Fold(cql2.Op, cql2sql.SQL) (s cql2sql.SQL, ok bool) { return s, false }

func (d dialect) Compute(op cql2.Op, a, b cql2sql.SQL) (s cql2sql.SQL, ok bool) {
	const double = "::double precision"
	a, b = a.In("(", ")"+double), b.In("(", ")"+double)
	switch op {
	case cql2.Plus, cql2.Minus, cql2.Times:
		return cql2sql.Join(" "+string(op)+" ", a, b).In("(", ")"), d.trust == whole
	case cql2.Over:
		return cql2sql.Join(" / ", a, b.In("NULLIF(", ", 0)")).In("(", ")"), d.trust == whole
	case cql2.Div:
		return cql2sql.Join(" / ", a, b.In("NULLIF(", ", 0)")).In("trunc(", ")"), d.trust == whole
	}
	return s, false // the last digit of a power is each library's own
}

// Null finds what a column of ours has not. A department's may hold what is null to us,
// such as infinity.
func (d dialect) Null(p *cql2.Property) (s cql2sql.SQL, exact, ok bool) {
	if p.Type() == cql2.Geometry {
		return s, false, false
	}
	c, ok := d.Column(p, false)
	return c.In("", " IS NULL"), true, ok && d.Exact(p)
}

// Exact: columns of managed layers hold what is of their type and nothing else.
func (d dialect) Exact(p *cql2.Property) bool {
	switch p.Type() {
	case cql2.Number, cql2.Date, cql2.Timestamp:
		return d.t.types[p.Name] == ""
	}
	return true
}

var relations = map[cql2.Op]string{
	cql2.SIntersects: "ST_Intersects", cql2.SEquals: "ST_Equals", cql2.SDisjoint: "ST_Disjoint", cql2.STouches: "ST_Touches",
	cql2.SWithin: "ST_Within", cql2.SOverlaps: "ST_Overlaps", cql2.SCrosses: "ST_Crosses", cql2.SContains: "ST_Contains",
}

// Relate asks GEOS of what the index finds.
func (d dialect) Relate(c *cql2.Call) (s cql2sql.SQL, exact, ok bool) {
	box, bounded := layers.Around(c)
	if bounded {
		s = cql2sql.Join(" && ", cql2sql.SQL{Text: "t." + quote(d.t.geometry)}, d.box(box))
	}
	name, known := relations[c.Op]
	if !known || d.trust != whole {
		return s, false, bounded
	}
	var args [2]cql2sql.SQL
	for i, a := range c.Args {
		switch a := a.(type) {
		case *cql2.Property:
			args[i] = cql2sql.SQL{Text: d.t.place()}
		case *cql2.Literal:
			g := a.Value.(*cql2.Shape).Geometry()
			raw, err := encodeGeometry(g)
			if _, collection := g.(*geom.GeometryCollection); collection || err != nil {
				return s, false, bounded
			}
			args[i] = cql2sql.Bind(raw).In("ST_SetSRID(ST_GeomFromEWKB(", "::bytea), 4326)")
		default:
			return s, false, bounded
		}
	}
	related, exact := cql2sql.Join(", ", args[0], args[1]).In(name+"(", ")"), true
	if d.t.layer.Geometry == layers.AnyGeometry { // of collections GEOS does not see every part
		related, exact = related.In("(", " OR GeometryType("+d.t.place()+") = 'GEOMETRYCOLLECTION')"), false
	}
	if !bounded {
		return related, exact, true
	}
	return cql2sql.Join(" AND ", s, related), exact, true
}

// box is a box in the reference system of the table.
func (d dialect) box(b orb.Bound) cql2sql.SQL {
	outline := cql2sql.Bind(polygon(b)).In("", "::geometry")
	if d.t.srid == srid {
		return outline
	}
	return cql2sql.Join(", ", outline, cql2sql.Bind(d.t.srid).In("", "::int")).In("onemap.box(", ")")
}
