package tiles

import (
	"testing"

	"pgregory.net/rapid"

	"onemap/layers"
)

func TestTilesOfTheStoreMergeWhereTheyAreTooLargeAndTheirCountsAddUp(t *testing.T) {
	for _, g := range []layers.GeometryType{layers.Point, layers.AnyGeometry} {
		t.Run(string(g), func(t *testing.T) {
			merged := 0
			rapid.Check(t, func(rt *rapid.T) {
				sc := crowd(rt, g, t)
				redrawn := 0
				s := newService(t, sc.src, Options{TileBytes: 200, Redrawn: func(string) { redrawn++ }})
				want := int64(0)
				for _, f := range sc.now {
					if _, ok := firstPlace(f.Geometry); ok {
						want++
					}
				}
				for z := 1; z <= 13; z += 4 {
					all := sc.tiles(z)
					for _, c := range all { // of which some make the zoom coarser
						derive(rt, s, c, Variant{}, "kept")
					}
					count, size, whole := int64(0), 0, 0
					cells := s.thinned.of("kept")[z]
					for _, c := range all {
						tile := derive(rt, s, c, Variant{}, "kept")
						plain, err := Encode(t.Context(), sc.src.As(layers.Public), sc.layer, c)
						if err != nil {
							rt.Fatal(err)
						}
						size, whole = size+len(tile.Raw), whole+len(plain)
						if cells == 0 && (len(plain) > 600 || len(tile.Raw) != len(plain)) {
							rt.Fatalf("tile %s has %d bytes of %d, and nothing merges", c, len(tile.Raw), len(plain))
						}
						for _, f := range features(t, tile.Raw) {
							n := countOf(f)
							count += n
							if n > 1 {
								merged++
							}
						}
					}
					if cells > 0 && size > whole {
						rt.Fatalf("zoom %d takes %d bytes merged, %d whole", z, size, whole)
					}
					if count != want {
						rt.Fatalf("zoom %d has %d features, the layer %d", z, count, want)
					}
					if again := s.thinned.of("kept")[z]; again != cells || cells > 0 && redrawn == 0 {
						rt.Fatalf("cells %d became %d, %d notices", cells, again, redrawn)
					}
				}
			})
			if merged == 0 {
				t.Error("nothing merged")
			}
		})
	}
}
