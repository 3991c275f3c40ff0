// Package gpkgread reads the feature tables of a GeoPackage (OGC 12-128r18) that
// somebody else wrote. It changes none; the store has its own package.
//
// Beside layers/gpkg it is the one package that may import SQLite. Only
// internal/ingest and cmd import it.
package gpkgread

import (
	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// Table is one feature table.
type Table struct {
	Name        string
	Title       string // gpkg_contents.identifier, if it says more than the name
	Geometry    layers.GeometryType
	Columns     []Column // without the primary key and the geometry
	LeftOut     []string // columns of types that no attribute can hold
	key, column string   // names of the primary key and of the geometry column
}

// Column is one attribute column.
type Column struct {
	Name      string
	Title     string
	Type      layers.DataType
	Required  bool
	MaxLength int // characters; 0 is unbounded
}

// Row is one row of a table.
type Row struct {
	Key      int64  // the primary key, which GDAL calls fid
	Geometry geom.T // CRS84
	Values   []any  // in the order of Table.Columns
	Err      error  // why the geometry can't be read
}
