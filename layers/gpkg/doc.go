// Package gpkg is the embedded store: one GeoPackage file (OGC 12-128r18, version
// 1.3) in SQLite's WAL mode, with nothing to install.
//
// Each layer is a feature table of the file, named by the layer's id, that GDAL
// and QGIS can open and edit while the server runs. Row triggers write the old
// and the new image of a row to an outbox in the writer's own transaction,
// whoever the writer is. A mover, which runs inside write transactions only and
// is therefore alone, moves outbox rows to the log and gives each its position.
//
// Several processes may share a file: a command line import beside a server, or
// GDAL. A poll of PRAGMA data_version notices what the others committed.
//
// It also writes GeoPackages to give away, which are plain ones: see File.
//
// It is the only package beside internal/ingest/gpkgread that may import SQLite;
// only cmd and tests import it.
package gpkg
