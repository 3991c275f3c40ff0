package sample

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"
)

// seed makes the sample. Another one makes another province.
const seed = 20260701

// random is a source of invented values.
type random struct{ *rand.Rand }

// newRandom returns the source for one purpose, so that a layer's data do not
// depend on the layers made before it.
func newRandom(purpose string) random {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	return random{rand.New(rand.NewPCG(seed, h.Sum64()))}
}

// between returns a number of the interval, rounded to the step.
func (r random) between(lo, hi, step float64) float64 {
	return round(lo+r.Float64()*(hi-lo), step)
}

// count returns a whole number from lo to hi, both included.
func (r random) count(lo, hi int) int64 { return int64(lo + r.IntN(hi-lo+1)) }

// pick returns one of the values, each as likely as its weight says.
func (r random) pick(weights []float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	x := r.Float64() * sum
	for i, w := range weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// choice is a value and its weight.
type choice struct {
	value  string
	weight float64
}

func (r random) choose(choices ...choice) string {
	weights := make([]float64, len(choices))
	for i, c := range choices {
		weights[i] = c.weight
	}
	return choices[r.pick(weights)].value
}

// round rounds to a multiple of 1/n, where step is 1/n, without leaving digits of noise.
func round(v, step float64) float64 {
	n := math.Round(1 / step)
	return math.Round(v*n) / n
}

// metre rounds coordinates to five decimals, about a metre: more would feign precision.
func metre(p orb.Point) orb.Point { return orb.Point{round(p[0], 1e-5), round(p[1], 1e-5)} }

func point(p orb.Point) geom.T { return geom.NewPointFlat(geom.XY, []float64{p[0], p[1]}) }

// near returns a point about sigma km from the centre, less often farther.
func (r random) near(centre orb.Point, sigma float64) orb.Point {
	return metre(Offset(centre, r.NormFloat64()*sigma, r.NormFloat64()*sigma))
}

// county returns a county, the likelier the more people live there.
func (r random) county(g *Ground) *county {
	weights := make([]float64, len(g.counties))
	for i, c := range g.counties {
		weights[i] = c.weight
	}
	return g.counties[r.pick(weights)]
}

// settle returns a point where people might live in the county: six in ten
// round the seat, the others round its townships.
func (r random) settle(c *county, sigma float64) orb.Point {
	for range 30 {
		centre, spread := c.seat(), sigma
		if r.Float64() > 0.6 && len(c.towns) > 0 {
			t := c.towns[r.IntN(len(c.towns))]
			centre, spread = orb.Point{t.Lon, t.Lat}, sigma*0.6
		}
		if p := r.near(centre, spread); c.contains(p) {
			return p
		}
	}
	t := c.towns[r.IntN(len(c.towns))]
	return orb.Point{t.Lon, t.Lat}
}
