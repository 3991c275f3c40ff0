package simulate

import (
	"math"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/layers"
	sample "onemap/sample-data"
)

// road is a road with the zones that may flood it.
type road struct {
	station
	risks []risk
}

// risk is a zone so many km from the road: water reaches the road when the zone
// has grown so wide.
type risk struct {
	zone zone
	away float64
}

func newRoads(stations []station, zones []zone) []road {
	roads := make([]road, len(stations))
	for i, st := range stations {
		roads[i].station = st
		line := st.geometry.(*geom.LineString)
		for _, z := range zones {
			away := math.Inf(1)
			for _, c := range line.Coords() {
				for _, p := range z.axis[4 : axisPoints-4] {
					away = min(away, sample.Distance(orb.Point{c[0], c[1]}, p))
				}
			}
			if away < z.width {
				roads[i].risks = append(roads[i].risks, risk{z, away})
			}
		}
	}
	return roads
}

func (s *Scenario) roadStates(m moment) []layers.Edit {
	edits := make([]layers.Edit, len(s.roads))
	for i, r := range s.roads {
		o := m.observed(r.id, 30)
		status := "open"
		for _, k := range r.risks {
			size := k.zone.wave.at(o.phase())
			if k.zone.width*size < k.away {
				continue
			}
			if size > 0.65 {
				status = "closed"
				break
			}
			if size > appears {
				status = "flooded"
			}
		}
		edits[i] = r.edit(map[string]any{"status": status, "observed_at": o.time()})
	}
	return edits
}

// shelter is a shelter with the people who come when the water does.
type shelter struct {
	station
	wave     wave
	capacity float64
	used     float64 // part of the places taken at the peak
}

// nearest returns the zone nearest to a point, and how many km away it is.
func nearest(zones []zone, p orb.Point) (zone, float64) {
	var best zone
	away := math.Inf(1)
	for _, z := range zones {
		if d := sample.Distance(p, z.centre); d < away {
			best, away = z, d
		}
	}
	return best, away
}

func newShelters(stations []station, zones []zone) []shelter {
	shelters := make([]shelter, len(stations))
	for i, st := range stations {
		s := shelter{station: st, capacity: st.number("capacity")}
		if z, away := nearest(zones, st.at); away < 45 {
			// People come before the crest and stay until the water has fallen.
			s.wave = wave{max(z.wave.start-5, 20), z.wave.peak + 25, min(z.wave.end+20, 588)}
			s.used = between(st.id, "used", 0.35, 1) * (1 - away/110)
		}
		shelters[i] = s
	}
	return shelters
}

func (s *Scenario) shelterStates(m moment) []layers.Edit {
	edits := make([]layers.Edit, len(s.shelters))
	for i, h := range s.shelters {
		every := 60
		if h.used > 0 {
			every = 10
		}
		o := m.observed(h.id, every)
		occupied := math.Round(h.capacity * h.used * h.wave.at(o.phase()))
		status := "standby"
		switch {
		case occupied >= 0.85*h.capacity:
			status = "full"
		case occupied > 0:
			status = "open"
		}
		edits[i] = h.edit(map[string]any{"occupied": int64(occupied), "status": status, "observed_at": o.time()})
	}
	return edits
}

// hospital is a hospital whose beds fill when a zone is near.
type hospital struct {
	station
	wave wave
	need float64 // part of the free beds taken at the peak
}

func newHospitals(stations []station, zones []zone) []hospital {
	hospitals := make([]hospital, len(stations))
	for i, st := range stations {
		h := hospital{station: st}
		if z, away := nearest(zones, st.at); away < 40 {
			h.wave = wave{z.wave.start + 20, z.wave.peak + 40, min(z.wave.end+25, 590)}
			h.need = between(st.id, "need", 0.2, 0.7)
		}
		hospitals[i] = h
	}
	return hospitals
}

func (s *Scenario) beds(m moment) []layers.Edit {
	edits := make([]layers.Edit, len(s.hospitals))
	for i, h := range s.hospitals {
		o := m.observed(h.id, 60)
		free := h.number("beds_free") * (1 - h.need*h.wave.at(o.phase())) * (1 + 0.04*o.jitter(h.id))
		edits[i] = h.edit(map[string]any{"beds_free": int64(min(math.Round(free), h.number("beds"))), "observed_at": o.time()})
	}
	return edits
}

func (s *Scenario) queues(m moment) []layers.Edit {
	edits := make([]layers.Edit, len(s.halls))
	for i, h := range s.halls {
		o := m.observed(h.id, 12)
		cycles := math.Round(between(h.id, "cycles", 1, 4))
		swing := math.Sin(2 * math.Pi * (cycles*o.phase()/Duration + chance(h.id, "swing")))
		windows := h.fixed["windows"].(int64)
		queue := int64(math.Round(h.number("queue") * (1 + 0.4*swing + 0.12*o.jitter(h.id))))
		wait := sample.WaitMinutes(queue, windows)
		edits[i] = h.edit(map[string]any{"queue": queue, "wait_min": wait, "status": sample.HallStatus(wait), "observed_at": o.time()})
	}
	return edits
}
