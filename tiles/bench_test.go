package tiles

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// The benchmarks encode from memory, so that they measure the encoder and not a
// store. A tile of the whole data set is the worst case.

func BenchmarkEncodePoints(b *testing.B) {
	l := testLayer("points", layers.Attribute{Name: "name", Type: layers.String}, layers.Attribute{Name: "status", Type: layers.String}, layers.Attribute{Name: "beds", Type: layers.Integer})
	for _, n := range []int{1_000, 50_000} {
		rnd := rand.New(rand.NewPCG(1, 1))
		m := newMemory(l)
		fs := make([]*layers.Feature, n)
		for i := range fs {
			fs[i] = &layers.Feature{
				ID: fmt.Sprintf("p%06d", i), Num: int64(i + 1), Geometry: geom.NewPointFlat(geom.XY, []float64{104.5 + 7.5*rnd.Float64(), 20.9 + 5.5*rnd.Float64()}),
				Properties: map[string]any{"name": fmt.Sprintf("示例企业%06d", i), "status": []string{"存续", "注销", "吊销"}[i%3], "beds": int64(i % 500)},
			}
		}
		m.set(l.ID, fs...)
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkEncode(b, m, l, At(108, 23, 4), n) })
	}
}

func BenchmarkEncodePolygons(b *testing.B) {
	l := testLayer("polygons", layers.Attribute{Name: "name", Type: layers.String})
	for _, c := range []struct{ polygons, vertices int }{{126, 2_000}, {10_000, 20}} {
		rnd := rand.New(rand.NewPCG(1, 1))
		m := newMemory(l)
		fs := make([]*layers.Feature, c.polygons)
		for i := range fs {
			lon, lat, size := 104.5+7.5*rnd.Float64(), 20.9+5.5*rnd.Float64(), 3/math.Sqrt(float64(c.polygons))
			flat := make([]float64, 0, 2*c.vertices+2)
			for v := range c.vertices {
				sin, cos := math.Sincos(2 * math.Pi * float64(v) / float64(c.vertices))
				r := size * (0.8 + 0.2*rnd.Float64())
				flat = append(flat, lon+r*cos, lat+r*sin)
			}
			flat = append(flat, flat[0], flat[1])
			fs[i] = &layers.Feature{
				ID: fmt.Sprint(i), Num: int64(i + 1), Geometry: geom.NewPolygonFlat(geom.XY, flat, []int{len(flat)}),
				Properties: map[string]any{"name": fmt.Sprintf("示例区%d", i)},
			}
		}
		m.set(l.ID, fs...)
		// At zoom 7 the tile cuts through the data: many polygons are clipped.
		for _, z := range []int{4, 7} {
			b.Run(fmt.Sprintf("%dx%d/z%d", c.polygons, c.vertices, z), func(b *testing.B) {
				benchmarkEncode(b, m, l, At(108, 23, z), c.polygons)
			})
		}
	}
}

func benchmarkEncode(b *testing.B, m *memory, l *layers.Layer, c Coord, features int) {
	b.ReportAllocs()
	r := m.As(layers.Public)
	size := 0
	for b.Loop() {
		raw, err := Encode(context.Background(), r, l, c)
		if err != nil {
			b.Fatal(err)
		}
		size = len(raw)
	}
	b.ReportMetric(float64(size), "B/tile")
	b.ReportMetric(float64(features)*float64(b.N)/b.Elapsed().Seconds(), "features/s")
}

func BenchmarkCachedTile(b *testing.B) {
	m := newMemory(testLayer("a"), testLayer("b"))
	m.set("a", feature(1, in(b, here, "POINT (1 1)"), nil))
	for name, ids := range map[string][]string{"single": {"a"}, "composite": {"a", "b"}} {
		b.Run(name, func(b *testing.B) {
			s := newService(b, m, Options{})
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Tile(context.Background(), layers.Public, ids, here.Z, here.X, here.Y); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkInvalidate applies a batch of moves while many tiles are cached.
func BenchmarkInvalidate(b *testing.B) {
	m := newMemory(testLayer("a"))
	s := newService(b, m, Options{})
	rnd := rand.New(rand.NewPCG(1, 1))
	place := func() geom.T {
		return geom.NewPointFlat(geom.XY, []float64{104.5 + 7.5*rnd.Float64(), 20.9 + 5.5*rnd.Float64()})
	}
	for range 20_000 {
		p := place().FlatCoords()
		s.cache.shelve(key{"a", "full", At(p[0], p[1], rnd.IntN(17))})
	}
	commits := make([]layers.Commit, 1)
	for i := range 1000 {
		commits[0].Changes = append(commits[0].Changes, layers.Change{
			Position: layers.Position(i + 1), Layer: "a", Kind: layers.ChangePut, Old: feature(int64(i), place(), nil), New: feature(int64(i), place(), nil),
		})
	}
	for b.Loop() {
		s.Apply(commits)
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "changes/s")
}
