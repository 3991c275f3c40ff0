package tiles

import (
	"math/rand/v2"
	"testing"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"
	"pgregory.net/rapid"

	"onemap/layers"
)

func TestOnlyTilesWithinReachOfAChangeAreForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMemory(testLayer("a"), testLayer("other"))
		s := newService(t, m, Options{})
		place := func() geom.T {
			lon := rapid.Float64Range(105, 110).Draw(t, "lon")
			lat := rapid.Float64Range(21, 25).Draw(t, "lat")
			w := rapid.SampledFrom([]float64{0, 1e-5, 0.02, 2}).Draw(t, "w")
			return geom.NewLineStringFlat(geom.XY, []float64{lon, lat, lon + w, lat + w})
		}
		was, is := feature(1, place(), nil), feature(1, place(), nil)
		cached := map[Coord]bool{}
		// A seeded sample, because thousands of drawn numbers would slow rapid down.
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		for range 200 {
			lon, lat := 105+5*rnd.Float64(), 21+4*rnd.Float64()
			if rnd.IntN(2) == 0 {
				b, _ := layers.BoundOf(was.Geometry)
				lon, lat = b.Max[0], b.Max[1]
			}
			c := At(lon, lat, rnd.IntN(MaxZoom+1))
			c.X, c.Y = c.X+rnd.IntN(3)-1, c.Y+rnd.IntN(3)-1
			if c.Check() == nil {
				cached[c] = true
				mustTile(t, s, c, "a")
				mustTile(t, s, c, "other")
			}
		}
		s.Apply(commit("a", was, is))
		bounds := make([]orb.Bound, 2)
		bounds[0], _ = layers.BoundOf(was.Geometry)
		bounds[1], _ = layers.BoundOf(is.Geometry)
		for c := range cached {
			meets := func(b orb.Bound) bool { return b.Intersects(bounds[0]) || b.Intersects(bounds[1]) }
			_, kept := s.cache.entries.GetEntryQuietly(key{"a", "full", c})
			if kept && meets(c.around(scanMargin)) {
				t.Fatalf("tile %s is within reach and was kept", c)
			}
			// A hair beyond the reach either is right: that is the slack which
			// touched allows for rounding.
			if !kept && !meets(c.around(scanMargin+2*roundingSlack)) {
				t.Fatalf("tile %s is out of reach and was forgotten", c)
			}
			if _, kept := s.cache.entries.GetEntryQuietly(key{"other", "full", c}); !kept {
				t.Fatalf("another layer's tile %s was forgotten", c)
			}
		}
	})
}

func TestAFarIslandDoesNotStandForTheSeaBetween(t *testing.T) {
	two := geom.NewMultiPointFlat(geom.XY, []float64{100, 20, 120, 20})
	s := newService(t, newMemory(testLayer("a")), Options{})
	between, there := At(110, 20, 10), At(120, 20, 10)
	mustTile(t, s, between, "a")
	mustTile(t, s, there, "a")
	s.Apply(commit("a", nil, feature(1, two, nil)))
	if st := s.Stats(); st.Invalidated != 1 || st.Entries != 1 {
		t.Errorf("%+v", st)
	}
}

func TestAChangeWithoutAPlaceForgetsNothing(t *testing.T) {
	s := newService(t, newMemory(testLayer("a")), Options{})
	mustTile(t, s, Coord{0, 0, 0}, "a")
	s.Apply(commit("a", feature(1, nil, nil), feature(1, geom.NewPointEmpty(geom.XY), nil)))
	if st := s.Stats(); st.Invalidated != 0 {
		t.Errorf("%+v", st)
	}
}
