package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onemap/internal/pgtest"
)

// TestMain lets the test binary be the server of the yardsticks, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == yardstickCommand {
		main()
	}
	os.Exit(pgtest.Main(m))
}

func TestAThousandthOfTheDataGoesThroughAllThatIsMeasured(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds onemap and starts servers")
	}
	db := pgtest.Database(t)
	if err := (&options{part: 1000, times: 1}).load(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	other, err := startYardstick(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.stop)
	o, err := parse([]string{"-part", "1000", "-runs", "1", "-tiles", "5", "-connections", "1", "-least", "0", "-most", "2s", "-moves", "100",
		"-metrics", "onemap_tile_cache", "-peer", "other=" + other.url + "/{data}/{z}/{x}/{y}"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := run(t.Context(), db, o) // which decodes a tile of each server and zoom
	if err != nil {
		t.Fatal(err)
	}
	cells := 0
	r.cells(func(c cell, m map[string]result) {
		cells++
		for _, name := range []string{pushed, cold, warm, constant, "other"} {
			if got := m[name]; got.served == 0 || got.raw == 0 || got.p50 == 0 || got.empty == got.served {
				t.Errorf("%v, %s: %+v", c, name, got)
			}
		}
		if m[cold].cached != 0 || m[warm].cached != m[warm].served {
			t.Errorf("%v: %d uncached tiles came from the cache, and %d of %d cached ones", c, m[cold].cached, m[warm].cached, m[warm].served)
		}
		if m[warm].wire*m[cold].served != m[cold].wire*m[warm].served {
			t.Errorf("%v: cached tiles have other bytes: %d of %d, %d of %d", c, m[warm].wire, m[warm].served, m[cold].wire, m[cold].served)
		}
	})
	if cells != 15 || len(r.moving) != 5 || len(r.untilSeen) == 0 || r.rssReady == 0 || len(r.metrics) == 0 {
		t.Errorf("%d cells, %d zooms while points move, %d moves seen, %d bytes, metrics %q", cells, len(r.moving), len(r.untilSeen), r.rssReady, r.metrics)
	}
	text := r.markdown()
	for _, d := range datasets {
		if n := strings.Count(text, "\n| "+d.name+" |"); n != 10 && !(d == points && n == 15) {
			t.Errorf("%d rows of %s:\n%s", n, d.name, text)
		}
	}
}

func TestATileWithNothingInItIsNotMeasured(t *testing.T) {
	db := pgtest.Database(t)
	if err := (&options{part: 1000, times: 1}).load(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	s, err := startYardstick(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	if err := s.target(pushed, "").check(points, []coord{{6, 0, 0}}); err == nil || !strings.Contains(err.Error(), "nothing is in any of 1 tiles") {
		t.Errorf("empty: %v", err)
	}
	if err := s.target(pushed, "/constant/9?").check(points, []coord{{6, 50, 27}}); err == nil {
		t.Error("random bytes pass as a tile")
	}
}

func TestTheTilesOfAZoomAreThoseAboveTheDeepestEachOnceAndAlwaysTheSame(t *testing.T) {
	var deep []coord
	for x := range 64 {
		for y := range 32 {
			deep = append(deep, coord{deepest, 12000 + x, 7000 + y})
		}
	}
	all := choose(deep, 12, 1000)
	seen := map[coord]bool{}
	for _, c := range all {
		seen[c] = true
		if c.z != 12 || c.x < 3000 || c.x > 3015 || c.y < 1750 || c.y > 1757 {
			t.Errorf("%v is not above the data", c)
		}
	}
	if len(all) != 16*8 || len(seen) != len(all) {
		t.Errorf("%d tiles, %d of them different", len(all), len(seen))
	}
	slices.Reverse(deep)
	if some := choose(deep, 12, 20); !slices.Equal(some, all[:20]) {
		t.Errorf("%v, not %v", some, all[:20])
	}
}

func TestTheTablesReplaceThoseBetweenTheMarksAndNothingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.md")
	if err := os.WriteFile(path, []byte("before\n"+begin+"old\n"+end+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := writeBetween(path, "new\n"); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "before\n"+begin+"new\n"+end+"\nafter\n" {
		t.Errorf("%s %v", b, err)
	}
	if err := os.WriteFile(path, []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeBetween(path, "new"); err == nil {
		t.Error("a file without marks was taken")
	}
}

func TestTheMedianIsTheRunWithTheMiddleRate(t *testing.T) {
	run := func(n int) result { return result{served: n, took: time.Second} }
	if got := median([]result{run(30), run(10), run(20)}).served; got != 20 {
		t.Errorf("%d", got)
	}
}
