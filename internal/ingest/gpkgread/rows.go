package gpkgread

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkb"

	"onemap/layers"
)

// Rows reads a table in the order of its primary key.
func (f *File) Rows(ctx context.Context, t *Table) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		columns := []string{quote(t.key), quote(t.column)}
		for _, c := range t.Columns {
			columns = append(columns, quote(c.Name))
		}
		rows, err := f.db.QueryContext(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+quote(t.Name)+" ORDER BY 1")
		if err != nil {
			yield(Row{}, fmt.Errorf("%s: table %q: %w", f.path, t.Name, err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var row Row
			var blob []byte
			row.Values = make([]any, len(t.Columns))
			into := []any{&row.Key, &blob}
			for i := range row.Values {
				into = append(into, &row.Values[i])
			}
			if err := rows.Scan(into...); err != nil {
				yield(Row{}, fmt.Errorf("%s: table %q: %w", f.path, t.Name, err))
				return
			}
			for i, c := range t.Columns {
				row.Values[i] = value(c, row.Values[i])
			}
			row.Geometry, row.Err = Geometry(blob)
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Row{}, fmt.Errorf("%s: table %q: %w", f.path, t.Name, err))
		}
	}
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// value undoes what SQLite's driver can't know: text that comes as bytes, and JSON.
func value(c Column, v any) any {
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	if s, ok := v.(string); ok && c.Type == layers.JSON && json.Valid([]byte(s)) {
		return json.RawMessage(s)
	}
	return v
}

// Geometry decodes a GeoPackage geometry (OGC 12-128r18, 2.1.3): a header, an
// optional envelope, then ISO WKB. SQL null and empty geometries are nil.
func Geometry(blob []byte) (geom.T, error) {
	if len(blob) == 0 {
		return nil, nil
	}
	if len(blob) < 8 || blob[0] != 'G' || blob[1] != 'P' {
		return nil, errors.New("not a GeoPackage geometry")
	}
	flags := blob[3]
	if flags&0x20 != 0 {
		return nil, errors.New("an extended geometry, which only its own program reads")
	}
	envelope := []int{0, 32, 48, 48, 64}
	kind := int(flags >> 1 & 7)
	if kind >= len(envelope) || len(blob) < 8+envelope[kind] {
		return nil, errors.New("a GeoPackage geometry with a broken envelope")
	}
	if flags&0x10 != 0 {
		return nil, nil
	}
	body := blob[8+envelope[kind]:]
	if name := curve(body); name != "" {
		return nil, fmt.Errorf("a %s; straighten it first, e.g. ogr2ogr -nlt CONVERT_TO_LINEAR", name)
	}
	g, err := wkb.Unmarshal(body)
	if err != nil {
		return nil, fmt.Errorf("the geometry is not WKB: %w", err)
	}
	return g, nil
}

// curve names the geometry type if it is one of the curved ones of ISO WKB.
func curve(body []byte) string {
	if len(body) < 5 {
		return ""
	}
	var order binary.ByteOrder = binary.BigEndian
	if body[0] == 1 {
		order = binary.LittleEndian
	}
	switch order.Uint32(body[1:]) % 1000 {
	case 8:
		return "CircularString"
	case 9:
		return "CompoundCurve"
	case 10:
		return "CurvePolygon"
	case 11:
		return "MultiCurve"
	case 12:
		return "MultiSurface"
	}
	return ""
}
