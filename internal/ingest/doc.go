// Package ingest turns files into layers: GeoJSON, newline-delimited GeoJSON, CSV
// and GeoPackage.
//
// A file is read twice and never held in memory. The first pass, the survey,
// finds the columns, their types and the geometry type, so that a file that
// can't be read, or whose coordinates are no longitude and latitude, is refused
// before anything is written. The second pass writes. A row that does not fit is
// kept and reported, never dropped: see Rejection.
//
// Every row has an id that is the same each time the file is read, so an import
// that was broken off is simply run again.
//
// Only cmd imports it.
package ingest

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// Set is one data set of a file, which becomes one layer.
type Set struct {
	Name  string // of the table, or of the file without its suffix
	Title string // for people; empty if the format has none
	Note  string // what the reader should tell about how it was read, e.g. the encoding
	Text  bool   // every value comes as text: "12" may be a number

	// Columns and Geometry are what the format itself declares. Formats that
	// declare nothing leave them empty, and the survey infers them.
	Columns  []Column
	Geometry layers.GeometryType

	// Rows reads the set from its start. An error ends it: the file as a whole
	// can't be read further. A row that is wrong by itself carries Row.Err.
	Rows func(context.Context) iter.Seq2[Row, error]
}

// Column is a declared column.
type Column struct {
	Name      string
	Title     string
	Type      layers.DataType
	Required  bool
	MaxLength int // characters; 0 is unbounded
}

// Row is one feature as the file has it.
type Row struct {
	Number     int64  // from 1, counting every row
	ID         string // as the format gives it; empty if it gives none
	Geometry   geom.T // CRS84
	Properties []Property
	Raw        func() json.RawMessage // the row as it was, for the report of rejected rows
	Err        error                  // why the row can't be read
}

// Property is one attribute of a row. Value is a string, bool, int64, float64,
// json.Number, time.Time, or decoded JSON, as the format delivers it; nil is null.
type Property struct {
	Name  string
	Value any
}
