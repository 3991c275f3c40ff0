package simulate

import (
	"fmt"
	"math"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/layers"
	sample "onemap/sample-data"
)

// incident is a call to the hotline and what becomes of it, in seconds of the drill.
type incident struct {
	id, title, titleEn, category string
	division                     string
	geometry                     geom.T
	plate                        string // of the vehicle that was sent; empty if people on the spot handle it
	reported, assigned, working  float64
	closed                       float64
	filed                        float64 // gone from the map
}

const (
	incidentCount  = 90
	firstCall      = 45.0  // s
	lastCall       = 425.0 // s
	everyoneClosed = 570.0 // s: by now every incident is closed
	nearEnough     = 4.0   // km: a vehicle farther away is not sent
	hurry          = 80.0  // km/h on the way to an incident
	fastest        = 90.0  // km/h on the way back
	backBy         = 594.0 // s: every vehicle is back at its beat
)

// newIncidents invents the calls, and sends the nearest free vehicle to each.
func newIncidents(ground *sample.Ground, zones []zone, vehicles []vehicle) []incident {
	kinds := []struct{ category, zh, en string }{
		{"waterlogging", "低洼路段积水", "water on a low street"},
		{"trapped", "群众需转移", "people to be moved"},
		{"road", "道路被淹中断", "road under water"},
		{"waterlogging", "小区地下车库进水", "garage under water"},
		{"power", "停电停水求助", "power and water cut"},
		{"landslide", "边坡滑塌", "slope sliding"},
	}
	var incidents []incident
	for n := 1; n <= incidentCount; n++ {
		id := numbered("drill", n)
		reported := firstCall + (lastCall-firstCall)*(float64(n-1)+chance(id, "when"))/incidentCount
		at := callFrom(ground, zones, vehicles, id, reported)
		kind := kinds[int(chance(id, "kind")*float64(len(kinds)))%len(kinds)]
		i := incident{
			id: id, category: kind.category, division: ground.Division(at), geometry: point(at),
			title:   fmt.Sprintf("【演练】%s（演练诉求%02d）", kind.zh, n),
			titleEn: fmt.Sprintf("[Drill] %s (drill call %02d)", kind.en, n),
		}
		i.reported = math.Round(reported)
		i.assigned = i.reported + math.Round(between(id, "assign", 6, 16))
		i.working = i.assigned + math.Round(between(id, "reach", 20, 50))
		work := math.Round(between(id, "work", 40, 90))
		if v := send(vehicles, id, at, i.assigned, work); v != nil {
			i.plate, i.working = v.Plate, v.task.arrives
		}
		i.closed = min(i.working+work, everyoneClosed)
		i.filed = 580 + math.Round(between(id, "file", 0, 16))
		incidents = append(incidents, i)
	}
	return incidents
}

// callFrom invents where somebody calls from: near a zone that is under water,
// mostly where a vehicle is on patrol, for people live along the roads.
func callFrom(ground *sample.Ground, zones []zone, vehicles []vehicle, id string, t float64) orb.Point {
	best, score := orb.Point{}, math.Inf(-1)
	for _, v := range vehicles {
		at := v.onBeat(t).at
		z, away := nearest(zones, at)
		if away > 50 {
			continue
		}
		// The worse the flood and the nearer, the likelier the call; least likely
		// where the vehicle is away already.
		s := z.wave.at(t+20) - away/60 + 0.5*chance(id, v.ID)
		if v.task != nil {
			s--
		}
		if s > score {
			best, score = at, s
		}
	}
	for try := range 20 {
		angle := 2 * math.Pi * chance(id, fmt.Sprint("angle", try))
		away := between(id, fmt.Sprint("away", try), 0.8, 3)
		if p := sample.Offset(best, away*math.Sin(angle), away*math.Cos(angle)); ground.Contains(p) {
			return p
		}
	}
	return best
}

// send gives the incident to the nearest free vehicle that can be there and back
// in time; nil if there is none.
func send(vehicles []vehicle, id string, at orb.Point, called, work float64) *vehicle {
	var best *vehicle
	away := nearEnough
	for i := range vehicles {
		v := &vehicles[i]
		if d := sample.Distance(v.onBeat(called).at, at); v.task == nil && d < away && v.errand(id, at, called, work) != nil {
			best, away = v, d
		}
	}
	if best != nil {
		best.task = best.errand(id, at, called, work)
	}
	return best
}

// errand plans the vehicle's way to the place and back to its beat, or nil if
// that takes too long.
func (v vehicle) errand(id string, at orb.Point, called, work float64) *task {
	k := &task{incident: id, from: v.onBeat(called).at, to: at, home: v.Beat[0], called: called}
	k.arrives = called + math.Ceil(max(sample.Distance(k.from, at)/hurry*3600, 5))
	k.leaves = k.arrives + work
	k.back = k.leaves + math.Ceil(max(sample.Distance(at, k.home)/55*3600, 5)) // 55 km/h unless late
	if earliest := k.leaves + sample.Distance(at, k.home)/fastest*3600; earliest > backBy || k.leaves > everyoneClosed {
		return nil
	}
	k.back = min(k.back, backBy)
	return k
}

func (s *Scenario) calls(m moment) []layers.Edit {
	t := m.phase()
	var edits []layers.Edit
	for _, i := range s.incidents {
		if t < i.reported || t >= i.filed {
			continue
		}
		properties := map[string]any{"title": i.title, "title_en": i.titleEn, "category": i.category, "status": "new",
			"reported_at": m.begin(i.reported), "division": i.division, "drill": true}
		if t >= i.assigned {
			properties["status"] = "assigned"
			if i.plate != "" {
				properties["vehicle"] = i.plate
			}
		}
		if t >= i.working {
			properties["status"] = "working"
		}
		if t >= i.closed {
			properties["status"] = "closed"
			properties["closed_at"] = m.begin(i.closed)
		}
		edits = append(edits, layers.Edit{Op: layers.Put, ID: i.id, Geometry: i.geometry, Properties: properties})
	}
	return edits
}
