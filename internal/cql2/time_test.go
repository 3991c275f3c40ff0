package cql2

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Allen's relations tell any two proper intervals apart in exactly one way.
func TestExactlyOneOfAllensRelationsHolds(t *testing.T) {
	allen := []Op{TBefore, TAfter, TMeets, TMetBy, TOverlaps, TOverlappedBy, TStarts, TStartedBy, TDuring, TContains, TFinishes, TFinishedBy, TEquals}
	inverse := map[Op]Op{TBefore: TAfter, TMeets: TMetBy, TOverlaps: TOverlappedBy, TStarts: TStartedBy, TDuring: TContains, TFinishes: TFinishedBy, TEquals: TEquals, TIntersects: TIntersects, TDisjoint: TDisjoint}
	rapid.Check(t, func(t *rapid.T) {
		proper := func(name string) span {
			start := rapid.Int64Range(0, 8).Draw(t, name)
			return span{start, start + rapid.Int64Range(1, 8).Draw(t, name)}
		}
		a, b := proper("a"), proper("b")
		n := 0
		for _, op := range allen {
			if relations[op](a, b) {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("%d relations hold of %v and %v", n, a, b)
		}
		for op, other := range inverse {
			if relations[op](a, b) != relations[other](b, a) {
				t.Fatalf("%s of %v and %v is not %s the other way round", op, a, b, other)
			}
		}
		if relations[TDisjoint](a, b) == relations[TIntersects](a, b) {
			t.Fatalf("%v and %v are disjoint and intersect, or neither", a, b)
		}
	})
}

func TestADateIsItsDayInBeijing(t *testing.T) {
	for _, day := range []string{"2026-07-01", "1970-01-01", "1969-12-31", "1900-02-28", "2000-02-29", "0001-01-01", "9999-12-31"} {
		start, err := time.ParseInLocation(time.DateOnly, day, time.FixedZone("", 8*60*60))
		if err != nil {
			t.Fatal(err)
		}
		got, ok := spanOf(Day(day))
		if want := (span{start.UnixMilli(), start.Add(24*time.Hour).UnixMilli() - 1}); !ok || got != want {
			t.Errorf("%s is %v, want %v", day, got, want)
		}
	}
	for _, v := range []any{Day("2026-7-1"), Day(""), Day("2026-13-01"), Day("2026-01-xx"), Day("20260701xx"), "2026-07-01", nil, 7} {
		if s, ok := spanOf(v); ok {
			t.Errorf("%#v is %v", v, s)
		}
	}
}
