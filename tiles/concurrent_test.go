package tiles

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// TestNobodyIsSeenTwiceOrNotAtAllWhileEverythingMoves makes tiles of the whole world
// while the feed moves points and bases are merged: each must have each point once.
func TestNobodyIsSeenTwiceOrNotAtAllWhileEverythingMoves(t *testing.T) {
	const points, batches, batch = 12_000, 300, 100
	l := testLayer("moving", layers.Attribute{Name: "speed", Type: layers.Number, Aggregate: true})
	l.Geometry = layers.Point
	src := newMemory(l)
	now := make([]*layers.Feature, points)
	at := func(rnd *rand.Rand, n int64) *layers.Feature {
		return &layers.Feature{ID: fmt.Sprint("v", n), Num: n, Geometry: geom.NewPointFlat(geom.XY, []float64{106 + 4*rnd.Float64(), 22 + 3*rnd.Float64()}), Properties: map[string]any{"speed": rnd.Float64()}}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range now {
		now[i] = at(rnd, int64(i+1))
	}
	src.set("moving", now...)
	s := keep(t, src, Options{TileBytes: 4000, CacheBytes: NoCache})
	_, first := s.kept.find("moving")
	var moved atomic.Bool
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for !moved.Load() {
				n := int64(0)
				for _, f := range features(t, mustTile(t, s, Coord{}, "moving").Raw) {
					n += countOf(f)
				}
				if n != points {
					t.Errorf("the world has %d of %d points", n, points)
					return
				}
			}
		})
	}
	for range batches {
		var changes []layers.Change
		for range batch {
			i := rnd.IntN(points)
			f := at(rnd, int64(i+1))
			changes = append(changes, layers.Change{Layer: "moving", Kind: layers.ChangePut, Old: now[i], New: f})
			now[i] = f
		}
		s.Apply([]layers.Commit{{Changes: changes}})
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, state := s.kept.find("moving"); state.runs[0].run != first.runs[0].run {
			break
		}
		if time.Now().After(deadline) {
			t.Error("no new base was made")
			break
		}
	}
	moved.Store(true)
	group.Wait()
	// And each is where it went last.
	_, state := s.kept.find("moving")
	for _, f := range now {
		key, _ := state.format.anchor(f)
		n := 0
		for _, r := range state.runs {
			if row := r.find(key, f.Num); row >= 0 && !r.dead.has(row) {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("%s is there %d times", f.ID, n)
		}
	}
}
