package simulate

import (
	"math"

	"onemap/layers"
	sample "onemap/sample-data"
)

// gauge is a river gauge with the flood that passes it.
type gauge struct {
	station
	sample.Gauge
	wave wave
	rise float64 // m at the peak
}

func newGauges(w *sample.World, stations []station) []gauge {
	gs := make([]gauge, len(stations))
	for i, g := range w.Gauges() { // in the order of the features
		st := stations[i]
		gs[i] = gauge{station: st, Gauge: g, wave: passing(between(g.ID, "distance", 100, 700))}
		gs[i].rise = between(g.ID, "rise", 0.1, 0.6)
		if g.Place == nil {
			continue
		}
		gs[i].wave = passing(g.Place.ToOutlet)
		over := between(g.ID, "rise", 0.85, 1.9) // of the way from the warning to the danger mark
		gs[i].rise = share(g.Place.Reach.Name.Zh) * (g.Warn - g.Level + over*(g.Danger-g.Warn))
	}
	return gs
}

// floods reports whether the gauge exceeds its danger mark at the peak.
func (g gauge) floods() bool { return g.Level+g.rise > g.Danger+0.1 }

const gaugeReports = 5 // s between reports

func (s *Scenario) riverGauges(m moment) []layers.Edit {
	edits := make([]layers.Edit, len(s.gauges))
	for i, g := range s.gauges {
		o := m.observed(g.station.id, gaugeReports)
		t := o.phase()
		level := round(g.Level+g.rise*g.wave.at(t)+0.01*o.jitter(g.station.id), 2)
		status := "normal"
		switch {
		case level >= g.Danger:
			status = "danger"
		case level >= g.Warn:
			status = "warn"
		}
		edits[i] = g.edit(map[string]any{"level_m": level, "status": status,
			"trend": trend(g.rise * (g.wave.at(t) - g.wave.at(t-20))), "observed_at": o.time()})
	}
	return edits
}

// trend names a change of level in m.
func trend(change float64) string {
	switch {
	case change > 0.03:
		return "rising"
	case change < -0.03:
		return "falling"
	}
	return "steady"
}

// RainClass names the intensity of an hourly rain, by the steps that the layer's
// schema explains.
func RainClass(mm float64) string {
	switch {
	case mm >= 15:
		return "storm"
	case mm >= 7:
		return "heavy"
	case mm >= 1.6:
		return "moderate"
	case mm >= 0.1:
		return "light"
	}
	return "none"
}

func (s *Scenario) rainGauges(m moment) []layers.Edit {
	edits := make([]layers.Edit, len(s.rain))
	for i, g := range s.rain {
		o := m.observed(g.id, 10)
		mm := round(rain(g.at, o.phase())*(0.8+0.2*o.jitter(g.id)), 1)
		edits[i] = g.edit(map[string]any{"rain_1h_mm": mm, "status": RainClass(mm), "observed_at": o.time()})
	}
	return edits
}

// reservoir is a reservoir with the flood that flows into it.
type reservoir struct {
	station
	level, limit float64
	wave         wave
	rise         float64
}

func newReservoirs(w *sample.World, stations []station) []reservoir {
	rs := make([]reservoir, len(stations))
	for i, st := range stations {
		r := reservoir{station: st, level: st.number("level_m"), limit: st.number("limit_m"), rise: between(st.id, "rise", 0.1, 0.5)}
		place, away := w.Nearest(st.at)
		r.wave = passing(min(place.ToOutlet+between(st.id, "early", 0, 120), 750))
		if flood := share(place.Reach.Name.Zh); flood >= 0.7 && away < 45 && chance(st.id, "hit") < 0.65 {
			r.rise = flood * (r.limit - r.level + between(st.id, "over", 0.2, 1.8))
		}
		rs[i] = r
	}
	return rs
}

func (s *Scenario) reservoirLevels(m moment) []layers.Edit {
	edits := make([]layers.Edit, len(s.reservoirs))
	for i, r := range s.reservoirs {
		o := m.observed(r.id, 10)
		t := o.phase()
		level := round(r.level+r.rise*r.wave.at(t)+0.01*o.jitter(r.id), 2)
		status := "normal"
		if level > r.limit {
			status = "over"
		}
		edits[i] = r.edit(map[string]any{"level_m": level, "over_m": round(level-r.limit, 2), "status": status,
			"trend": trend(r.rise * (r.wave.at(t) - r.wave.at(t-20))), "observed_at": o.time()})
	}
	return edits
}

func (s *Scenario) airQuality(m moment) []layers.Edit {
	edits := make([]layers.Edit, len(s.air))
	for i, a := range s.air {
		o := m.observed(a.id, 100)
		washed := math.Min(rain(a.at, o.phase())/20, 1) // rain cleans the air
		pm := round(a.number("pm25")*(1-0.5*washed)*(1+0.05*o.jitter(a.id)), 1)
		aqi, grade := sample.AQI(pm)
		edits[i] = a.edit(map[string]any{"pm25": pm, "aqi": aqi, "grade": grade, "observed_at": o.time()})
	}
	return edits
}
