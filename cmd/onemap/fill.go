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
		if err := s.alone(ctx, "sample", s.loadSample); err != nil {
			return fmt.Errorf("load the sample data: %w", err)
		}
		s.ready.Done(stepSample)
	}
	if !s.conf.Simulate {
		return nil
	}
	fmt.Fprintln(s.out, "  The flood drill (汛期演练) is running; nothing in it is real.")
	err := s.alone(ctx, "simulate", func(ctx context.Context) error {
		s.log.Info("this node plays the flood drill")
		return simulate.Run(ctx, s.store, simulate.Options{Speed: 1, Reset: true, Loop: true, Log: s.log, Now: time.Now})
	})
	if layers.CodeOf(err) == layers.NotFound {
		// The drill needs the sample's layers. A map without it is still a map.
		s.log.Warn("the drill can't run without the sample data; start with --sample on an empty data directory", "error", err)
		return nil
	}
	return err
}

// alone runs f, on one node at a time if there are several.
func (s *server) alone(ctx context.Context, task string, f func(context.Context) error) error {
	if s.shared == nil {
		return f(ctx)
	}
	return s.shared.Alone(ctx, task, f)
}

// loadSample fills an empty store, or goes on with one that was not filled to the
// end.
func (s *server) loadSample(ctx context.Context) error {
	entries, _, err := s.store.As(layers.Owner).Layers(ctx)
	if err != nil {
		return err
	}
	brokenOff, err := s.isLoading(ctx)
	if err != nil {
		return err
	}
	if len(entries) > 0 && !brokenOff {
		return nil
	}
	if err := s.setLoading(ctx, true); err != nil {
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
	return s.setLoading(ctx, false)
}

// That the sample is being loaded is noted beside it, so that a start that was broken
// off is finished by the next one: in the data directory, or in the store where other
// nodes look too.
const (
	loadingFile    = ".sample-is-loading"
	loadingSetting = "sample"
	isLoading      = "loading"
)

func (s *server) isLoading(ctx context.Context) (bool, error) {
	if s.shared != nil {
		state, err := s.shared.Setting(ctx, loadingSetting)
		return state == isLoading, err
	}
	_, err := os.Stat(filepath.Join(s.conf.Data, loadingFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (s *server) setLoading(ctx context.Context, loading bool) error {
	file, state := filepath.Join(s.conf.Data, loadingFile), ""
	switch {
	case loading && s.shared == nil:
		return os.WriteFile(file, nil, 0o644)
	case s.shared == nil:
		return os.Remove(file)
	case loading:
		state = isLoading
	}
	_, err := s.shared.ChangeSetting(ctx, loadingSetting, state)
	return err
}
