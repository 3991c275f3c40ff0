package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"onemap/internal/geojson"
	"onemap/internal/ingest/gpkgread"
)

// openGeoPackage makes a set of every feature table.
func openGeoPackage(ctx context.Context, path string) ([]*Set, func() error, error) {
	file, err := gpkgread.Open(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	tables, err := file.Tables(ctx)
	if err == nil && len(tables) == 0 {
		err = fmt.Errorf("%s has no feature tables", path)
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	var sets []*Set
	for _, t := range tables {
		set := &Set{Name: t.Name, Title: t.Title, Geometry: t.Geometry, Rows: func(ctx context.Context) iter.Seq2[Row, error] {
			return tableRows(ctx, file, t)
		}}
		if set.Title == "" {
			set.Title = t.Name
		}
		if len(t.LeftOut) > 0 {
			set.Note = "columns without a counterpart are left out: " + strings.Join(t.LeftOut, ", ")
		}
		for _, c := range t.Columns {
			set.Columns = append(set.Columns, Column{Name: c.Name, Title: c.Title, Type: c.Type, Required: c.Required, MaxLength: c.MaxLength})
		}
		sets = append(sets, set)
	}
	return sets, file.Close, nil
}

// tableRows names each row by the table's column "id", if it has one, else by its
// primary key.
func tableRows(ctx context.Context, file *gpkgread.File, t *gpkgread.Table) iter.Seq2[Row, error] {
	hasID := false
	for _, c := range t.Columns {
		hasID = hasID || strings.EqualFold(c.Name, "id")
	}
	return func(yield func(Row, error) bool) {
		number := int64(0)
		for from, err := range file.Rows(ctx, t) {
			if err != nil {
				yield(Row{}, err)
				return
			}
			number++
			row := Row{Number: number, Geometry: from.Geometry, Err: from.Err}
			row.Properties = make([]Property, len(t.Columns))
			for i, c := range t.Columns {
				row.Properties[i] = Property{Name: c.Name, Value: from.Values[i]}
			}
			if !hasID {
				row.ID = strconv.FormatInt(from.Key, 10)
			}
			row.Raw = func() json.RawMessage { return rawRow(from.Key, &row) }
			if !yield(row, nil) {
				return
			}
		}
	}
}

// rawRow writes the row as a GeoJSON feature, the form in which it can be
// repaired and imported again.
func rawRow(key int64, row *Row) json.RawMessage {
	b := append([]byte(`{"type":"Feature","id":`), strconv.FormatInt(key, 10)...)
	b = append(b, `,"geometry":`...)
	b = geojson.AppendGeometry(b, row.Geometry)
	b = append(b, `,"properties":{`...)
	for i, p := range row.Properties {
		if i > 0 {
			b = append(b, ',')
		}
		b = geojson.AppendString(b, p.Name)
		b = append(b, ':')
		b = geojson.AppendValue(b, p.Value)
	}
	return append(b, '}', '}')
}
