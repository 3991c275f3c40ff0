package cql2

import (
	"testing"

	"github.com/twpayne/go-geom"
	"pgregory.net/rapid"
)

// Coordinates are small whole numbers, so that corners and edges often coincide.
func TestAShortcutAnswersAsTheWholeMatrixDoes(t *testing.T) {
	areas := []string{"BBOX(1,1,5,4)", "POLYGON((1 1,5 1,5 5,1 5,1 1),(2 2,4 2,4 4,2 4,2 2))", "POLYGON((0 0,6 0,3 5,0 0))", "MULTIPOLYGON(((0 0,3 0,3 3,0 3,0 0)),((4 4,6 4,6 6,4 6,4 4)))"}
	rapid.Check(t, func(t *rapid.T) {
		area := rapid.SampledFrom(areas).Draw(t, "area")
		g := drawGeometry(t, 1)
		if planar(g).Validate() != nil {
			t.SkipNow()
		}
		r := row{"geom": NewShape(g)}
		for op, p := range spatialPredicates {
			for _, args := range []string{"(geom, " + area + ")", "(" + area + ", geom)"} {
				e, err := ParseText(nameOf(op) + args)
				if err != nil {
					t.Fatal(err)
				}
				f, err := Compile(e, queryables, nil)
				if err != nil {
					t.Fatal(err)
				}
				c := f.Root().(*Call)
				want, err := p.exactly(shape(c.Args[0])(r).planar(), shape(c.Args[1])(r).planar())
				if err != nil {
					t.Fatal(err)
				}
				if got := f.chosen(r); got != truthOf(want) {
					t.Fatalf("%s of %s is %d, want %v", f, appendWKT(nil, g), got, want)
				}
			}
		}
	})
}

func drawGeometry(t *rapid.T, depth int) geom.T {
	point := func() []float64 {
		return []float64{float64(rapid.IntRange(0, 6).Draw(t, "x")), float64(rapid.IntRange(0, 6).Draw(t, "y"))}
	}
	points := func(n int) (flat []float64) {
		for range n {
			flat = append(flat, point()...)
		}
		return flat
	}
	switch rapid.IntRange(0, 3+depth).Draw(t, "kind") {
	case 0:
		return geom.NewPointFlat(geom.XY, point())
	case 1:
		return geom.NewLineStringFlat(geom.XY, points(rapid.IntRange(2, 4).Draw(t, "n")))
	case 2:
		flat := points(rapid.IntRange(3, 5).Draw(t, "n"))
		flat = append(flat, flat[:2]...)
		return geom.NewPolygonFlat(geom.XY, flat, []int{len(flat)})
	case 3:
		return geom.NewMultiPointFlat(geom.XY, points(2))
	}
	c := geom.NewGeometryCollection()
	_ = c.Push(drawGeometry(t, 0), drawGeometry(t, 0))
	return c
}

func TestEmptyAndInvalidGeometriesOfFeaturesAreAnswered(t *testing.T) {
	bowTie := geom.NewPolygonFlat(geom.XY, []float64{0, 0, 2, 2, 2, 0, 0, 2, 0, 0}, []int{10})
	for _, c := range []struct {
		text string
		g    geom.T
		want truth
	}{
		{"S_INTERSECTS(geom, BBOX(0,0,1,1))", geom.NewPointEmpty(geom.XY), no},
		{"S_DISJOINT(geom, BBOX(0,0,1,1))", geom.NewPointEmpty(geom.XY), yes},
		{"S_EQUALS(geom, geom)", geom.NewPolygon(geom.XY), yes},
		{"S_WITHIN(geom, BBOX(0,0,1,1))", geom.NewGeometryCollection(), no},
		{"S_DWITHIN(geom, POINT(1 1), 1e9)", geom.NewMultiPoint(geom.XY), no},
		{"S_INTERSECTS(geom, POINT(0.5 0.5))", bowTie, yes},
		{"S_INTERSECTS(geom, POINT(9 9))", bowTie, no},
		{"S_INTERSECTS(geom, POINT(1 2))", geom.NewPointFlat(geom.XYZM, []float64{1, 2, 3, 4}), yes},
	} {
		if got := must(t, c.text).chosen(row{"geom": NewShape(c.g)}); got != c.want {
			t.Errorf("%s of %v is %d, want %d", c.text, c.g.FlatCoords(), got, c.want)
		}
	}
	if NewShape(nil) != nil {
		t.Error("nothing has a shape")
	}
}
