package tiles

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkt"

	"onemap/layers"
)

// counted returns how many features all tiles of a zoom count, as the plain encoder
// makes them and as they are made from memory.
func counted(t *testing.T, z int, g geom.T) (plain, kept int64) {
	t.Helper()
	l := testLayer("kept")
	src := newMemory(l)
	f := &layers.Feature{Num: 1, ID: "1", Geometry: g}
	src.put("kept", f)
	s := snapshotOf(l, 1<<40, f)
	for x := range 1 << z {
		for y := range 1 << z {
			at := Coord{z, x, y}
			raw, err := Encode(t.Context(), src.As(layers.Public), l, at)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range features(t, raw) {
				plain += countOf(f)
			}
			for _, f := range features(t, s.encode(new(draft), "kept", at)) {
				kept += countOf(f)
			}
		}
	}
	return plain, kept
}

func TestWhatHasAPlaceCountsOnceWhateverItLooksLike(t *testing.T) {
	nan := math.NaN()
	ring := []float64{108, 22, 118, 22, 118, 32, 108, 22}
	all := map[string]geom.T{
		"an empty first ring":            geom.NewPolygonFlat(geom.XY, ring, []int{0, 8}),
		"an empty ring in between":       geom.NewPolygonFlat(geom.XY, append(ring[:8:8], 110, 24, 111, 24, 111, 25, 110, 24), []int{8, 8, 16}),
		"a first ring that is no place":  geom.NewPolygonFlat(geom.XY, append([]float64{nan, 1, nan, 2, nan, 3, nan, 1}, ring...), []int{8, 16}),
		"a polygon without rings":        geom.NewMultiPolygonFlat(geom.XY, ring, [][]int{{}, {8}}),
		"a polygon of an empty ring":     geom.NewMultiPolygonFlat(geom.XY, ring, [][]int{{0}, {8}}),
		"a vertex that is no place":      geom.NewLineStringFlat(geom.XY, []float64{nan, nan, 108, 22, 108, nan}),
		"a ring that is a place":         geom.NewPolygonFlat(geom.XY, []float64{108, 22, 108, 22, 108, 22, 108, 22}, []int{8}),
		"a ring of no area on the other": geom.NewPolygonFlat(geom.XY, []float64{180.5, 1, 180.5, 1, 180.5, 1, 180.5, 1}, []int{8}),
	}
	for _, text := range []string{
		"MULTIPOLYGON(EMPTY, ((108 22, 118 22, 118 32, 108 22)))", "GEOMETRYCOLLECTION(POLYGON EMPTY, POINT(108 22))",
		"POINT(181 1)", "POINT(-181 1)", "POINT(180 -90)", "POINT(539.9 1)", "MULTIPOINT(181 1, 179 1)",
		"LINESTRING(179 1, 181 1)", "LINESTRING(180 1, 181 1)", "LINESTRING(181 1, 181 1)", "LINESTRING(10 89, 20 89)", "LINESTRING(539 1, 179 1)",
		"POLYGON((180 1, 250 1, 250 50, 180 50, 180 1))", "POLYGON((179 1, 180 1, 180 2, 179 2, 179 1))", "POLYGON((-250 1, -170 1, -170 5, -250 5, -250 1), (-185 2, -185 3, -182 3, -185 2))",
		"MULTIPOLYGON(((260 1, 270 1, 270 2, 260 1)), ((170 1, 171 1, 171 2, 170 1)))", "GEOMETRYCOLLECTION(POINT(260 1), LINESTRING(179 1, 182 3))",
	} {
		g, err := wkt.Unmarshal(text)
		if err != nil {
			t.Fatal(err)
		}
		all[text] = g
	}
	for what, g := range all {
		for _, z := range []int{0, 1, 3, 5} {
			if plain, kept := counted(t, z, g); plain != 1 || kept != 1 {
				t.Errorf("%s: at zoom %d the plain encoder counts %d, the layer in memory %d", what, z, plain, kept)
			}
		}
	}
}

func TestWhatIsATurnBeyondTheAntimeridianHasNoPlace(t *testing.T) {
	for _, text := range []string{"POINT(540 1)", "POINT(-540 1)", "LINESTRING(170 1, 900 2)", "MULTIPOINT(1 1, 1e9 1)"} {
		g, err := wkt.Unmarshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if plain, kept := counted(t, 1, g); plain != 0 || kept != 0 {
			t.Errorf("%s: the plain encoder counts %d, the layer in memory %d", text, plain, kept)
		}
	}
}

// TestWhatCountsIsThere draws polygons whose first vertex is at the end of a peninsula
// that is thinner than the grid, in the tile beside that of the rest.
func TestWhatCountsIsThere(t *testing.T) {
	at := At(108, 22.5, 8)
	g := in(t, at, "POLYGON((-300 1000, 600 1000.1, 600 1500, 1000 1500, 1000 500, 600 500, 600 999.9, -300 1000))")
	l := testLayer("kept")
	src := newMemory(l)
	src.put("kept", feature(1, g, nil))
	s := snapshotOf(l, 1<<40, feature(1, g, nil))
	for x, want := range []int64{1, 0} {
		c := Coord{at.Z, at.X - 1 + x, at.Y}
		raw, err := Encode(t.Context(), src.As(layers.Public), l, c)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range [][]byte{raw, s.encode(new(draft), "kept", c)} {
			if fs := features(t, raw); len(fs) != 1 || countOf(fs[0]) != want {
				t.Errorf("tile %s: %v", c, describe(t, raw))
			}
		}
	}
}

// TestOddGeometriesAreTheSameFromMemoryAsFromTheStore draws what crosses itself, the
// antimeridian and the ends of Web Mercator.
func TestOddGeometriesAreTheSameFromMemoryAsFromTheStore(t *testing.T) {
	l := testLayer("kept")
	src := newMemory(l)
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		places := func(n int) (flat []float64) {
			for range n {
				flat = append(flat, []float64{179.9, 180, 180.0001, 190, 270, 359, 530, 300, -180, -180.0001, -190, -359, -530, 0, 170, -170, 100}[rnd.IntN(17)],
					[]float64{0, 1, 1.0000001, 80, 85.05112, 86, 90, -86, -90, 2, 3}[rnd.IntN(11)])
			}
			return flat
		}
		ring := func() []float64 {
			flat := places(3 + rnd.IntN(3))
			return append(flat, flat[0], flat[1])
		}
		var g geom.T
		switch a, b := ring(), ring(); rnd.IntN(5) {
		case 0:
			g = geom.NewLineStringFlat(geom.XY, a)
		case 1:
			g = geom.NewPolygonFlat(geom.XY, append(a, b...), []int{len(a), len(a) + len(b)})
		case 2:
			g = geom.NewMultiPointFlat(geom.XY, a)
		case 3:
			g = geom.NewMultiLineStringFlat(geom.XY, append(a, b...), []int{len(a), len(a) + len(b)})
		default:
			g = geom.NewGeometryCollection().MustPush(geom.NewPointFlat(geom.XY, b[:2]), geom.NewPolygonFlat(geom.XY, a, []int{len(a)}))
		}
		f := feature(1, g, nil)
		src.set("kept", f)
		b := newRun(formatOf(l, -1), nil)
		b.add(f)
		s := b.base()
		for _, z := range []int{0, 2, 3} {
			n := int64(0)
			for x := range 1 << z {
				for y := range 1 << z {
					at := Coord{z, x, y}
					want, err := Encode(t.Context(), src.As(layers.Public), l, at)
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range features(t, want) {
						n += countOf(f)
					}
					if got := s.encode(new(draft), "kept", at); !bytes.Equal(got, want) {
						t.Fatalf("seed %d, %T %v, tile %s: %v\nwant %v", seed, g, g, at, describe(t, got), describe(t, want))
					}
				}
			}
			if n != 1 {
				t.Errorf("seed %d: %d at zoom %d", seed, n, z)
			}
		}
	}
}
