package simulate

import (
	"hash/fnv"
	"math"

	"github.com/paulmach/orb"

	sample "onemap/sample-data"
)

// Duration is how long the drill takes, in its own seconds.
const Duration = 600

// wave is a flood passing a place: nothing until it starts, 1 at its peak, and
// nothing after its end. Rivers rise faster than they fall.
type wave struct{ start, peak, end float64 }

func (w wave) at(t float64) float64 {
	switch {
	case t <= w.start || t >= w.end:
		return 0
	case t < w.peak:
		s := math.Sin(math.Pi / 2 * (t - w.start) / (w.peak - w.start))
		return s * s
	default:
		c := math.Cos(math.Pi / 2 * (t - w.peak) / (w.end - w.peak))
		return c * c
	}
}

// passing returns the wave that peaks so many km of water above the place where
// the river leaves the region: the crest starts from the upper basin at 150 s
// and reaches Wuzhou at about 425 s.
func passing(toOutlet float64) wave {
	peak := min(max(430-0.4*toOutlet, 150), 428)
	return wave{start: peak - 110, peak: peak, end: peak + 165}
}

// share is how much of the flood runs in a river; 1 brings gauges over their
// danger mark.
func share(river string) float64 {
	switch river {
	case "柳江", "黔江", "浔江", "西江":
		return 1
	case "桂江":
		return 0.85
	case "红水河":
		return 0.75
	case "郁江":
		return 0.45
	case "邕江", "右江":
		return 0.3
	}
	return 0.2
}

// cell is a rain storm that drifts from one place to another.
type cell struct {
	from, to orb.Point
	when     wave
	radius   float64 // km, where a third of the rain falls
	peak     float64 // mm in an hour
}

func storms() []cell {
	return []cell{
		{orb.Point{108.6, 25.6}, orb.Point{110.2, 25.0}, wave{8, 150, 380}, 70, 58},
		{orb.Point{106.9, 25.0}, orb.Point{108.9, 24.4}, wave{25, 170, 400}, 65, 46},
		{orb.Point{109.4, 24.3}, orb.Point{111.2, 23.6}, wave{120, 290, 470}, 60, 30},
	}
}

// rain returns the hourly rain at a place, before the gauge's own noise.
func rain(p orb.Point, t float64) float64 {
	sum := 0.0
	for _, c := range storms() {
		u := min(max((t-c.when.start)/(c.when.end-c.when.start), 0), 1)
		centre := orb.Point{c.from[0] + u*(c.to[0]-c.from[0]), c.from[1] + u*(c.to[1]-c.from[1])}
		d := sample.Distance(p, centre) / c.radius
		sum += c.peak * c.when.at(t) * math.Exp(-d*d)
	}
	return sum
}

// noise returns a number from -1 to 1 that depends on nothing but its arguments.
func noise(id string, n int) float64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	h.Write([]byte{byte(n), byte(n >> 8)})
	x := h.Sum64()
	x ^= x >> 31 // FNV's low bits follow the last byte too closely
	x *= 0x9E3779B97F4A7C15
	return float64(x>>11)/(1<<52) - 1
}

// chance returns a number from 0 to 1 for a purpose.
func chance(id, purpose string) float64 { return (noise(id+"/"+purpose, 0) + 1) / 2 }

// between returns a number from lo to hi for a purpose.
func between(id, purpose string, lo, hi float64) float64 { return lo + (hi-lo)*chance(id, purpose) }

func round(v float64, digits int) float64 {
	n := math.Pow10(digits)
	return math.Round(v*n) / n
}
