package gpkg_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"onemap/layers"
	"onemap/layers/gpkg"
	"onemap/layers/layerstest"
)

func openDir(ctx context.Context, dir string) (layers.Store, error) {
	return gpkg.Open(ctx, filepath.Join(dir, "onemap.gpkg"), gpkg.Options{})
}

func TestTheEmbeddedStoreKeepsTheContract(t *testing.T) { layerstest.Run(t, openDir) }

func TestTheEmbeddedStoreSurvivesKill(t *testing.T) {
	layerstest.Crash(t, openDir, func(t *testing.T, dir string) {
		if out := run(t, "sqlite3", filepath.Join(dir, "onemap.gpkg"), "PRAGMA integrity_check"); strings.TrimSpace(out) != "ok" {
			t.Errorf("integrity_check: %s", out)
		}
	})
}
