package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"onemap/internal/simulate"
	"onemap/layers"
	sample "onemap/sample-data"
)

// fill loads the sample data where they are asked for, and then plays the drill.
func (s *server) fill(ctx context.Context) error {
	if s.conf.Sample {
		if err := s.loadSample(ctx); err != nil {
			return fmt.Errorf("load the sample data: %w", err)
		}
		s.ready.Done(stepSample)
	}
	if !s.conf.Simulate {
		return nil
	}
	fmt.Fprintln(s.out, "  The flood drill (汛期演练) is running; nothing in it is real.")
	err := simulate.Run(ctx, s.store, simulate.Options{Speed: 1, Reset: true, Loop: true, Log: s.log, Now: time.Now})
	if layers.CodeOf(err) == layers.NotFound {
		// The drill needs the sample's layers. A map without it is still a map.
		s.log.Warn("the drill can't run without the sample data; start with --sample on an empty data directory", "error", err)
		return nil
	}
	return err
}

// loadingFile stands in the data directory while the sample is being loaded, so
// that a start that was broken off is finished by the next one.
const loadingFile = ".sample-is-loading"

// loadSample fills an empty store, or goes on with one that was not filled to the
// end.
func (s *server) loadSample(ctx context.Context) error {
	entries, _, err := s.store.As(layers.Owner).Layers(ctx)
	if err != nil {
		return err
	}
	marker := filepath.Join(s.conf.Data, loadingFile)
	_, err = os.Stat(marker)
	brokenOff := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 && !brokenOff {
		return nil
	}
	if err := os.WriteFile(marker, nil, 0o644); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "  Loading the sample data of Guangxi; the map fills while you look.")
	start, loaded, features := time.Now(), map[string]int{}, 0
	err = sample.Load(ctx, s.store, time.Now(), func(layer string, n int) {
		features += n
		loaded[layer] += n
		s.ready.Progress(stepSample, fmt.Sprintf("%s, %s features so far", layer, thousands(int64(features))))
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  Loaded %d layers, %s features, in %.1f s.\n", len(loaded), thousands(int64(features)), time.Since(start).Seconds())
	return os.Remove(marker)
}
