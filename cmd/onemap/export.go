package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"onemap/internal/ingest"
	"onemap/internal/ingest/gpkgread"
	"onemap/layers"
	"onemap/layers/gpkg"
)

type exportCmd struct {
	settings
	Layers []string `arg:"" name:"layer" help:"Ids of the layers; \"onemap layer list\" shows them."`
	Output string   `short:"o" required:"" placeholder:"FILE" help:"File to write, - for the terminal, or a directory (which may not exist yet) for several layers, a file each."`
	Format string   `placeholder:"NAME" help:"geojson, ndjson, csv or gpkg. Without it: by the file's suffix."`
	Force  bool     `short:"f" help:"Replace files that exist."`
}

const formatGeoPackage = "gpkg"

// Run writes the layers. An unfinished file is never left under its final name.
func (c *exportCmd) Run(ctx context.Context, s *streams) error {
	format, err := c.format()
	if err != nil {
		return err
	}
	conf, log, err := c.loadQuietly(s)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, conf, false, log)
	if err != nil {
		return err
	}
	defer store.Close()
	for _, layer := range c.Layers { // before anything is written
		if _, err := store.As(layers.Owner).Layer(ctx, layer); err != nil {
			return fmt.Errorf("%w; `onemap layer list` shows the layers", err)
		}
	}
	switch {
	case format == formatGeoPackage:
		return c.geoPackage(ctx, s, store)
	case c.Output == "-" && len(c.Layers) > 1:
		return errors.New("the terminal takes one layer; name a directory with -o for several")
	case c.Output == "-":
		_, err := ingest.Export(ctx, s.out, format, store.As(layers.Owner), c.Layers[0], time.Now())
		return err
	case len(c.Layers) == 1 && !isDirectory(c.Output):
		return c.file(ctx, s, store, format, c.Layers[0], c.Output)
	}
	if err := os.MkdirAll(c.Output, 0o755); err != nil {
		return err
	}
	for _, layer := range c.Layers {
		if err := c.file(ctx, s, store, format, layer, filepath.Join(c.Output, layer+"."+format)); err != nil {
			return err
		}
	}
	return nil
}

// format is as named, else by the suffix.
func (c *exportCmd) format() (string, error) {
	format := c.Format
	if format == "" {
		switch suffix := strings.ToLower(filepath.Ext(c.Output)); suffix {
		case ".geojson", ".json":
			format = "geojson"
		case ".ndjson", ".geojsonl", ".jsonl":
			format = "ndjson"
		case ".csv":
			format = "csv"
		case ".gpkg":
			format = formatGeoPackage
		case "":
			format = "geojson"
		default:
			return "", fmt.Errorf("the suffix %s says no format; name one with --format", suffix)
		}
	}
	if known := append(slices.Clone(ingest.Formats), formatGeoPackage); !slices.Contains(known, format) {
		return "", fmt.Errorf("--format: %q is not one of %s", format, strings.Join(known, ", "))
	}
	return format, nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir() || strings.HasSuffix(path, string(filepath.Separator))
}

func (c *exportCmd) file(ctx context.Context, s *streams, store layers.Store, format, layer, path string) error {
	return c.replace(path, func(unfinished string) error {
		f, err := os.Create(unfinished)
		if err != nil {
			return err
		}
		n, err := ingest.Export(ctx, f, format, store.As(layers.Owner), layer, time.Now())
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("export %s: %w", layer, err)
		}
		_, err = fmt.Fprintf(s.out, "%s: %s features to %s\n", layer, thousands(n), path)
		return err
	})
}

// geoPackage writes all layers into one file, by way of a store of its own: it is
// a GeoPackage like any other.
func (c *exportCmd) geoPackage(ctx context.Context, s *streams, from layers.Store) error {
	if c.Output == "-" || isDirectory(c.Output) {
		return errors.New("a GeoPackage holds all layers in one file: name it with -o FILE.gpkg")
	}
	return c.replace(c.Output, func(unfinished string) (err error) {
		working := unfinished + ".store"
		defer func() { err = errors.Join(err, removeAll(working)) }()
		if err := c.copyTo(ctx, s, from, working); err != nil {
			return err
		}
		return gpkgread.HandOver(ctx, working, unfinished)
	})
}

// copyTo copies the layers into a new store.
func (c *exportCmd) copyTo(ctx context.Context, s *streams, from layers.Store, path string) error {
	if err := removeAll(path); err != nil {
		return err
	}
	to, err := gpkg.Open(ctx, path, gpkg.Options{})
	if err != nil {
		return err
	}
	for _, layer := range c.Layers {
		n, copyErr := ingest.Copy(ctx, from, to, layer, operator(s))
		if copyErr != nil {
			err = fmt.Errorf("export %s: %w", layer, copyErr)
			break
		}
		fmt.Fprintf(s.out, "%s: %s features to %s\n", layer, thousands(n), c.Output)
	}
	return errors.Join(err, to.Close())
}

// replace lets write make a file beside path and then puts it there.
func (c *exportCmd) replace(path string, write func(unfinished string) error) error {
	if _, err := os.Stat(path); err == nil && !c.Force {
		return fmt.Errorf("%s exists; replace it with --force", path)
	}
	unfinished := path + ".unfinished"
	_ = os.Remove(unfinished)
	if err := write(unfinished); err != nil {
		return errors.Join(err, removeAll(unfinished))
	}
	return os.Rename(unfinished, path)
}

// removeAll removes a file and what SQLite may have put beside it.
func removeAll(path string) error {
	var err error
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if e := os.Remove(path + suffix); e != nil && !os.IsNotExist(e) {
			err = errors.Join(err, e)
		}
	}
	return err
}
