package tiles

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

func TestTilesFromMemoryDoNotWaitForTheStore(t *testing.T) {
	kept := testLayer("kept")
	src := newMemory(kept)
	src.put("kept", feature(1, geom.NewPointFlat(geom.XY, []float64{108, 22.5}), nil))
	s := keep(t, src, Options{Encoders: 2})
	begun, release := make(chan struct{}), make(chan struct{})
	src.mu.Lock()
	src.layers["slow"] = testLayer("slow")
	src.onScan = func() { begun <- struct{}{}; <-release }
	src.mu.Unlock()
	var slow sync.WaitGroup
	for x := range 2 {
		slow.Go(func() { _, _ = s.Tile(t.Context(), layers.Public, []string{"slow"}, 3, 2+x, 2) })
		<-begun
	}
	defer slow.Wait()
	defer close(release)
	if n := len(mustTile(t, s, Coord{}, "kept").Raw); n == 0 { // the test's time is the limit
		t.Error("the tile is empty")
	}
}

func TestWhoeverWaitsForATurnMayLeave(t *testing.T) {
	sc := newScene(t, layers.Point, Options{Encoders: 2})
	s := sc.service
	for range 2 {
		if !s.ofMemory.free() {
			t.Fatal("no turn is free")
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	waits := make(chan error)
	go func() {
		_, err := s.Tile(ctx, layers.Public, []string{"kept"}, 0, 0, 0)
		waits <- err
	}()
	leave()
	if err := <-waits; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	s.ofMemory.end() // whoever comes next has a turn
	mustTile(t, s, Coord{}, "kept")
}
