package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"onemap/internal/config"
	"onemap/internal/telemetry"
	"onemap/layers"
	"onemap/layers/gpkg"
	"onemap/layers/postgis"
)

// settings are the flags of every command that touches the data.
type settings struct {
	Config   *string `placeholder:"FILE" help:"Settings file. Without it: onemap.yaml in the data directory, if there is one."`
	Data     *string `placeholder:"DIR" help:"Data directory (default ./data)."`
	Store    *string `placeholder:"URL" help:"PostgreSQL with PostGIS, as postgres://USER:PASSWORD@HOST/DATABASE. Without it: the file onemap.gpkg in the data directory."`
	LogLevel *string `placeholder:"LEVEL" help:"debug, info, warn or error. Logs go to stderr."`
}

// load puts the settings together and makes the logger.
func (f *settings) load(s *streams, more config.Flags) (*config.Loaded, *slog.Logger, error) {
	more.File, more.Data, more.Store, more.LogLevel = f.Config, f.Data, f.Store, f.LogLevel
	c, err := config.Load(more, s.environ)
	if err != nil {
		return nil, nil, err
	}
	level, err := c.Log.SlogLevel()
	if err != nil {
		return nil, nil, err
	}
	log, err := telemetry.NewLogger(s.err, level, c.Log.Format)
	if err != nil {
		return nil, nil, err
	}
	return c, log, nil
}

// loadQuietly is load for commands that talk to a person: unless flag or
// environment say otherwise, only warnings are logged.
func (f *settings) loadQuietly(s *streams) (*config.Loaded, *slog.Logger, error) {
	quiet := *s
	quiet.environ = append([]string{"ONEMAP_LOG_LEVEL=warn"}, s.environ...) // a later one wins
	return f.load(&quiet, config.Flags{})
}

const storeFile = "onemap.gpkg"

// openStore opens the store that the settings name. A store that does not exist
// is made if create is set.
func openStore(ctx context.Context, c *config.Loaded, create bool, log *slog.Logger) (layers.Store, error) {
	if c.Store != "" {
		return openPostGIS(ctx, c, create, log)
	}
	path := filepath.Join(c.Data, storeFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !create {
		return nil, fmt.Errorf("there is no %s; name the data directory with --data, or make one with `onemap serve` or `onemap import`", path)
	}
	if err := writable(c.Data); err != nil {
		return nil, err
	}
	store, err := gpkg.Open(ctx, path, gpkg.Options{Log: log})
	if err != nil {
		return nil, openError(path, err)
	}
	return store, nil
}

func openPostGIS(ctx context.Context, c *config.Loaded, create bool, log *slog.Logger) (layers.Store, error) {
	scheme, _, _ := strings.Cut(c.Store, "://")
	if scheme != "postgres" && scheme != "postgresql" {
		return nil, fmt.Errorf("--store: %q is not a store that onemap knows; name one as postgres://USER:PASSWORD@HOST/DATABASE, or leave it out", scheme)
	}
	if create { // the tokens are there all the same
		if err := writable(c.Data); err != nil {
			return nil, err
		}
	}
	store, err := postgis.Open(ctx, c.Store, postgis.Options{Log: log, Existing: !create, Replica: c.Replica})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w%s", storeName(c), err, causeOf(err))
	}
	return store, nil
}

// causeOf is what the database said, which a person at the command line may know.
func causeOf(err error) string {
	var e *layers.Error
	if !errors.As(err, &e) || e.Cause == nil || strings.Contains(err.Error(), e.Cause.Error()) {
		return ""
	}
	return ": " + e.Cause.Error()
}

// storeName names the store for people, without a password.
func storeName(c *config.Loaded) string {
	if c.Store == "" {
		return filepath.Join(c.Data, storeFile)
	}
	u, err := url.Parse(c.Store)
	if err != nil {
		return "the store"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// writable makes the data directory and finds out whether files can be made in it:
// SQLite needs to put its own beside the store.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the data directory can't be made: %w; choose another with --data", err)
	}
	probe, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return fmt.Errorf("the data directory %s can't be written to: %w; give this user the right to, or choose another with --data", dir, err)
	}
	_ = probe.Close()
	return os.Remove(probe.Name())
}

// openError says what to do about a store that can't be opened.
func openError(path string, err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "locked") || strings.Contains(text, "SQLITE_BUSY"):
		return fmt.Errorf("%s is locked by another program that is writing to it: %w; wait until it has finished or close it", path, err)
	case strings.Contains(text, "not a database") || strings.Contains(text, "SQLITE_NOTADB"):
		return fmt.Errorf("%s is not a GeoPackage: %w; move it away or name another data directory with --data", path, err)
	}
	return err
}

// operator names who edits by command line, for the log of changes.
func operator(s *streams) layers.Actor {
	name := "operator"
	for _, kv := range s.environ {
		if user, ok := strings.CutPrefix(kv, "USER="); ok && user != "" {
			name = user
		}
	}
	return layers.Actor{Name: name + " (command line)"}
}
