package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"onemap/internal/formats"
	"onemap/layers"
	"onemap/layers/gpkg"
)

type exportCmd struct {
	settings
	Layers []string `arg:"" name:"layer" help:"Ids of the layers; \"onemap layer list\" shows them."`
	Output string   `short:"o" required:"" placeholder:"FILE" help:"File to write, - for the terminal, or a directory (which may not exist yet) for several layers, a file each."`
	Format string   `placeholder:"NAME" help:"geojson, geojsonseq, ndjson, csv, gpkg or shp (a zip archive). Without it: by the file's suffix."`
	Force  bool     `short:"f" help:"Replace files that exist."`
}

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
	case format.Name == "gpkg":
		return c.geoPackage(ctx, s, store)
	case c.Output == "-" && len(c.Layers) > 1:
		return errors.New("the terminal takes one layer; name a directory with -o for several")
	case c.Output == "-":
		_, err := write(ctx, s.out, format, store.As(layers.Owner), c.Layers[0])
		return err
	case len(c.Layers) == 1 && !isDirectory(c.Output):
		return c.file(ctx, s, store, format, c.Layers[0], c.Output)
	}
	if err := os.MkdirAll(c.Output, 0o755); err != nil {
		return err
	}
	for _, layer := range c.Layers {
		if err := c.file(ctx, s, store, format, layer, filepath.Join(c.Output, layer+format.Suffix)); err != nil {
			return err
		}
	}
	return nil
}

// write writes a layer and returns how many features it has.
func write(ctx context.Context, w io.Writer, format formats.Format, reader layers.Reader, layer string) (int64, error) {
	e, err := reader.Layer(ctx, layer)
	if err != nil {
		return 0, err
	}
	o := formats.Options{Layer: e.Layer, Updated: e.Status.Updated, Now: time.Now()}
	return format.Copy(ctx, w, o, reader.Scan(ctx, layer, layers.Range{}))
}

// suffixes are names of files beside the formats' own.
var suffixes = map[string]string{"": "geojson", ".json": "geojson", ".geojsonl": "ndjson", ".jsonl": "ndjson"}

// format is as named, else by the suffix.
func (c *exportCmd) format() (formats.Format, error) {
	suffix := strings.ToLower(filepath.Ext(c.Output))
	name := c.Format
	if name == "" {
		name = suffixes[suffix]
	}
	var known []string
	for _, f := range formats.All(createGeoPackage) {
		if f.Name == name || name == "" && f.Suffix == suffix {
			return f, nil
		}
		known = append(known, f.Name)
	}
	if name == "" {
		return formats.Format{}, fmt.Errorf("the suffix %s says no format; name one with --format", suffix)
	}
	return formats.Format{}, fmt.Errorf("--format: %q is not one of %s", name, strings.Join(known, ", "))
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir() || strings.HasSuffix(path, string(filepath.Separator))
}

func (c *exportCmd) file(ctx context.Context, s *streams, store layers.Store, format formats.Format, layer, path string) error {
	return c.replace(path, func(unfinished string) error {
		f, err := os.Create(unfinished)
		if err != nil {
			return err
		}
		n, err := write(ctx, f, format, store.As(layers.Owner), layer)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("export %s: %w", layer, err)
		}
		_, err = fmt.Fprintf(s.out, "%s: %s features to %s\n", layer, thousands(n), path)
		return err
	})
}

// geoPackage writes all layers into one file.
func (c *exportCmd) geoPackage(ctx context.Context, s *streams, from layers.Store) error {
	if c.Output == "-" || isDirectory(c.Output) {
		return errors.New("a GeoPackage holds all layers in one file: name it with -o FILE.gpkg")
	}
	return c.replace(c.Output, func(unfinished string) error {
		file, err := gpkg.Create(ctx, unfinished)
		if err != nil {
			return err
		}
		for _, layer := range c.Layers {
			n, err := addTo(ctx, file, from.As(layers.Owner), layer)
			if err != nil {
				return errors.Join(fmt.Errorf("export %s: %w", layer, err), file.Discard())
			}
			fmt.Fprintf(s.out, "%s: %s features to %s\n", layer, thousands(n), c.Output)
		}
		return file.Close()
	})
}

func addTo(ctx context.Context, file *gpkg.File, reader layers.Reader, layer string) (n int64, err error) {
	e, err := reader.Layer(ctx, layer)
	if err != nil {
		return 0, err
	}
	if err := file.Layer(e.Layer, formats.Describe(e.Layer)); err != nil {
		return 0, err
	}
	for f, err := range reader.Scan(ctx, layer, layers.Range{}) {
		if err == nil {
			err = file.Feature(f)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// createGeoPackage makes GeoPackages for the formats.
func createGeoPackage(ctx context.Context, path string) (formats.GeoPackageFile, error) {
	return gpkg.Create(ctx, path)
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
