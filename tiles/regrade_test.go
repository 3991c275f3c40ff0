package tiles

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onemap/layers"
)

// TestGradesAfterCommitsAreThoseOfALayerReadAnew changes the attributes of some areas of
// a lattice, and removes and brings back others, which changes where borders part.
func TestGradesAfterCommitsAreThoseOfALayerReadAnew(t *testing.T) {
	all := lattice(0.3)
	grades := func(s *snapshot) map[int64][]uint8 {
		out := map[int64][]uint8{}
		for _, r := range s.runs {
			for row, num := range r.nums {
				if !r.dead.has(row) {
					out[num] = r.shapes.gradesOf(row)
				}
			}
		}
		return out
	}
	regraded := 0
	rapid.Check(t, func(t *rapid.T) {
		l := testLayer("lattice")
		now := map[int64]*layers.Feature{}
		for _, f := range all {
			if rapid.IntRange(0, 3).Draw(t, "there") > 0 {
				now[f.Num] = f
			}
		}
		s := snapshotOf(l, 1<<40, slices.Collect(maps.Values(now))...)
		for range 3 {
			var changes []layers.Change
			for _, f := range all {
				ch := layers.Change{Old: now[f.Num]}
				switch rapid.IntRange(0, 3).Draw(t, "change") {
				case 0:
					ch.New = f
				case 1:
					if ch.Old == nil {
						continue
					}
				default:
					continue
				}
				if delete(now, f.Num); ch.New != nil {
					now[f.Num] = f
				}
				changes = append(changes, ch)
			}
			next, also := s.apply(changes, true)
			s, regraded = next, regraded+len(also)
			if got, want := grades(s), grades(snapshotOf(l, 1<<40, slices.Collect(maps.Values(now))...)); !maps.EqualFunc(got, want, slices.Equal) {
				t.Fatalf("got %v\nwant %v", got, want)
			}
		}
	})
	if regraded == 0 {
		t.Error("no commit changed the outline of another area")
	}
}
