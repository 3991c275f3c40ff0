package api

import (
	"encoding/csv"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"onemap/internal/geojson"
	"onemap/layers"
)

// groupTable is the answer of an aggregate, a row for each group.
type groupTable struct {
	layer    string
	groupBy  string // as it was asked for
	grouping *layers.Grouping
	columns  []string
	rows     []groupRow
	matched  int // groups, with those that were cut off

	areas   *areas // that a key means; nil: none does
	located int    // the key that is a place, or -1
	names   bool
}

type groupRow struct {
	values []any // as columns are
	place
}

func newGroupTable(q *layers.AggregateQuery, g *layers.Grouping, buckets []layers.Bucket) *groupTable {
	t := &groupTable{layer: q.Layer, groupBy: strings.Join(q.GroupBy, ","), grouping: g, columns: groupColumns(q), rows: make([]groupRow, len(buckets)), matched: len(buckets), located: -1}
	counted := len(g.Keys)+len(g.Functions) < len(t.columns)
	for i, b := range buckets {
		values := slices.Clone(b.Keys)
		if counted {
			values = append(values, b.Count)
		}
		t.rows[i].values = append(values, b.Values...)
	}
	return t
}

func (t *groupTable) sort(order []groupOrder) {
	at := make([]int, len(order))
	for i, o := range order {
		at[i] = slices.Index(t.columns, o.column)
	}
	slices.SortStableFunc(t.rows, func(a, b groupRow) int {
		for i, o := range order {
			c := layers.Compare(a.values[at[i]], b.values[at[i]])
			if o.descending {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

func (t *groupTable) cut(limit int) { t.rows = t.rows[:min(limit, len(t.rows))] }

// nameColumn is the column with the names of places.
const nameColumn = "name"

// groupFlush is how much is written at a time.
const groupFlush = 64 << 10

// flush writes what is in b if it is much.
func flush(w io.Writer, b []byte) []byte {
	if len(b) < groupFlush {
		return b
	}
	_, _ = w.Write(b) // it fails when the reader is gone
	return b[:0]
}

func (t *groupTable) writeJSON(w http.ResponseWriter) error {
	b := append([]byte{}, `{"layer":`...)
	b = geojson.AppendString(b, t.layer)
	if t.groupBy != "" {
		b = append(b, `,"groupby":`...)
		b = geojson.AppendString(b, t.groupBy)
	}
	b = append(b, `,"numberMatched":`...)
	b = strconv.AppendInt(b, int64(t.matched), 10)
	b = append(b, `,"groups":[`...)
	keys := len(t.grouping.Keys)
	for i, row := range t.rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"key":`...)
		switch keys {
		case 0:
			b = append(b, "null"...)
		case 1:
			b = geojson.AppendValue(b, row.values[0])
		default:
			b = append(b, '[')
			for j, v := range row.values[:keys] {
				if j > 0 {
					b = append(b, ',')
				}
				b = geojson.AppendValue(b, v)
			}
			b = append(b, ']')
		}
		b = append(b, ',')
		b = flush(w, append(t.appendMembers(b, row, keys), '}'))
	}
	_, _ = w.Write(append(b, "]}\n"...))
	return nil
}

// appendMembers appends a row's columns from one on as members of an object.
func (t *groupTable) appendMembers(b []byte, row groupRow, from int) []byte {
	for j := from; j < len(t.columns); j++ {
		if j > from {
			b = append(b, ',')
		}
		b = geojson.AppendString(b, t.columns[j])
		b = append(b, ':')
		b = geojson.AppendValue(b, row.values[j])
	}
	if t.names {
		b = append(b, `,"name":`...)
		b = geojson.AppendString(b, row.name)
	}
	return b
}

func (t *groupTable) writeGeoJSON(w http.ResponseWriter) error {
	b := append([]byte{}, `{"type":"FeatureCollection","numberMatched":`...)
	b = strconv.AppendInt(b, int64(t.matched), 10)
	b = append(b, `,"numberReturned":`...)
	b = strconv.AppendInt(b, int64(len(t.rows)), 10)
	b = append(b, `,"features":[`...)
	for i, row := range t.rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, "\n"+`{"type":"Feature","geometry":`...)
		b = geojson.AppendGeometry(b, row.geometry)
		b = append(b, `,"properties":{`...)
		b = flush(w, append(t.appendMembers(b, row, 0), "}}"...))
	}
	_, _ = w.Write(append(b, "\n]}\n"...))
	return nil
}

// writeCSV writes a table that a spreadsheet opens: with a byte order mark, else Excel
// takes Chinese for GBK. Cells have their middle.
func (t *groupTable) writeCSV(w http.ResponseWriter) error {
	_, _ = io.WriteString(w, "\ufeff")
	c := csv.NewWriter(w)
	header := slices.Clone(t.columns)
	if t.names {
		header = append(header, nameColumn)
	}
	cells := t.located >= 0 && t.grouping.Keys[t.located].Kind == layers.ByCell
	if cells {
		header = append(header, "lon", "lat")
	}
	_ = c.Write(header)
	var record []string
	for _, row := range t.rows {
		record = record[:0]
		for _, v := range row.values {
			record = append(record, cellText(v))
		}
		if t.names {
			record = append(record, row.name)
		}
		if cells {
			lon, lat := "", ""
			if b, ok := layers.BoundOf(row.geometry); ok {
				lon, lat = strconv.FormatFloat(b.Center().Lon(), 'f', 7, 64), strconv.FormatFloat(b.Center().Lat(), 'f', 7, 64)
			}
			record = append(record, lon, lat)
		}
		_ = c.Write(record)
	}
	c.Flush()
	return nil
}

// cellText is a value in a cell of a spreadsheet; nothing is empty.
func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return strings.Trim(string(geojson.AppendValue(nil, v)), `"`)
	}
}
