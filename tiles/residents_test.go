package tiles

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twpayne/go-geom"
	"pgregory.net/rapid"

	"onemap/layers"
)

// eventually waits for what another goroutine does.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// crowded returns n points in a small place, each with a name of its own.
func crowded(n int) (out []*layers.Feature) {
	for i := range n {
		out = append(out, feature(int64(i+1), geom.NewPointFlat(geom.XY, []float64{108 + float64(i)*1e-5, 22.5}), map[string]any{
			"name": fmt.Sprintf("广西壮族自治区南宁市青秀区民族大道%d号", i), "level": float64(i),
		}))
	}
	return out
}

func atOnePlace(n int) []*layers.Feature {
	all := crowded(n)
	for _, f := range all {
		f.Geometry = all[0].Geometry
	}
	return all
}

func puts(layer string, fs []*layers.Feature) []layers.Commit {
	var changes []layers.Change
	for _, f := range fs {
		changes = append(changes, layers.Change{Layer: layer, Kind: layers.ChangePut, ID: f.ID, New: f})
	}
	return []layers.Commit{{Changes: changes}}
}

func pointLayer(id string) *layers.Layer {
	l := testLayer(id, residentSchema...)
	l.Geometry = layers.Point
	return l
}

func TestWhatChangesWhileALayerIsLoadedIsInIt(t *testing.T) {
	for _, g := range []layers.GeometryType{layers.Point, layers.AnyGeometry} {
		t.Run(string(g), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				sc, src, _ := newStored(t, g)
				sc.edit(rt, 30)
				s, stop, _ := src.start(t, Options{TileBytes: 200})
				defer stop()
				sc.service = s
				for range rapid.IntRange(1, 3).Draw(rt, "loads") {
					for range rapid.IntRange(0, 2).Draw(rt, "before") {
						sc.edit(rt, 10) // the scan has it, and the feed tells it meanwhile
					}
					var happens []func()
					sc.hold = func(edit func()) {
						happens = append(happens, edit)
						if rapid.Bool().Draw(rt, "told") {
							happens = append(happens, src.tell)
						}
					}
					for range rapid.IntRange(0, 4).Draw(rt, "meanwhile") {
						sc.edit(rt, 10)
					}
					sc.hold = nil
					next := func(n int) {
						for _, one := range happens[:n] {
							one()
						}
						happens = happens[n:]
					}
					early := rapid.IntRange(0, len(happens)).Draw(rt, "early")
					src.memory.mu.Lock()
					src.onScan = func() { next(early) } // what was not scanned
					src.memory.mu.Unlock()
					src.onHead = func() { next(len(happens)) }
					s.kept.reload("kept")
					eventually(t, "in memory", func() bool { return s.Kept("kept") })
					src.memory.mu.Lock()
					src.onScan = nil
					src.memory.mu.Unlock()
					src.tell()
					sc.mustBeAnew(rt, t)
				}
			})
		})
	}
}

// What panics in a geometry is not known; this one does.
var impossible = &layers.Feature{ID: "bad", Num: 99, Geometry: (*geom.Polygon)(nil)}

func TestALayerThatCanNotBeReadEndsNothing(t *testing.T) {
	bad, good := testLayer("bad"), pointLayer("good")
	src := newMemory(bad, good)
	src.set("good", crowded(3)...)
	src.set("bad", impossible)
	s := keep(t, src, Options{})
	if s.Kept("bad") || !s.Kept("good") {
		t.Fatal("the bad layer is in memory, or the good one is not")
	}
	src.set("bad", crowded(1)...)
	if n := len(features(t, mustTile(t, s, Coord{}, "bad").Raw)); n != 1 {
		t.Errorf("%d features come from the store", n)
	}
	s.Apply([]layers.Commit{{Changes: []layers.Change{{Layer: "bad", Kind: layers.ChangeDefine}}}})
	eventually(t, "in memory after it was mended", func() bool { return s.Kept("bad") })
}

func TestAChangeThatCanNotBeReadEndsNothing(t *testing.T) {
	l := testLayer("kept")
	src := newMemory(l)
	src.set("kept", crowded(2)...)
	s := keep(t, src, Options{})
	mustTile(t, s, Coord{}, "kept")
	src.set("kept", crowded(3)...) // as the store would show it, had it been possible
	s.Apply(puts("kept", []*layers.Feature{impossible}))
	if s.Kept("kept") {
		t.Error("it is in memory")
	}
	if n := len(features(t, mustTile(t, s, Coord{}, "kept").Raw)); n != 3 {
		t.Errorf("%d features come from the store", n)
	}
}

func TestTwoLoadsDoNotTakeTheSameMemory(t *testing.T) {
	a, b := pointLayer("a"), pointLayer("b")
	src := newMemory(a, b)
	all := crowded(3 * checkEvery)
	src.set("a", all...)
	src.set("b", all...)
	var meet sync.WaitGroup
	meet.Add(2)
	src.onScan = func() { meet.Done(); meet.Wait() } // both have begun
	one := snapshotOf(a, defaultBudget, all...).size()
	s := keep(t, src, Options{Memory: one * 3 / 2})
	if n, _, size := s.kept.total(); n != 1 || size > one*3/2 {
		t.Errorf("%d layers take %d bytes; one of %d fits", n, size, one)
	}
}

func TestALoadThatWasOvertakenLeavesItsSuccessorAlone(t *testing.T) {
	src := &logged{memory: newMemory(pointLayer("a")), epoch: "e1"}
	src.set("a", crowded(2*checkEvery)...)
	begun, release := make(chan struct{}), make(chan struct{})
	first := sync.OnceFunc(func() { close(begun); <-release })
	loaded := make(chan struct{})
	s := newService(t, src, Options{
		Memory:  100_000, // for a few of them
		WaitFor: func(context.Context, layers.Position) error { return nil },
		Progress: func(_, _ int, layer string, _ int, _ string) {
			if layer == "" {
				close(loaded)
			}
		},
	})
	src.onScan = first
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	defer func() { stop(); <-done }()
	<-begun
	src.memory.mu.Lock()
	src.onScan = nil
	src.memory.mu.Unlock()
	src.set("a", crowded(10)...)
	s.Apply([]layers.Commit{{Changes: []layers.Change{{Layer: "a", Kind: layers.ChangeReset}}}})
	eventually(t, "in memory", func() bool { return s.Kept("a") })
	close(release) // the first one finds that it does not fit
	<-loaded
	if !s.Kept("a") || s.kept.isTooLarge("a") {
		t.Error("the layer of 10 features is not in memory")
	}
}

func TestALayerInMemoryStaysThereWhenItIsToBeLoadedOnceMore(t *testing.T) {
	sc := newScene(t, layers.Point, Options{})
	_, was := sc.service.kept.find("kept")
	if sc.service.kept.load(t.Context(), "kept"); !sc.service.Kept("kept") {
		t.Fatal("it is not in memory")
	}
	if _, is := sc.service.kept.find("kept"); is != was {
		t.Error("it was read again")
	}
}

func TestALayerThatFitsByNowIsLoaded(t *testing.T) {
	src := newMemory(pointLayer("a"), pointLayer("b"))
	src.set("a", crowded(checkEvery+1)...)
	src.set("b", crowded(checkEvery+2)...)
	one := snapshotOf(pointLayer("a"), defaultBudget, crowded(checkEvery)...).size()
	s := newService(t, src, Options{Memory: one * 5 / 4})
	s.kept.again = time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	defer func() { stop(); <-done }()
	eventually(t, "one of the two is in memory, the other is not", func() bool {
		return s.Kept("a") && s.kept.isTooLarge("b") || s.Kept("b") && s.kept.isTooLarge("a")
	})
	inside := "a"
	if s.Kept("b") {
		inside = "b"
	}
	src.set(inside, crowded(5)...)
	s.Apply([]layers.Commit{{Changes: []layers.Change{{Layer: inside, Kind: layers.ChangeReset}}}})
	eventually(t, "both are in memory", func() bool { return s.Kept("a") && s.Kept("b") })
	if s.kept.isTooLarge("a") || s.kept.isTooLarge("b") {
		t.Error("one of them is said to be outside as well")
	}
}

func TestALoadDoesNotHoldUpMerges(t *testing.T) {
	src := newMemory(pointLayer("kept"), pointLayer("slow"))
	s := keep(t, src, Options{})
	begun, release := make(chan struct{}), make(chan struct{})
	src.mu.Lock()
	src.onScan = func() { close(begun); <-release }
	src.mu.Unlock()
	defer close(release)
	s.Apply([]layers.Commit{{Changes: []layers.Change{{Layer: "slow", Kind: layers.ChangeReset}}}})
	<-begun
	s.Apply(puts("kept", crowded(2*mergeLeast)))
	eventually(t, "a new base", func() bool { _, state := s.kept.find("kept"); return state.runs[0].len() > 0 })
}

func TestNoTileIsFarBeyondItsBudget(t *testing.T) {
	texts := func(n int) (out []*layers.Feature) { // long ones that several features share
		for i, f := range crowded(n) {
			f.Properties["name"] = fmt.Sprint(i%(n/2)) + strings.Repeat("说明", 300)
			out = append(out, f)
		}
		return out
	}
	for _, c := range []struct {
		name     string
		at, then []*layers.Feature
	}{
		{"filled after it was loaded", nil, crowded(8000)},
		{"long texts that features share", texts(4000), nil},
		{"a few large ones at last", crowded(5), texts(1000)},
		{"many at one place", nil, atOnePlace(5000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := newMemory(pointLayer("kept"))
			src.set("kept", c.at...)
			s := keep(t, src, Options{})
			if len(c.then) > 0 {
				s.Apply(puts("kept", c.then))
			}
			for z := range MaxZoom + 1 {
				at := At(108, 22.5, z)
				if n := len(mustTile(t, s, at, "kept").Raw); n == 0 || n > 3*defaultBudget {
					t.Errorf("tile %s has %d bytes, of %d", at, n, defaultBudget)
				}
				total := int64(0)
				for x := range 4 { // as far as the points reach
					if c := (Coord{z, at.X + x, at.Y}); c.Check() == nil {
						for _, f := range features(t, mustTile(t, s, c, "kept").Raw) {
							total += countOf(f)
						}
					}
				}
				if want := int64(len(c.at) + len(c.then)); z <= 12 && total != want {
					t.Errorf("zoom %d counts %d features of %d", z, total, want)
				}
			}
		})
	}
}

func TestWhoeverShowsALayerHearsThatItMergesInOtherCells(t *testing.T) {
	src := newMemory(pointLayer("kept"))
	redrawn := make(chan string, 100)
	s := keep(t, src, Options{Redrawn: func(layer string) { redrawn <- layer }})
	if layer := <-redrawn; layer != "kept" { // it is in memory
		t.Fatal(layer)
	}
	s.Apply(puts("kept", crowded(8000)))
	if n := len(redrawn); n != 0 {
		t.Fatalf("%d redraws for a change, of which the feed tells", n)
	}
	mustTile(t, s, At(108, 22.5, 9), "kept")
	if layer := <-redrawn; layer != "kept" {
		t.Error(layer)
	}
}

func TestWhatNoMergingCanHelpIsNotMerged(t *testing.T) {
	l := testLayer("kept")
	src := newMemory(l)
	var coast []float64
	for i := range 300_000 {
		coast = append(coast, 108+float64(i)*1e-6, 22+float64(i*7919%10_000)*1e-5)
	}
	f := feature(1, geom.NewLineStringFlat(geom.XY, coast), nil)
	s := keep(t, src, Options{})
	s.Apply(puts("kept", []*layers.Feature{f}))
	largest := 0
	for z := 10; z < 13; z++ {
		largest = max(largest, len(mustTile(t, s, At(108.15, 22.05, z), "kept").Raw))
	}
	if largest <= layers.MostTileBytes {
		t.Fatalf("the largest tile has %d bytes: nothing to help", largest)
	}
	if _, state := s.kept.find("kept"); state.plan != (plan{}) {
		t.Errorf("one feature alone merges: %v", state.plan)
	}
}

func TestALayerMayHaveABudgetOfItsOwn(t *testing.T) {
	sizes := map[int]int{}
	for _, own := range []int{0, 20_000, 400_000} {
		l := pointLayer("kept")
		l.Display.TileBytes = own
		src := newMemory(l)
		spread := crowded(5000)
		for i, f := range spread {
			f.Geometry = geom.NewPointFlat(geom.XY, []float64{107 + float64(i%71)*0.03, 22 + float64(i/71)*0.03})
		}
		src.set("kept", spread...)
		s := keep(t, src, Options{})
		for z := range 13 {
			for _, f := range spread[:200] {
				sizes[own] = max(sizes[own], len(mustTile(t, s, At(f.Geometry.FlatCoords()[0], f.Geometry.FlatCoords()[1], z), "kept").Raw))
			}
		}
	}
	if sizes[20_000] > 20_000 || sizes[0] <= 20_000 || sizes[0] > defaultBudget || sizes[400_000] <= defaultBudget || sizes[400_000] > 400_000 {
		t.Errorf("the largest tiles by budget: %v", sizes)
	}
}

func TestABuilderKnowsWhatItTakes(t *testing.T) {
	b := newRun(formatOf(pointLayer("kept"), 2.5), nil)
	held := int64(0)
	for i := range 5000 {
		doc := fmt.Sprintf("%0*d", 5000, i)
		held += int64(len(doc))
		b.add(&layers.Feature{Num: int64(i), ID: fmt.Sprint(i), Geometry: geom.NewPointFlat(geom.XY, []float64{108, 22}), Properties: map[string]any{"name": doc}})
	}
	if b.size() < held {
		t.Errorf("it says %d bytes and holds %d of texts alone", b.size(), held)
	}
}

func TestGuard(t *testing.T) {
	var why leftOut
	if err := guard(func() error { panic("so") }); !errors.As(err, &why) || !why.broken {
		t.Errorf("got %v", err)
	}
	if err := guard(func() error { return errGone }); !errors.Is(err, errGone) {
		t.Errorf("got %v", err)
	}
}
