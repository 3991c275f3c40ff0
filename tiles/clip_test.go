package tiles

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"pgregory.net/rapid"
)

// star draws a simple polygon: vertices around a centre, at random distances.
func star(t *rapid.T, label string, cx, cy, least, most float64, n int) []point {
	ps := make([]point, n)
	for i := range ps {
		r := rapid.Float64Range(least, most).Draw(t, fmt.Sprint(label, i))
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		ps[i] = point{X: round(cx + r*cos), Y: round(cy + r*sin)}
	}
	return ps
}

func toSimple(polygon [][]point) geom.Polygon {
	var rings [][]float64
	for _, r := range polygon {
		var xy []float64
		for _, p := range append(slices.Clone(r), r[0]) {
			xy = append(xy, float64(p.X), float64(p.Y))
		}
		rings = append(rings, xy)
	}
	return geom.NewPolygonXY(rings...)
}

// usual clips to the box of all tiles that are not asked to be fine.
func usual() *clipper { return &clipper{window: windowOf(TileExtent)} }

func clipBox() geom.Polygon {
	least, most := float64(usual().min), float64(usual().max)
	return geom.NewSingleRingPolygonXY(least, least, most, least, most, most, least, most, least, least)
}

func TestAClippedPolygonIsValidAndWoundAndCoversWhatItShould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cx, cy := rapid.Float64Range(-1000, 5000).Draw(t, "cx"), rapid.Float64Range(-1000, 5000).Draw(t, "cy")
		size := rapid.Float64Range(200, 8000).Draw(t, "size")
		n := rapid.IntRange(3, 12).Draw(t, "n")
		// The hole stays inside the exterior's inner circle.
		rings := [][]point{wound(star(t, "outer", cx, cy, size/2, size, n), true)}
		if n > 4 && rapid.Bool().Draw(t, "hole") {
			rings = append(rings, wound(star(t, "hole", cx, cy, size/10, size/2*math.Cos(math.Pi/float64(n))-2, n), false))
		}
		whole := toSimple(rings)
		if whole.Validate() != nil {
			t.Skip("rounded into an invalid polygon")
		}
		parts := assemble(usual().polygon(rings))
		area := 0.0
		for _, p := range parts {
			for i, r := range p {
				if a := doubleArea(r); (a > 0) != (i == 0) || a == 0 {
					t.Fatalf("ring %d of %v has the area %v", i, p, a/2)
				}
				for _, v := range r {
					if !usual().has(v) {
						t.Fatalf("%v is outside the clipBox", v)
					}
				}
			}
			s := toSimple(p)
			if err := s.Validate(); err != nil {
				t.Fatalf("%s is not valid: %v", s.AsText(), err)
			}
			area += s.Area()
		}
		want, err := geom.Intersection(whole.AsGeometry(), clipBox().AsGeometry())
		if err != nil {
			t.Fatal(err)
		}
		// Each crossing moves by half a unit at most.
		if perimeter := want.Boundary().Length(); math.Abs(area-want.Area()) > perimeter/2+1 {
			t.Fatalf("the parts have %v, the intersection %v", area, want.Area())
		}
	})
}

func TestNeighboursShareTheirBordersInEveryTile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// A mesh of quadrangles over more than the clipBox, its vertices shaken.
		const n, from, step = 7, -1500.0, 1000.0
		var mesh [n + 1][n + 1]point
		for i := range mesh {
			for j := range mesh[i] {
				shake := rapid.Float64Range(-300, 300)
				mesh[i][j] = point{X: round(from + float64(i)*step + shake.Draw(t, "x")), Y: round(from + float64(j)*step + shake.Draw(t, "y"))}
			}
		}
		twice := 0.0
		for i := range n {
			for j := range n {
				cell := cleanRing([]point{mesh[i][j], mesh[i+1][j], mesh[i+1][j+1], mesh[i][j+1]})
				for _, part := range assemble(usual().polygon([][]point{wound(cell, true)})) {
					twice += doubleArea(part[0])
				}
			}
		}
		// No gap and no overlap, not of a single unit.
		if want := 2 * float64(usual().max-usual().min) * float64(usual().max-usual().min); twice != want {
			t.Fatalf("the cells cover %v of %v", twice/2, want/2)
		}
	})
}

func TestAClippedLineIsTheSameInBothDirections(t *testing.T) {
	coordinate := rapid.Int64Range(-6000, 10000)
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) point {
			return point{X: coordinate.Draw(t, "x"), Y: coordinate.Draw(t, "y")}
		}), 2, 8).Draw(t, "line")
		line = slices.Compact(line)
		if len(line) < 2 {
			t.Skip("one place")
		}
		there := usual().line(nil, line)
		slices.Reverse(line)
		back := usual().line(nil, line)
		for _, part := range there {
			for i, p := range part {
				if !usual().has(p) || i > 0 && p == part[i-1] {
					t.Fatalf("a bad vertex in %v", part)
				}
			}
		}
		slices.Reverse(back)
		for _, part := range back {
			slices.Reverse(part)
		}
		if fmt.Sprint(there) != fmt.Sprint(back) {
			t.Fatalf("there %v\nback  %v", there, back)
		}
	})
}

func TestAPolygonThatCrossesItselfIsClippedWithoutHarm(t *testing.T) {
	coordinate := rapid.Int64Range(-300, 4500)
	rapid.Check(t, func(t *rapid.T) {
		ring := cleanRing(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) point {
			// Many on the clipBox's edges, where clipping is hard.
			at := rapid.OneOf(rapid.SampledFrom([]int64{usual().min, usual().max}), coordinate)
			return point{X: at.Draw(t, "x"), Y: at.Draw(t, "y")}
		}), 3, 12).Draw(t, "ring"))
		if ring == nil {
			t.Skip("no area")
		}
		for _, p := range assemble(usual().polygon([][]point{wound(ring, true)})) {
			for i, r := range p {
				if len(r) < 3 || (doubleArea(r) > 0) != (i == 0) {
					t.Fatalf("a bad ring %v", r)
				}
				for _, v := range r {
					if !usual().has(v) {
						t.Fatalf("%v is outside the clipBox", v)
					}
				}
			}
		}
	})
}

func TestBothTilesOfABorderRoundAVertexAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := rapid.IntRange(1, MaxZoom).Draw(t, "z")
		last := 1<<z - 1
		left := Coord{z, rapid.IntRange(0, last-1).Draw(t, "x"), rapid.IntRange(0, last).Draw(t, "y")}
		right := Coord{z, left.X + 1, left.Y}
		g := gridOf(z)
		// Halves of units are the hard case.
		x := float64(right.X)*TileExtent + float64(rapid.IntRange(-128, 128).Draw(t, "dx"))/2
		p := g.unproject(x, float64(left.Y)*TileExtent+rapid.Float64Range(0, TileExtent).Draw(t, "dy"))
		a, _ := snapperOf(left, TileExtent).snap(p)
		b, _ := snapperOf(right, TileExtent).snap(p)
		if a.X-TileExtent != b.X || a.Y != b.Y {
			t.Fatalf("%v here, %v there", a, b)
		}
	})
}
