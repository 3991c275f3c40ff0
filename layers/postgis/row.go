package postgis

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

// casts make of a column a value that we read. On the columns of managed layers
// they do nothing.
var casts = map[layers.DataType]string{
	layers.String: "::text", layers.Integer: "::bigint", layers.Number: "::double precision", layers.Boolean: "::boolean",
	layers.DateType: "::date", layers.DateTime: "::timestamptz", layers.JSON: "::text",
}

// value is an attribute as it is read and grouped by. Of an attached table it is
// what the image in the log says of it.
func (t *table) value(a layers.Attribute) string {
	c := t.column(a.Name)
	switch typ := t.types[a.Name]; {
	case typ == "other": // not a cast: who owns the type may define that, and it would run with our rights
		return "CASE WHEN " + c + " IS NOT NULL THEN format('%s', " + c + ") END"
	case typ == "other[]":
		return "CASE WHEN " + c + " IS NOT NULL THEN to_json(format('%s', " + c + ")::text[])::text END"
	case typ == "real":
		return c + "::text::double precision" // 0.1 is not 0.10000000149
	case typ == "inet":
		return "(to_json(" + c + ") #>> '{}')" // a cast would add /32
	case typ == "timestamp without time zone":
		return "(" + c + " AT TIME ZONE INTERVAL '8 hours')" // Beijing's, as everywhere
	case typ != "" && a.Type == layers.JSON:
		return "to_json(" + c + ")::text" // arrays too
	}
	return c + casts[a.Type]
}

// ordered is an attribute as it is sorted by. Text sorts by code point, on every
// server alike.
func (t *table) ordered(a layers.Attribute) string {
	if a.Type == layers.String || a.Type == layers.JSON {
		return "((" + t.value(a) + `) COLLATE "C")`
	}
	return t.column(a.Name)
}

// fields lists what a feature is read from, for fromVersioned.
func (t *table) fields(geometry bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, t.%s::text, ", t.number(), quote(t.key))
	if geometry {
		b.WriteString(t.image())
	} else {
		b.WriteString("NULL::bytea")
	}
	b.WriteString(", greatest(v.position, z.position, s.origin), coalesce(v.time, z.time)")
	for _, a := range t.layer.Schema {
		b.WriteString(", " + t.value(a))
	}
	return b.String()
}

// number is the feature's number, if the table has one.
func (t *table) number() string {
	if t.num == "" {
		return "0::bigint"
	}
	return "t." + quote(t.num) + "::bigint"
}

// fromVersioned is the FROM clause that belongs to fields. The layer's id is
// parameter n.
func (t *table) fromVersioned(n int) string {
	return fmt.Sprintf(`%s CROSS JOIN onemap.state s LEFT JOIN onemap.reset z ON z.layer = $%d LEFT JOIN onemap.version v ON v.layer = $%d AND v.key = t.%s::text`,
		t.from(), n, n, quote(t.key))
}

// feature reads a row of fields, with extra columns behind them.
func (t *table) feature(rows pgx.Rows, extra ...any) (*layers.Feature, error) {
	n := 5 + len(t.layer.Schema)
	f := &layers.Feature{Properties: make(map[string]any, len(t.layer.Schema))}
	var image []byte
	var updated *time.Time
	into := make([]any, n, n+len(extra))
	into[0], into[1], into[2], into[3], into[4] = &f.Num, &f.ID, &image, &f.Version, &updated
	for i, a := range t.layer.Schema {
		into[5+i] = property{f.Properties, a}
	}
	if err := rows.Scan(append(into, extra...)...); err != nil {
		return nil, err
	}
	if updated != nil {
		f.Updated = updated.UTC()
	}
	if t.num == "" {
		f.Num = t.numOf(f.ID)
	}
	f.Geometry = decodeGeometry(image)
	return f, nil
}

// property is where an attribute of a feature is read into.
type property struct {
	of map[string]any
	layers.Attribute
}

// Scan takes a column's value, as database/sql would.
func (p property) Scan(v any) error {
	if v := goValue(p.Type, v); v != nil {
		p.of[p.Name] = v
	}
	return nil
}

// goValue is the attribute's Go value for a column's. What a type of ours has no
// value for, such as infinity, is null to us; the table keeps it.
func goValue(typ layers.DataType, v any) any {
	switch v := v.(type) {
	case string:
		switch typ {
		case layers.String:
			return v
		case layers.JSON:
			if v != "null" {
				return json.RawMessage(v)
			}
		}
	case int64, bool:
		return v
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v
		}
	case time.Time:
		if typ == layers.DateType {
			return layers.Date(v.Format(time.DateOnly))
		}
		return v.UTC().Truncate(time.Millisecond)
	}
	return nil
}

// text is an attribute's Go value as PostgreSQL reads it; nil is null.
func text(v any) *string {
	var s string
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		s = v
	case layers.Date:
		s = string(v)
	case json.RawMessage:
		s = string(v)
	case time.Time:
		s = v.UTC().Format(time.RFC3339Nano)
	default:
		s = fmt.Sprint(v) // of a float the shortest that reads back the same
	}
	return &s
}
