// Package geojson writes features as GeoJSON (RFC 7946), one form for items,
// live frames and exports: properties in the order of the schema, numbers in
// full precision, and what onemap adds to a feature in the member "onemap". It
// also reads what others send, and says by JSON path what is wrong with it.
//
// Writing appends to a buffer and allocates nothing else, because it writes tens
// of thousands of features a second. Everything in internal may import it; it
// imports only layers.
package geojson

import (
	"strconv"
	"time"

	"onemap/layers"
)

// timeFormat is RFC 3339 in UTC with up to milliseconds, the precision of
// stored times.
const timeFormat = "2006-01-02T15:04:05.999Z07:00"

// AppendFeature appends the feature as a GeoJSON Feature:
//
//	{"type":"Feature","id":"…","geometry":…,"properties":{…},"onemap":{"num":1,"version":2,"updated":"…"}}
func AppendFeature(b []byte, s layers.Schema, f *layers.Feature) []byte {
	b = append(b, `{"type":"Feature","id":`...)
	b = AppendString(b, f.ID)
	b = append(b, `,"geometry":`...)
	b = AppendGeometry(b, f.Geometry)
	b = append(b, `,"properties":`...)
	b = AppendProperties(b, s, f.Properties)
	b = append(b, `,"onemap":{"num":`...)
	b = strconv.AppendInt(b, f.Num, 10)
	b = append(b, `,"version":`...)
	b = strconv.AppendInt(b, int64(f.Version), 10)
	if !f.Updated.IsZero() {
		b = append(b, `,"updated":"`...)
		b = f.Updated.UTC().AppendFormat(b, timeFormat)
		b = append(b, '"')
	}
	return append(b, '}', '}')
}

// AppendProperties appends an object with every attribute of the schema, in its
// order; a missing one is null.
func AppendProperties(b []byte, s layers.Schema, properties map[string]any) []byte {
	b = append(b, '{')
	for i, a := range s {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, a.Name)
		b = append(b, ':')
		b = AppendValue(b, properties[a.Name])
	}
	return append(b, '}')
}

// Time formats an instant as every answer does.
func Time(t time.Time) string { return t.UTC().Format(timeFormat) }
