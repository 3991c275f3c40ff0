// Package postgis keeps layers in PostgreSQL with PostGIS.
//
// A managed layer is a table of our own: real typed columns, a geometry column
// with type and SRID, a GiST index. Anybody may read and edit it with plain SQL, QGIS
// or ogr2ogr; package journal captures what they do, and every node reads the one
// log of it. What we keep ourselves is in schema onemap, the tables are in schema
// layers.
//
// Every read goes through the mapping in onemap.layer (table, key, geometry, SRID,
// columns), so that it does not matter who made the table.
package postgis
