package tiles

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twpayne/go-geom"
	"pgregory.net/rapid"

	"onemap/layers"
)

func TestNeighboursAreThoseThatShareACornerAndNoOthers(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		one := func(num int64) *layers.Feature {
			column, row := rapid.IntRange(0, 9).Draw(t, "column"), rapid.IntRange(0, 9).Draw(t, "row")
			g := parcel(column, row, rapid.SampledFrom([]float64{0.001, 0.02}).Draw(t, "unit"))
			switch flat := g.FlatCoords(); rapid.IntRange(0, 3).Draw(t, "type") {
			case 0:
				g = geom.NewPointFlat(geom.XY, flat[:2])
			case 1:
				g = geom.NewLineStringFlat(geom.XY, flat[:4+2*rapid.IntRange(0, 20).Draw(t, "length")])
			case 2: // far off on both sides of the others
				g = geom.NewLineStringFlat(geom.XY, []float64{100, 20, flat[0], flat[1], 120, 30})
			}
			return feature(num, g, nil)
		}
		format := formatOf(testLayer("kept"), -1)
		runs, edits := make([]living, 2), make([]deadEdit, 2)
		for i := range runs {
			b := newRun(format, nil)
			for n := range rapid.IntRange(1, 60).Draw(t, "rows") {
				b.add(one(int64(n)))
			}
			runs[i].run = b.build()
			edits[i] = runs[i].dead.edit(runs[i].len())
			edits[i].kill(rapid.IntRange(0, runs[i].len()-1).Draw(t, "dead"))
		}
		var changed shapesBuilder
		var c corners
		for i := range rapid.IntRange(1, 20).Draw(t, "changed") {
			g := one(0).Geometry
			anchor, _ := firstPlace(g)
			changed.add(g, anchor)
			c = c.add(&changed.shapes, i)
		}
		on := map[place]bool{}
		for row := range changed.ends {
			changed.eachBorder(row, func(border []place) bool {
				for _, v := range border {
					on[v] = true
				}
				return true
			})
		}
		var want []neighbour
		for i, r := range runs {
			for row := range r.len() {
				apart := r.shapes.eachBorder(row, func(border []place) bool {
					return !slices.ContainsFunc(border, func(v place) bool { return on[v] })
				})
				if !apart && !edits[i].has(row) {
					want = append(want, neighbour{i, row})
				}
			}
		}
		if got := c.sort().touching(runs, edits); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		found += len(want)
	})
	if found < 300 {
		t.Errorf("only %d were found", found)
	}
}

func TestAPointOnABorderIsNobodysNeighbour(t *testing.T) {
	s := snapshotOf(testLayer("kept"), 1<<40, lattice(0.02)...)
	corner := parcel(1, 1, 0.02).FlatCoords()
	for i := 0; i < len(corner); i += 2 {
		point := &layers.Feature{Num: 100, ID: fmt.Sprint(100), Geometry: geom.NewPointFlat(geom.XY, corner[i:i+2])}
		if _, also := s.apply([]layers.Change{{New: point}}, true); len(also) > 0 {
			t.Fatalf("a point at corner %d changes the outlines of %d areas", i/2, len(also))
		}
	}
}
