package main

import (
	"context"
	"errors"
	"fmt"

	"onemap/internal/ingest"
	"onemap/layers"
)

type importCmd struct {
	settings
	Files []string `arg:"" name:"file" help:"GeoJSON, NDJSON, CSV (lon and lat, 经度 and 纬度, or wkt) or GeoPackage. Longitude and latitude, WGS 84 or CGCS2000."`

	Layer         string `placeholder:"ID" help:"Layer to import into. Without it: named like the file, or like each table of a GeoPackage."`
	AllowRejects  bool   `help:"Succeed although rows were rejected."`
	IgnoreUnknown bool   `help:"Leave out columns that an existing layer does not have."`

	newLayer

	Lon        string `group:"CSV:" placeholder:"COLUMN" help:"Column with the longitude, in decimal degrees."`
	Lat        string `group:"CSV:" placeholder:"COLUMN" help:"Column with the latitude."`
	WKT        string `group:"CSV:" name:"wkt" placeholder:"COLUMN" help:"Column with the geometry as well-known text."`
	NoGeometry bool   `group:"CSV:" help:"The rows have no place."`
}

// Run imports the files, one after the other. Rejected rows are kept beside each file.
func (c *importCmd) Run(ctx context.Context, s *streams) error {
	conf, log, err := c.loadQuietly(s)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, conf, true, log)
	if err != nil {
		return err
	}
	var rejected int64
	for _, file := range c.Files {
		n, importErr := c.file(ctx, s, store, file)
		rejected += n
		if importErr != nil {
			err = importErr
			break
		}
	}
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	if rejected > 0 && !c.AllowRejects {
		return errReported
	}
	return nil
}

func (c *importCmd) file(ctx context.Context, s *streams, store layers.Store, file string) (rejected int64, err error) {
	sets, done, err := ingest.Open(ctx, file, ingest.Columns{Lon: c.Lon, Lat: c.Lat, WKT: c.WKT, NoGeometry: c.NoGeometry})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, done()) }()
	if c.Layer != "" && len(sets) > 1 {
		return 0, fmt.Errorf("%s has %d tables, and --layer names one layer; leave it out, and each table becomes a layer named like it", file, len(sets))
	}
	rejectFile := file + ".rejected.ndjson"
	if err := ingest.ForgetRejections(rejectFile); err != nil {
		return 0, fmt.Errorf("rejected rows could not be kept: %w", err)
	}
	for _, set := range sets {
		bar := newProgressBar(s.err)
		report, err := ingest.Import(ctx, store, set, ingest.Options{
			Layer: c.Layer, Define: c.definition(), Actor: operator(s).Name, RejectFile: rejectFile,
			IgnoreUnknown: c.IgnoreUnknown, Progress: bar.show,
		})
		bar.clear()
		if err != nil {
			return rejected, fmt.Errorf("import %s: %w", file, err)
		}
		rejected += report.Rejected
		printReport(s, report, rejectFile)
	}
	return rejected, nil
}

func printReport(s *streams, r *ingest.Report, rejectFile string) {
	state := "existing layer"
	if r.Created {
		state = "new layer"
	}
	fmt.Fprintf(s.out, "%s (%s): %s rows, %s written, %s of them new, %s rejected, %.1f s\n",
		r.Layer, state, thousands(r.Rows), thousands(r.Written), thousands(r.New), thousands(r.Rejected), r.Elapsed.Seconds())
	if r.Note != "" {
		fmt.Fprintf(s.out, "  note: %s\n", r.Note)
	}
	if r.Rejected == 0 {
		return
	}
	for _, rejection := range r.First {
		fmt.Fprintf(s.err, "  %s\n", rejection.String())
	}
	if more := r.Rejected - int64(len(r.First)); more > 0 {
		fmt.Fprintf(s.err, "  and %s more\n", thousands(more))
	}
	fmt.Fprintf(s.err, "  rejected rows are kept, each with its reason, in %s\n", rejectFile)
}
