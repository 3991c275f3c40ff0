package cql2

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/twpayne/go-geom"
)

var simple = []string{"i = 7", "n > 2.4", "s = 'Straße'", "i IN (1, 3, 5, 7)", "s LIKE 'Str%e'", "i * 2 + 1 > n", "b AND i BETWEEN 1 AND 9 AND nothing IS NULL", "t >= TIMESTAMP('2026-06-01T00:00:00Z')", "d = DATE('2026-07-01')", "T_DURING(t, INTERVAL('2026-06-01', '..'))", "S_INTERSECTS(geom, BBOX(1,2,3,4))", "S_INTERSECTS(geom, BBOX(108,22,109,23))"}

func TestASimpleConditionAllocatesNothing(t *testing.T) {
	for _, text := range simple {
		f := must(t, text)
		if n := testing.AllocsPerRun(100, func() { f.Match(sample) }); n > 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, text := range simple {
		f := must(b, text)
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.Match(sample)
			}
		})
	}
}

// circleText is a ring of n points around 108.5, 22.5.
func circleText(n int, radius float64) string {
	var points []string
	for i := range n {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		points = append(points, fmt.Sprintf("%v %v", 108.5+radius*cos, 22.5+radius*sin))
	}
	return "POLYGON((" + strings.Join(append(points, points[0]), ",") + "))"
}

func BenchmarkSpatial(b *testing.B) {
	for _, n := range []int{4, 100, 2000} {
		for _, op := range []string{"S_INTERSECTS(geom, %s)", "S_WITHIN(geom, %s)", "S_TOUCHES(geom, %s)", "S_DWITHIN(geom, %s, 1000)"} {
			f := must(b, fmt.Sprintf(op, circleText(n, 0.5)))
			for kind, g := range map[string]geom.T{"point": mustGeometry("POINT(108.75 22.5)"), "line": mustGeometry("LINESTRING(108.7 22.5,108.8 22.55,108.9 22.6)"), "area": mustGeometry(circleText(100, 0.1))} {
				b.Run(fmt.Sprintf("%s/%d/%s", op[:9], n, kind), func(b *testing.B) {
					for b.Loop() {
						f.Match(row{"geom": NewShape(g)})
					}
				})
			}
		}
	}
}
