package coverage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// BenchmarkGrade grades 100,000 polygons of 40 vertices each: parcels that share
// nothing, and a mesh in which all is shared.
func BenchmarkGrade(b *testing.B) {
	for name, draw := range map[string]func() ([]Vertex, []Chain){"apart": parcels, "shared": cells} {
		vs, chains := draw()
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d", name, workers), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					Grade(vs, chains, Options{Workers: workers})
				}
				b.ReportMetric(float64(len(vs))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mvertices/s")
			})
		}
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	river := make([]Vertex, 100_000)
	at := Vertex{1 << 31, 1 << 31}
	for i := range river {
		river[i] = at
		at.X += uint32(rnd.IntN(2001) - 1000)
		at.Y += uint32(rnd.IntN(2001) - 1000)
	}
	b.Run("river", func(b *testing.B) {
		for b.Loop() {
			Grade(river, []Chain{{End: len(river)}}, Options{})
		}
		b.ReportMetric(float64(len(river))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mvertices/s")
	})
}

func parcels() (vs []Vertex, chains []Chain) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		x, y := 3.3e9+1e8*rnd.Float64(), 1.8e9+1e8*rnd.Float64()
		size := 1e4 + 2e5*math.Pow(rnd.Float64(), 3)
		for i := range 40 {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / 40)
			r := size * (0.6 + 0.4*rnd.Float64())
			vs = append(vs, Vertex{uint32(x + r*cos), uint32(y + r*sin)})
		}
		chains = append(chains, Chain{len(vs), true})
	}
	return vs, chains
}

func cells() (vs []Vertex, chains []Chain) {
	const n, step = 316, 300_000
	shake := func(x, y int) Vertex {
		rnd := rand.New(rand.NewPCG(uint64(x), uint64(y)))
		return Vertex{3_300_000_000 + uint32(x*step/10+rnd.IntN(9000)), 1_800_000_000 + uint32(y*step/10+rnd.IntN(9000))}
	}
	for i := range n {
		for j := range n {
			for k := range 10 {
				vs = append(vs, shake(10*i+k, 10*j))
			}
			for k := range 10 {
				vs = append(vs, shake(10*i+10, 10*j+k))
			}
			for k := range 10 {
				vs = append(vs, shake(10*i+10-k, 10*j+10))
			}
			for k := range 10 {
				vs = append(vs, shake(10*i, 10*j+10-k))
			}
			chains = append(chains, Chain{len(vs), true})
		}
	}
	return vs, chains
}

// BenchmarkRepair mends rings of some vertices: such as are valid and seen from
// their middle, such as are valid and winding, such as cross themselves in a few
// places, and combs, whose edges are as long as the whole.
func BenchmarkRepair(b *testing.B) {
	var r Repairer
	for _, n := range []int{12, 40, 400, 10_000} {
		rnd := rand.New(rand.NewPCG(1, 1))
		round := around(0, 0, n, func() float64 { return 40 * float64(n) * (0.6 + 0.4*rnd.Float64()) })
		// There and back along a line that wanders, a little beside it.
		var winding, back, comb []Point
		for i := range n / 2 {
			y := int64(2000 * math.Sin(float64(i)/7))
			winding, back = append(winding, Point{int64(20 * i), y}), append(back, Point{int64(20 * i), y + 15})
			comb = append(comb, Point{int64(-2 * i), int64(i%2) * 100_000}, Point{int64(-2*i - 1), int64(i%2) * 100_000})
		}
		for i := range back {
			winding = append(winding, back[len(back)-1-i])
		}
		crossing := append([]Point{}, winding...)
		for i := 0; i < n/2; i += max(n/10, 3) {
			crossing[i].Y += 40
		}
		comb = append(comb, Point{int64(-n), -1}, Point{0, -1})
		for _, c := range []struct {
			name string
			ring []Point
		}{{"round", round}, {"winding", winding}, {"crossing", crossing}, {"comb", comb}} {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				b.ReportAllocs()
				rings := [][]Point{c.ring}
				valid := 0.0
				if r.Valid(rings) {
					valid = 1
				}
				for b.Loop() {
					r.Repair(rings)
				}
				b.ReportMetric(valid, "valid")
			})
		}
	}
}
