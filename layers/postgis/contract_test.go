package postgis_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/layerstest"
	"onemap/layers/postgis"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(main{m}) }

// main stops the shared server between the tests and the search for leaks.
type main struct{ m *testing.M }

func (m main) Run() int { return pgtest.Main(m.m) }

// databases gives each directory of the contract a database of its own.
func databases(t *testing.T) layerstest.Opener {
	var mu sync.Mutex
	urls := map[string]string{}
	return func(ctx context.Context, dir string) (layers.Store, error) {
		mu.Lock()
		defer mu.Unlock()
		if urls[dir] == "" {
			urls[dir] = pgtest.Database(t)
		}
		return postgis.Open(ctx, urls[dir], postgis.Options{})
	}
}

func TestThePostGISStoreKeepsTheContract(t *testing.T) { layerstest.Run(t, databases(t)) }

const crashURL = "ONEMAP_TEST_CRASH_PG" // for the process that is killed

func TestThePostGISStoreSurvivesKill(t *testing.T) {
	if os.Getenv(crashURL) == "" {
		t.Setenv(crashURL, pgtest.Database(t))
	}
	open := func(ctx context.Context, _ string) (layers.Store, error) {
		return postgis.Open(ctx, os.Getenv(crashURL), postgis.Options{})
	}
	layerstest.Crash(t, open, func(*testing.T, string) {})
}
