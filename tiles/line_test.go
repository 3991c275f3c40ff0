package tiles

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"
	"github.com/twpayne/go-geom"

	"onemap/layers"
	"onemap/tiles/coverage"
)

// river draws a line of many vertices that winds, crosses itself, has straight
// stretches of which hardly a vertex matters, and some segments that are longer than
// others by far.
func river(rnd *rand.Rand) []float64 {
	step, heading := math.Pow(10, -1-4*rnd.Float64()), 7*rnd.Float64()
	flat := []float64{108, 22.5}
	straight := 0
	for range 40 + rnd.IntN(400) {
		if straight--; straight < -20 {
			straight = rnd.IntN(100)
		}
		if straight < 0 {
			heading += 0.7 * rnd.NormFloat64()
		}
		length := step
		if rnd.IntN(20) == 0 {
			length *= 50
		}
		n := len(flat)
		flat = append(flat, flat[n-2]+length*math.Cos(heading), flat[n-1]+length*math.Sin(heading))
	}
	return flat
}

func TestALongLineFromMemoryIsThatOfThePlainEncoder(t *testing.T) {
	l := testLayer("kept")
	l.Geometry = layers.LineString
	src := newMemory(l)
	chunked, alike := 0, 0
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		flat := river(rnd)
		f := feature(1, geom.NewLineStringFlat(geom.XY, flat), nil)
		src.set("kept", f)
		b := newRun(formatOf(l, -1), nil)
		b.add(f)
		whole := b.base()
		graded := snapshotOf(l, 1<<40, f)
		chunked += len(graded.runs[0].shapes.chunks)
		for z := 1; z <= 22; z += 3 {
			for range 4 {
				i := 2 * rnd.IntN(len(flat)/2)
				c := At(flat[i], flat[i+1], z)
				want, err := Encode(t.Context(), src.As(layers.Public), l, c)
				if err != nil {
					t.Fatal(err)
				}
				if got := whole.encode(new(draft), "kept", c); !bytes.Equal(got, want) {
					t.Fatalf("line %d with all vertices, tile %s: %v\nwant %v", seed, c, describe(t, got), describe(t, want))
				}
				got := graded.encode(new(draft), "kept", c)
				alike += sameLine(t, c, got, want)
			}
		}
	}
	if chunked < 500 || alike < 1000 {
		t.Errorf("%d chunks, and %d tiles with a line", chunked, alike)
	}
}

// sameLine expects that inside the tile each vertex of either line is within the
// tolerance of the other line, and returns how many tiles have one: 0 or 1.
func sameLine(t *testing.T, c Coord, got, want []byte) int {
	t.Helper()
	a, b := segments(t, got), segments(t, want)
	// Both lines are on the grid, off by up to half a diagonal.
	const most = coverage.DefaultTolerance + math.Sqrt2
	for _, pair := range [][2][]orb.LineString{{a, b}, {b, a}} {
		for _, one := range pair[0] {
			for _, p := range one {
				if p[0] < 0 || p[1] < 0 || p[0] > TileExtent || p[1] > TileExtent {
					continue // what is near it may be beyond the buffer
				}
				nearest := math.Inf(1)
				for _, other := range pair[1] {
					for i := 1; i < len(other); i++ {
						nearest = math.Min(nearest, planar.DistanceFromSegment(other[i-1], other[i], p))
					}
				}
				if nearest > most {
					t.Fatalf("tile %s: %v is %.2f units from the other line", c, p, nearest)
				}
			}
		}
	}
	return min(len(a), 1)
}

func segments(t *testing.T, raw []byte) (all []orb.LineString) {
	for _, f := range features(t, raw) {
		switch g := f.Geometry.(type) {
		case orb.LineString:
			all = append(all, g)
		case orb.MultiLineString:
			all = append(all, g...)
		}
	}
	return all
}
