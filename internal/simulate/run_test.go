package simulate

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"onemap/layers"
	"onemap/layers/gpkg"
	sample "onemap/sample-data"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newStore returns the embedded store with the drilled layers in it.
func newStore(t *testing.T) layers.Store {
	t.Helper()
	ctx := t.Context()
	store, err := gpkg.Open(ctx, filepath.Join(t.TempDir(), "drill.gpkg"), gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	w, err := sample.NewWorld(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	drilled := map[string]bool{}
	for _, id := range newTestScenario(t).Layers() {
		drilled[id] = true
	}
	for _, l := range sample.Layers() {
		if !drilled[l.ID] {
			continue
		}
		edits, err := w.Features(l.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.DefineLayer(ctx, layers.Actor{Name: "test"}, l); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Apply(ctx, layers.Actor{Name: "test"}, l.ID, edits); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// content returns the layer's features by id, without times.
func content(t *testing.T, store layers.Store, layer string) map[string]layers.Edit {
	t.Helper()
	features := map[string]layers.Edit{}
	for f, err := range store.As(layers.Owner).Scan(context.Background(), layer, layers.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		properties := map[string]any{}
		for k, v := range f.Properties {
			if k != "observed_at" {
				properties[k] = v
			}
		}
		features[f.ID] = layers.Edit{ID: f.ID, Geometry: f.Geometry, Properties: properties}
	}
	return features
}

func drilled(features map[string]layers.Edit) (n int) {
	for id := range features {
		if len(id) > 6 && id[:6] == "drill-" {
			n++
		}
	}
	return n
}

func TestAPlayedDrillLeavesTheStoreAsItWas(t *testing.T) {
	store := newStore(t)
	if err := Reset(t.Context(), store, Options{}); err != nil {
		t.Fatal(err)
	}
	before := map[string]map[string]layers.Edit{}
	for _, id := range newTestScenario(t).Layers() {
		before[id] = content(t, store, id)
	}
	head, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), store, Options{Speed: 120}); err != nil {
		t.Fatal(err)
	}
	end, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if end.Position-head.Position < 5000 {
		t.Errorf("the drill made only %d changes", end.Position-head.Position)
	}
	for id, want := range before {
		got := content(t, store, id)
		if len(got) != len(want) {
			t.Errorf("%s: %d features before, %d after", id, len(want), len(got))
		}
		for fid, f := range want {
			if !same(f, got[fid]) {
				t.Errorf("%s/%s: was %v, is %v", id, fid, f.Properties, got[fid].Properties)
			}
		}
	}
}

func TestAnInterruptedDrillIsClearedAwayByTheNext(t *testing.T) {
	store := newStore(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := Run(ctx, store, Options{Speed: 100, Loop: true}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the drill ended with %v", err)
	}
	if drilled(content(t, store, "hotline-incidents")) == 0 || drilled(content(t, store, "hazard-zones")) == 0 {
		t.Fatal("nothing was left behind")
	}
	if err := Reset(t.Context(), store, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"hotline-incidents", "hazard-zones"} {
		if n := drilled(content(t, store, id)); n > 0 {
			t.Errorf("%s: %d features of the drill are left", id, n)
		}
	}
	for id, f := range content(t, store, "river-gauges") {
		if f.Properties["status"] != "normal" {
			t.Errorf("%s is %v", id, f.Properties["status"])
		}
	}
}

func TestADrillGoesOnWhenSomebodyDeletesWhatItMade(t *testing.T) {
	store := newStore(t)
	done := make(chan error, 1)
	go func() { done <- Run(t.Context(), store, Options{Speed: 150}) }()
	for playing := true; playing; {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			playing = false
		case <-time.After(100 * time.Millisecond):
			for id := range content(t, store, "hotline-incidents") {
				_, err := store.Apply(t.Context(), layers.Actor{Name: "test"}, "hotline-incidents", []layers.Edit{{Op: layers.Delete, ID: id}})
				if err != nil && layers.CodeOf(err) != layers.NotFound {
					t.Error(err)
				}
			}
		}
	}
}

// busyStore refuses every other write, as a store does whose lock is held.
type busyStore struct {
	layers.Store
	mu    sync.Mutex
	calls int
}

func (s *busyStore) Apply(ctx context.Context, a layers.Actor, layer string, edits []layers.Edit) (layers.Receipt, error) {
	s.mu.Lock()
	s.calls++
	busy := s.calls%2 == 1
	s.mu.Unlock()
	if busy {
		return layers.Receipt{}, layers.Errorf(layers.Unavailable, "the database is locked")
	}
	return s.Store.Apply(ctx, a, layer, edits)
}

func TestADrillWaitsForABusyStore(t *testing.T) {
	store := &busyStore{Store: newStore(t)}
	if err := Run(t.Context(), store, Options{Speed: 300, Reset: true}); err != nil {
		t.Fatal(err)
	}
	if n := drilled(content(t, store, "hotline-incidents")); n > 0 {
		t.Errorf("%d incidents are left", n)
	}
}

func TestADrillWithoutTheSampleSaysWhatIsMissing(t *testing.T) {
	store, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "empty.gpkg"), gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := Run(t.Context(), store, Options{}); layers.CodeOf(err) != layers.NotFound {
		t.Errorf("got %v", err)
	}
	if err := Run(t.Context(), store, Options{Speed: -1}); layers.CodeOf(err) != layers.Invalid {
		t.Errorf("got %v", err)
	}
}
