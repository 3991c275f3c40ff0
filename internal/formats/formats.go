// Package formats writes the features of a layer as files of the formats that
// people and programs ask for: GeoJSON, sequences of it, CSV, GeoPackage and
// Shapefile. `onemap export` and the API share it.
//
// A writer takes one feature after the other and holds none of them, so that a layer
// of any size takes the same memory. Those formats that can only be written as a
// whole grow in temporary files. Every format says of invented data that they are
// invented.
//
// Only cmd, internal/api and internal/ingest, which knows what it need not read back,
// import it.
package formats

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// Writer writes one layer in one format: Begin, then each Feature, then End. Close
// comes last and always; it frees what an unfinished file holds.
type Writer interface {
	Begin() error
	Feature(*layers.Feature) error
	End() error
	Close() error
}

// Format is a form that features can be written in.
type Format struct {
	Name   string // as ?f= and --format have it
	Media  string // media type
	Suffix string // of a file, with the dot
	Title  string

	open func(context.Context, *bufio.Writer, Options) (Writer, error)
}

// Options say what is written.
type Options struct {
	Layer   *layers.Layer
	Updated time.Time // newest data of the layer; zero: unknown
	Now     time.Time

	// CSV says how a table has places.
	CSV Places

	// Transform is applied to each geometry that is not nil; nil: CRS84 as it is.
	Transform func(geom.T) (geom.T, error)
}

// All returns every format. geoPackage makes GeoPackages: SQLite is not for everybody
// to import.
func All(geoPackage CreateGeoPackage) []Format {
	return []Format{Collection, Sequence, Lines, CSV, GeoPackage(geoPackage), Shapefile}
}

// flushEvery is how long a feature waits, at most, for others to be sent with.
const flushEvery = 500 * time.Millisecond

// Copy writes features and returns how many there were. What has come to w when it
// fails is not a whole file.
func (f Format) Copy(ctx context.Context, w io.Writer, o Options, features iter.Seq2[*layers.Feature, error]) (n int64, err error) {
	b := bufio.NewWriterSize(w, 64<<10)
	out, err := f.open(ctx, b, o)
	if err != nil {
		return 0, err
	}
	defer func() {
		if e := out.Close(); e != nil {
			err = errors.Join(err, e)
		}
	}()
	if err := out.Begin(); err != nil {
		return 0, err
	}
	flushed := time.Now()
	for f, err := range features {
		if err == nil {
			f, err = o.transformed(f)
		}
		if err == nil {
			err = out.Feature(f)
		}
		if err != nil {
			return n, err
		}
		n++
		if n%64 == 0 && time.Since(flushed) > flushEvery {
			if err := b.Flush(); err != nil {
				return n, err
			}
			flushed = time.Now()
		}
	}
	if err := out.End(); err != nil {
		return n, err
	}
	return n, b.Flush()
}

func (o *Options) transformed(f *layers.Feature) (*layers.Feature, error) {
	if o.Transform == nil || f.Geometry == nil {
		return f, nil
	}
	g, err := o.Transform(f.Geometry)
	if err != nil {
		return nil, err
	}
	changed := *f
	changed.Geometry = g
	return &changed, nil
}

// Notices that no file goes without.
const (
	syntheticNotice = "演示数据，非真实情况"
	schematicNotice = "本图界线仅为示意，不作为国界和行政区域界线依据"
)

// Notice is what a file of the layer has to say about itself, or "".
func Notice(l *layers.Layer) string {
	switch {
	case l.Synthetic && l.Schematic:
		return syntheticNotice + "；" + schematicNotice
	case l.Synthetic:
		return syntheticNotice
	case l.Schematic:
		return schematicNotice
	}
	return ""
}
