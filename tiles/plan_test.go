package tiles

import (
	"context"
	"fmt"
	"testing"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// street is some points in a square of the given side (degrees) around a place.
func street(n int, side float64) (fs []*layers.Feature) {
	for i := range n {
		// Steps of the golden ratio and of the square root of two leave no gaps and no two at one place.
		x, y := frac(float64(i)*0.6180339887), frac(float64(i)*0.4142135623)
		at := geom.NewPointFlat(geom.XY, []float64{108.33 + side*x, 22.82 + side*y})
		fs = append(fs, &layers.Feature{ID: fmt.Sprint(i), Num: int64(i + 1), Geometry: at, Properties: map[string]any{"name": fmt.Sprint("甲", i)}})
	}
	return fs
}

func frac(v float64) float64 { return v - float64(int(v)) }

func TestTilesGoAsDeepAsFeaturesMerge(t *testing.T) {
	var coast []float64
	for i := range 80_000 {
		coast = append(coast, 108+float64(i)*1e-4, 22+frac(float64(i)*0.618)*1e-2)
	}
	for _, c := range []struct {
		name     string
		geometry layers.GeometryType
		features []*layers.Feature
		least    int
		most     int
	}{
		{"few", layers.Point, street(100, 1), 14, 14},
		{"many, far apart", layers.Point, street(20_000, 5), 14, 14},
		{"a street", layers.Point, street(6000, 0.003), 16, 19},
		{"a building", layers.Point, street(6000, 0), MaxZoom, MaxZoom},
		{"one shape that is larger than any tile may be", layers.LineString, []*layers.Feature{{ID: "1", Num: 1, Geometry: geom.NewLineStringFlat(geom.XY, coast)}}, 14, 14},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := testLayer("kept", residentSchema...)
			l.Geometry = c.geometry
			m := newMemory(l)
			m.put("kept", c.features...)
			s := keep(t, m, Options{})
			got := s.SourceZoom("kept")
			if got < c.least || got > c.most {
				t.Errorf("its tiles go to zoom %d, not to between %d and %d", got, c.least, c.most)
			}
			tj, err := s.TileJSON(context.Background(), layers.Public, []string{"kept"}, Variant{}, "u")
			if err != nil {
				t.Fatal(err)
			}
			if tj.MaxZoom != got || tj.VectorLayers[0].MaxZoom != got {
				t.Errorf("TileJSON says %d and %d, not %d", tj.MaxZoom, tj.VectorLayers[0].MaxZoom, got)
			}
			if c.geometry != layers.Point || got == MaxZoom {
				return
			}
			if n := merged(t, s, got); n > 0 {
				t.Errorf("at zoom %d %d are still merged", got, n)
			}
			if got > leastSourceZoom && merged(t, s, got-1) == 0 {
				t.Errorf("at zoom %d none are merged any more", got-1)
			}
		})
	}
}

// merged returns how many of a zoom's points around the street stand for several.
func merged(t *testing.T, s *Service, z int) (n int) {
	first, last := At(108.33, 22.823, z), At(108.333, 22.82, z)
	for x := first.X; x <= last.X; x++ {
		for y := first.Y; y <= last.Y; y++ {
			for _, f := range features(t, mustTile(t, s, Coord{z, x, y}, "kept").Raw) {
				if countOf(f) > 1 {
					n++
				}
			}
		}
	}
	return n
}

func TestTheDeepestZoomOfSeveralLayersIsTheDeepestOfAny(t *testing.T) {
	m := newMemory(testLayer("kept", residentSchema...), testLayer("sparse", residentSchema...))
	m.put("kept", street(6000, 0)...)
	m.put("sparse", street(10, 1)...)
	tj, err := keep(t, m, Options{}).TileJSON(context.Background(), layers.Public, []string{"kept", "sparse"}, Variant{}, "u")
	if err != nil {
		t.Fatal(err)
	}
	if tj.MaxZoom != MaxZoom || tj.VectorLayers[1].MaxZoom != leastSourceZoom {
		t.Errorf("together to zoom %d, the sparse one to %d", tj.MaxZoom, tj.VectorLayers[1].MaxZoom)
	}
}
