package sample

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"onemap/layers"
	"onemap/layers/gpkg"
)

// TestALoadThatWasBrokenOffIsFinishedByTheNext loads into the embedded store as
// a first start does.
func TestALoadThatWasBrokenOffIsFinishedByTheNext(t *testing.T) {
	if testing.Short() {
		t.Skip("loads a hundred thousand features")
	}
	ctx := t.Context()
	store, err := gpkg.Open(ctx, filepath.Join(t.TempDir(), "sample.gpkg"), gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	w, err := NewWorld(testNow)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	broken, breakOff := context.WithCancel(ctx)
	err = Load(broken, store, now, func(layer string, _ int) {
		if layer == "schools" {
			breakOff()
		}
	})
	if err == nil {
		t.Fatal("the load was not broken off")
	}
	start := time.Now()
	told := map[string]int{}
	if err := Load(ctx, store, now, func(layer string, n int) { told[layer] += n }); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Logf("loaded in %v", took.Round(time.Millisecond))
	if took > time.Minute {
		t.Errorf("loading took %v", took)
	}
	checkLoaded(ctx, t, store, w, told)
	checkFreshness(ctx, t, store, now)
	checkQueries(ctx, t, store)
}

func checkLoaded(ctx context.Context, t *testing.T, store layers.Store, w *World, told map[string]int) {
	t.Helper()
	entries, _, err := store.As(layers.Owner).Layers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(Layers()) {
		t.Errorf("%d layers in the store", len(entries))
	}
	for _, e := range entries {
		edits, err := w.Features(e.ID)
		if err != nil {
			t.Fatal(err)
		}
		if e.Status.Count != int64(len(edits)) || told[e.ID] != len(edits) {
			t.Errorf("%s: %d features in the store, %d told, %d made", e.ID, e.Status.Count, told[e.ID], len(edits))
		}
	}
}

func checkFreshness(ctx context.Context, t *testing.T, store layers.Store, now time.Time) {
	t.Helper()
	want := map[string]layers.Freshness{"construction-sites": layers.Late, "emergency-supplies": layers.Late,
		"demo-index": layers.Lost, "price-monitoring": layers.Zombie}
	entries, _, err := store.As(layers.Owner).Layers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		w := layers.Fresh
		if f, ok := want[e.ID]; ok {
			w = f
		}
		if got := e.Freshness(now); got != w {
			t.Errorf("%s is %s, want %s (updated %v)", e.ID, got, w, e.Status.Updated)
		}
	}
	public, _, err := store.As(layers.Public).Layers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range public {
		if !e.Open {
			t.Errorf("the public sees %s", e.ID)
		}
	}
	if _, err := store.As(layers.Official).Layer(ctx, "social-aid"); layers.CodeOf(err) != layers.NotFound {
		t.Errorf("officials see what is not shared: %v", err)
	}
}

func checkQueries(ctx context.Context, t *testing.T, store layers.Store) {
	t.Helper()
	reader := store.As(layers.Official)
	nanning := orb.Bound{Min: orb.Point{108.2, 22.7}, Max: orb.Point{108.5, 22.95}}
	page, err := reader.Query(ctx, layers.Query{Layer: "enterprises", Limit: 10, Count: true,
		Selection: layers.Selection{BBox: &nanning, Division: "450100"}})
	if err != nil {
		t.Fatal(err)
	}
	if page.Matched < 1000 {
		t.Errorf("%d enterprises in the middle of Nanning", page.Matched)
	}
	buckets, err := reader.Aggregate(ctx, layers.AggregateQuery{Layer: "enterprises", GroupBy: []string{"division:2"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(buckets) != 14 {
		t.Errorf("enterprises in %d cities", len(buckets))
	}
}
