package gpkg

import (
	"encoding/json"
	"strings"
	"time"

	"onemap/layers"
)

// timeLayout is how the GeoPackage keeps a DATETIME: UTC with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

// encodeValue turns an attribute's Go value into what the column holds.
func encodeValue(v any) any {
	switch v := v.(type) {
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case layers.Date:
		return string(v)
	case time.Time:
		return v.UTC().Format(timeLayout)
	case json.RawMessage:
		return string(v)
	}
	return v
}

// decodeValue turns a column's value into the attribute's Go value. What a
// foreign writer stored and does not fit the type is null to us; the file keeps it.
func decodeValue(a *layers.Attribute, v any) any {
	switch x := v.(type) {
	case nil:
		return nil
	case string:
		switch a.Type {
		case layers.String:
			return x
		case layers.DateTime:
			if t, err := time.Parse(timeLayout, x); err == nil {
				return t
			}
		case layers.JSON:
			if json.Valid([]byte(x)) {
				return json.RawMessage(x)
			}
			return nil
		}
	case []byte:
		return nil
	}
	c, err := a.Coerce(v)
	if err != nil {
		return nil
	}
	return c
}

// columns lists what a feature is read from, for FROM … t LEFT JOIN onemap_version v.
// The unary plus keeps the driver from guessing a Go type by the declared one.
func (t *table) columns(geometry bool) string {
	var b strings.Builder
	b.WriteString("t." + quote(t.fid) + ", t.id, ")
	if geometry {
		b.WriteString("+t." + quote(t.geom))
	} else {
		b.WriteString("NULL")
	}
	b.WriteString(", v.version, v.updated")
	for _, a := range t.layer.Schema {
		b.WriteString(", +t." + quote(a.Name))
	}
	return b.String()
}

// from is the FROM clause that belongs to columns.
func (t *table) from() string {
	return quote(t.layer.ID) + " t LEFT JOIN onemap_version v ON v.layer = " + itoa(t.no) + " AND v.fid = t." + quote(t.fid)
}

// rowReader reads rows of columns() and reuses its space.
type rowReader struct {
	t      *table
	values []any
	into   []any
}

func newRowReader(t *table, extra int) *rowReader {
	n := 5 + len(t.layer.Schema) + extra
	r := &rowReader{t: t, values: make([]any, n), into: make([]any, n)}
	for i := range r.values {
		r.into[i] = &r.values[i]
	}
	return r
}

func (r *rowReader) scan(rows interface{ Scan(...any) error }) (*layers.Feature, error) {
	if err := rows.Scan(r.into...); err != nil {
		return nil, err
	}
	v := r.values
	f := &layers.Feature{Properties: make(map[string]any, len(r.t.layer.Schema))}
	f.Num, _ = v[0].(int64)
	f.ID, _ = v[1].(string)
	if blob, ok := v[2].([]byte); ok {
		f.Geometry = decodeGeometry(blob)
	}
	if n, ok := v[3].(int64); ok {
		f.Version = layers.Position(n)
	}
	if ms, ok := v[4].(int64); ok {
		f.Updated = time.UnixMilli(ms).UTC()
	}
	for i := range r.t.layer.Schema {
		a := &r.t.layer.Schema[i]
		if x := decodeValue(a, v[5+i]); x != nil {
			f.Properties[a.Name] = x
		}
	}
	return f, nil
}
