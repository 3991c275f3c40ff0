package formats

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"onemap/layers"
)

// GeoPackageFile is a GeoPackage in the making. Close finishes it; after Discard it
// is to be thrown away.
type GeoPackageFile interface {
	Layer(l *layers.Layer, description string) error
	Feature(*layers.Feature) error
	Close() error
	Discard() error
}

// CreateGeoPackage makes a GeoPackage under a path where nothing is yet.
type CreateGeoPackage func(ctx context.Context, path string) (GeoPackageFile, error)

// GeoPackage is the format whose files create makes.
func GeoPackage(create CreateGeoPackage) Format {
	return Format{Name: "gpkg", Media: "application/geopackage+sqlite3", Suffix: ".gpkg", Title: "GeoPackage",
		open: func(ctx context.Context, w *bufio.Writer, o Options) (Writer, error) {
			return &geoPackageWriter{ctx: ctx, w: w, layer: o.Layer, create: create}, nil
		}}
}

// geoPackageWriter lets the file grow in a temporary directory: SQLite goes back and
// forth in it.
type geoPackageWriter struct {
	ctx    context.Context
	w      *bufio.Writer
	layer  *layers.Layer
	create CreateGeoPackage
	dir    string
	file   GeoPackageFile // nil: none, or finished
}

func (g *geoPackageWriter) path() string { return filepath.Join(g.dir, "layer.gpkg") }

func (g *geoPackageWriter) Begin() (err error) {
	if g.dir, err = os.MkdirTemp("", "onemap-gpkg-"); err != nil {
		return err
	}
	file, err := g.create(g.ctx, g.path())
	if err != nil {
		return err
	}
	g.file = file
	return g.file.Layer(g.layer, Describe(g.layer))
}

// Describe is what a GeoPackage says of a layer: its title, and its notice.
func Describe(l *layers.Layer) string {
	title := l.Title.Zh
	if title == "" {
		title = l.Title.En
	}
	if n := Notice(l); n != "" {
		return title + "；" + n
	}
	return title
}

func (g *geoPackageWriter) Feature(f *layers.Feature) error { return g.file.Feature(f) }

func (g *geoPackageWriter) End() error {
	finished := g.file
	g.file = nil
	if err := finished.Close(); err != nil {
		return err
	}
	f, err := os.Open(g.path())
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(g.w, f)
	return err
}

func (g *geoPackageWriter) Close() error {
	var err error
	if g.file != nil {
		err = g.file.Discard()
	}
	if g.dir != "" {
		err = errors.Join(err, os.RemoveAll(g.dir))
	}
	return err
}
