package sample

import (
	"fmt"
	"math"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// Gauge is an invented river gauge. Levels are metres above the station's
// invented zero, before the drill.
type Gauge struct {
	ID    string
	At    orb.Point
	Place *Place // on a named reach; nil on other rivers
	Level float64
	Warn  float64
	// Danger is the mark that a river must not exceed (保证水位).
	Danger float64

	number int
	county *county
	river  string
}

const (
	gaugeSpacing = 18  // km between gauges on a named reach
	gaugeCount   = 150 // on all rivers
)

// Gauges returns the river gauges: first those on the named reaches, in the
// order of the reaches and downstream, then some on other rivers.
func (w *World) Gauges() []Gauge {
	r := newRandom("river-gauges")
	var gauges []Gauge
	add := func(at orb.Point, c *county, place *Place, name string) {
		n := len(gauges) + 1
		warn := r.between(12, 45, 0.1)
		g := Gauge{ID: fmt.Sprintf("gauge-%03d", n), At: at, Place: place, Warn: warn, Level: round(warn-r.between(2.5, 5, 0.01), 0.01),
			Danger: round(warn+r.between(1.5, 3, 0.1), 0.1), number: n, county: c, river: name}
		gauges = append(gauges, g)
	}
	for _, reach := range w.Reaches {
		length := Length(reach.Path)
		for km := gaugeSpacing / 2.0; km < length; km += gaugeSpacing {
			p, _ := Along(reach.Path, km)
			p = metre(p)
			if c := w.Ground.countyAt(p); c != nil && len(gauges) < gaugeCount {
				add(p, c, &Place{Reach: reach, At: p, Km: km, ToOutlet: reach.ToOutlet - km}, reach.Name.Zh)
			}
		}
	}
	banks := w.riverBanks()
	for len(gauges) < gaugeCount {
		p := banks[r.IntN(len(banks))]
		if place, away := w.Nearest(p); away > 12 && place != nil {
			add(p, w.Ground.countyAt(p), nil, "")
		}
	}
	return gauges
}

// riverBanks returns the vertices of all rivers that lie in the region.
func (w *World) riverBanks() []orb.Point {
	var ps []orb.Point
	for _, r := range w.rivers {
		line, _ := r.plane().(orb.LineString)
		for _, p := range line {
			if w.Ground.Contains(p) {
				ps = append(ps, p)
			}
		}
	}
	return ps
}

// Nearest returns the place on a named reach that is nearest to p, and how many
// km away it is.
func (w *World) Nearest(p orb.Point) (*Place, float64) {
	var best *Place
	away := math.Inf(1)
	for _, reach := range w.Reaches {
		km := 0.0
		for i, v := range reach.Path {
			if i > 0 {
				km += Distance(reach.Path[i-1], v)
			}
			if d := Distance(p, v); d < away {
				best, away = &Place{Reach: reach, At: v, Km: km, ToOutlet: reach.ToOutlet - km}, d
			}
		}
	}
	return best, away
}

func (w *World) gaugeFeatures() []layers.Edit {
	var edits []layers.Edit
	for _, g := range w.Gauges() {
		properties := map[string]any{
			"name": fmt.Sprintf("示例水位站%03d", g.number), "name_en": fmt.Sprintf("Sample Gauge %03d", g.number),
			"level_m": g.Level, "warn_m": g.Warn, "danger_m": g.Danger, "trend": "steady", "status": "normal",
			"observed_at": w.now, "drill": true,
		}
		if g.river != "" {
			properties["river"] = g.river
		}
		edits = append(edits, w.place(g.ID, g.county, g.At, properties))
	}
	return edits
}

func (w *World) reservoirs() []layers.Edit {
	r := newRandom("reservoirs")
	banks := w.riverBanks()
	var edits []layers.Edit
	for n := 1; n <= 200; {
		p := metre(Offset(banks[r.IntN(len(banks))], r.NormFloat64()*5, r.NormFloat64()*5))
		c := w.Ground.countyAt(p)
		if c == nil {
			continue
		}
		limit := r.between(20, 90, 0.1)
		level := round(limit-r.between(0.8, 4, 0.01), 0.01)
		edits = append(edits, w.place(fmt.Sprintf("reservoir-%03d", n), c, p, map[string]any{
			"name": fmt.Sprintf("示例水库%03d", n), "name_en": fmt.Sprintf("Sample Reservoir %03d", n),
			"scale":   r.choose(choice{"large", 8}, choice{"medium", 30}, choice{"small", 62}),
			"level_m": level, "limit_m": limit, "over_m": round(level-limit, 0.01), "trend": "steady", "status": "normal",
			"observed_at": w.now, "drill": true,
		}))
		n++
	}
	return edits
}

func (w *World) rainGauges() []layers.Edit {
	r := newRandom("rain-gauges")
	b := w.Ground.region.Bound()
	var edits []layers.Edit
	for n := 1; n <= 300; {
		p := metre(orb.Point{b.Min[0] + r.Float64()*(b.Max[0]-b.Min[0]), b.Min[1] + r.Float64()*(b.Max[1]-b.Min[1])})
		c := w.Ground.countyAt(p)
		if c == nil {
			continue
		}
		edits = append(edits, w.place(fmt.Sprintf("rain-%03d", n), c, p, map[string]any{
			"name": fmt.Sprintf("示例雨量站%03d", n), "name_en": fmt.Sprintf("Sample Rain Gauge %03d", n),
			"rain_1h_mm": 0.0, "status": "none", "observed_at": w.now, "drill": true,
		}))
		n++
	}
	return edits
}

// standingHazards are areas at risk all year; the drill adds flooded ones.
func (w *World) standingHazards() []layers.Edit {
	r := newRandom("hazard-zones")
	var edits []layers.Edit
	for n := 1; n <= 24; {
		c := r.county(w.Ground)
		kind, title, titleEn, reach := "landslide", "滑坡", "landslide", 16.0
		if n%3 == 0 {
			kind, title, titleEn, reach = "waterlogging", "内涝", "waterlogging", 3
		}
		centre := r.near(c.seat(), reach)
		var ring orb.Ring
		size := r.between(0.8, 2.2, 0.1) // km
		for corner := range 12 {
			a := float64(corner) * math.Pi / 6
			d := size * r.between(0.6, 1.1, 0.01)
			ring = append(ring, metre(Offset(centre, d*math.Cos(a), d*math.Sin(a))))
		}
		ring = append(ring, ring[0])
		if !c.contains(centre) || !w.inside(orb.LineString(ring)) {
			continue
		}
		edits = append(edits, layers.Edit{Op: layers.Put, ID: fmt.Sprintf("risk-%02d", n), Geometry: stored(orb.Polygon{ring}), Properties: map[string]any{
			"name": fmt.Sprintf("示例%s风险区%02d", title, n), "name_en": fmt.Sprintf("Sample %s risk %02d", titleEn, n), "kind": kind,
			"severity": r.choose(choice{"blue", 6}, choice{"yellow", 4}), "depth_class": "none", "area_km2": Area(ring),
			"division": c.divisionAt(centre), "observed_at": w.now, "drill": true,
		}})
		n++
	}
	return edits
}

// Area returns the area of a ring in km², to two decimals.
func Area(ring orb.Ring) float64 {
	sum := 0.0
	for i := 1; i < len(ring); i++ {
		a, b := ring[i-1], ring[i]
		sum += (a[0]-ring[0][0])*(b[1]-ring[0][1]) - (b[0]-ring[0][0])*(a[1]-ring[0][1])
	}
	return round(math.Abs(sum)/2*kmPerDegree*kmPerDegree*squeeze, 0.01)
}

func (w *World) inside(line orb.LineString) bool {
	for _, p := range line {
		if !w.Ground.Contains(p) {
			return false
		}
	}
	return true
}

func (w *World) shelters() []layers.Edit {
	r := newRandom("shelters")
	var edits []layers.Edit
	for n := 1; n <= 500; n++ {
		c := r.county(w.Ground)
		if n <= len(w.Ground.counties) {
			c = w.Ground.counties[n-1]
		}
		edits = append(edits, w.place(fmt.Sprintf("shelter-%03d", n), c, r.settle(c, 4), map[string]any{
			"name": fmt.Sprintf("示例安置点%03d", n), "name_en": fmt.Sprintf("Sample Shelter %03d", n),
			"capacity": 10 * r.count(8, 120), "occupied": int64(0), "status": "standby", "address": address(c, n),
			"observed_at": w.now, "drill": true,
		}))
	}
	return edits
}
