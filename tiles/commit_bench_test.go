package tiles

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// BenchmarkCommit follows commits where much is near what changes. Each time the
// layer is as it was loaded.
func BenchmarkCommit(b *testing.B) {
	at := func(i int, g geom.T) *layers.Feature {
		return &layers.Feature{Num: int64(i + 1), ID: fmt.Sprint(i + 1), Geometry: g, Properties: map[string]any{}}
	}
	point := func(x, y float64) geom.T { return geom.NewPointFlat(geom.XY, []float64{x, y}) }
	ring := func(flat ...float64) geom.T {
		flat = append(flat, flat[0], flat[1])
		return geom.NewPolygonFlat(geom.XY, flat, []int{len(flat)})
	}
	circle := func(n int) (flat []float64) {
		for i := range n {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
			flat = append(flat, 108+2*cos, 22.5+2*sin)
		}
		return flat
	}
	many := func(n int, each func(i int) geom.T) (fs []*layers.Feature) {
		for i := range n {
			fs = append(fs, at(i, each(i)))
		}
		return fs
	}
	parcels := func(columns int) func(i int) geom.T {
		return func(i int) geom.T {
			x, y := 106+float64(i%columns)*0.01, 21+float64(i/columns)*0.01
			return ring(x, y, x+0.01, y, x+0.01, y+0.01, x, y+0.01)
		}
	}
	ranges := testLayer("ranges", layers.Attribute{Name: "level", Type: layers.Number})
	ranges.Geometry = layers.Point
	for i := range 7 {
		from := float64(i)
		ranges.Display.ColorBy, ranges.Display.Classes = "level", append(ranges.Display.Classes, layers.Class{Min: &from})
	}
	levels := many(130_000, func(i int) geom.T { return point(106+float64(i)*1e-5, 22) })
	for i, f := range levels {
		f.Properties["level"] = float64(i%60_000) / 100
	}
	points := testLayer("points")
	points.Geometry = layers.Point
	mixed := testLayer("mixed")
	province := at(0, ring(circle(200_000)...))

	for _, c := range []struct {
		name     string
		layer    *layers.Layer
		features []*layers.Feature
		changed  int // that many of the first
	}{
		{"one of 4000 points of a place beside areas", mixed, many(4000, func(int) geom.T { return point(108, 22.5) }), 1},
		{"one of 2000 lines of a hub", mixed, many(2000, func(i int) geom.T {
			sin, cos := math.Sincos(float64(i) * math.Phi)
			var flat []float64
			for j := range 20 {
				flat = append(flat, 108+0.05*float64(j)*cos, 22.5+0.05*float64(j)*sin)
			}
			return geom.NewLineStringFlat(geom.XY, flat)
		}), 1},
		{"a province above 100000 parcels", mixed, append([]*layers.Feature{province}, many(100_000, parcels(400))[1:]...), 1},
		{"a parcel in a province", mixed, append(many(100, parcels(10)), at(100, province.Geometry)), 1},
		{"80000 points of a place", points, many(80_000, func(int) geom.T { return point(108, 22.5) }), 80_000},
		{"100000 parcels", mixed, many(100_000, parcels(400)), 100_000},
		{"one of 60000 values with ranges", ranges, levels, 1},
	} {
		s := snapshotOf(c.layer, defaultBudget, c.features...)
		for what, become := range map[string]func(geom.T) geom.T{"attributes": func(g geom.T) geom.T { return g }, "outlines": backwards} {
			b.Run(c.name+"/"+what, func(b *testing.B) {
				var changes []layers.Change
				for _, f := range c.features[:c.changed] {
					changes = append(changes, layers.Change{Kind: layers.ChangePut, Old: f, New: at(int(f.Num)-1, become(f.Geometry))})
				}
				for b.Loop() {
					s.apply(changes, true)
				}
			})
		}
	}
}

// backwards returns a geometry with its vertices the other way round: for the map it is
// the same, but that is found out only by looking at it.
func backwards(g geom.T) geom.T {
	flat := slices.Clone(g.FlatCoords())
	slices.Reverse(flat)
	for i := 0; i < len(flat); i += 2 {
		flat[i], flat[i+1] = flat[i+1], flat[i]
	}
	switch g := g.(type) {
	case *geom.LineString:
		return geom.NewLineStringFlat(geom.XY, flat)
	case *geom.Polygon:
		return geom.NewPolygonFlat(geom.XY, flat, g.Ends())
	}
	return g
}
