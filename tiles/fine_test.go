package tiles

import (
	"fmt"
	"slices"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"onemap/layers"
)

// TestAFineTileIsTheFourOfTheNextZoomInOne looks at points, which are not clipped, where
// each is drawn by itself.
func TestAFineTileIsTheFourOfTheNextZoomInOne(t *testing.T) {
	l := testLayer("a")
	l.Geometry = layers.Point
	at := Coord{9, 409, 221}
	var fs []*layers.Feature
	for i := range int64(400) {
		fs = append(fs, feature(i, in(t, at, fmt.Sprintf("POINT (%f %f)", float64(i%20)*211.37-40, float64(i/20)*211.83-40)), nil))
	}
	s := snapshotOf(l, 1<<40, fs...)
	drawn := func(c Coord, v Variant, dx, dy float64) (all []string) {
		for _, f := range features(t, s.encode(&draft{variant: v}, "a", c)) {
			p := f.Geometry.(orb.Point)
			if x, y := p[0]+dx, p[1]+dy; f.Properties[CountKey] == nil { // each in its own tile
				all = append(all, fmt.Sprint(f.ID, x, y))
			}
		}
		return all
	}
	got := drawn(at, Variant{fine: true}, 0, 0)
	var want []string
	for i := range 4 {
		x, y := i%2, i/2
		want = append(want, drawn(Coord{at.Z + 1, 2*at.X + x, 2*at.Y + y}, Variant{}, float64(x*TileExtent), float64(y*TileExtent))...)
	}
	slices.Sort(got)
	slices.Sort(want)
	if len(got) < 300 || !slices.Equal(got, want) {
		t.Errorf("%d points, %d of the next zoom's: %v\n%v", len(got), len(want), got, want)
	}
}

func TestCountsOfFineTilesAddUp(t *testing.T) {
	for _, g := range []layers.GeometryType{layers.Point, layers.AnyGeometry} {
		t.Run(string(g), func(t *testing.T) {
			merged := 0
			rapid.Check(t, func(rt *rapid.T) {
				sc := crowd(rt, g, t)
				sc.edit(rt, 10) // and an overlay
				want := int64(0)
				for _, f := range sc.now {
					if _, ok := firstPlace(f.Geometry); ok {
						want++
					}
				}
				for z := 1; z <= 14; z += 3 {
					count := int64(0)
					for _, c := range sc.tiles(z) {
						for _, f := range features(t, derive(rt, sc.service, c, Variant{fine: true}, "kept").Raw) {
							n := countOf(f)
							count += n
							if n > 1 {
								merged++
							}
						}
					}
					if count != want {
						rt.Fatalf("zoom %d has %d features, the layer %d", z, count, want)
					}
				}
			})
			if merged == 0 {
				t.Error("nothing merged")
			}
		})
	}
}
