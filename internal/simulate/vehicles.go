package simulate

import (
	"math"

	"github.com/paulmach/orb"

	"onemap/layers"
	sample "onemap/sample-data"
)

// vehicle patrols its beat, and may be sent to one incident in each repetition.
type vehicle struct {
	sample.Vehicle
	length float64 // of the beat, km
	task   *task
}

// task is one errand: seconds of the drill, and where.
type task struct {
	incident string
	from, to orb.Point // where the vehicle was called, and the incident
	home     orb.Point // the start of its beat
	called   float64
	arrives  float64
	leaves   float64
	back     float64
}

func newVehicles(w *sample.World) []vehicle {
	var vs []vehicle
	for _, v := range w.Vehicles() {
		vs = append(vs, vehicle{Vehicle: v, length: sample.Length(v.Beat)})
	}
	return vs
}

// fix is where a vehicle is and what it does.
type fix struct {
	at      orb.Point
	heading float64
	speed   float64 // km/h
	status  string
	task    string
}

// onBeat is where the vehicle is if nobody calls it: out along its beat and back.
func (v vehicle) onBeat(t float64) fix {
	km := math.Mod(v.SpeedKmh/3600*t, 2*v.length)
	back := km > v.length
	if back {
		km = 2*v.length - km
	}
	p, heading := sample.Along(v.Beat, km)
	if back {
		heading = math.Mod(heading+180, 360)
	}
	return fix{at: p, heading: heading, speed: v.SpeedKmh, status: "patrol"}
}

func (v vehicle) at(t float64) fix {
	k := v.task
	switch {
	case k == nil || t < k.called:
		return v.onBeat(t)
	case t < k.arrives:
		return drive(k.from, k.to, k.called, k.arrives, t, fix{status: "dispatched", task: k.incident})
	case t < k.leaves:
		return fix{at: k.to, heading: sample.Heading(k.from, k.to), status: "on_scene", task: k.incident}
	case t < k.back:
		return drive(k.to, k.home, k.leaves, k.back, t, fix{status: "returning"})
	}
	return fix{at: k.home, heading: sample.Heading(k.to, k.home), status: "standby"}
}

// drive goes straight from one place to another between two seconds.
func drive(from, to orb.Point, start, end, t float64, f fix) fix {
	u := (t - start) / (end - start)
	f.at = orb.Point{from[0] + u*(to[0]-from[0]), from[1] + u*(to[1]-from[1])}
	f.heading = sample.Heading(from, to)
	f.speed = sample.Distance(from, to) / (end - start) * 3600
	return f
}

func (s *Scenario) positions(m moment) []layers.Edit {
	edits := make([]layers.Edit, len(s.vehicles))
	o := moment{second: math.Floor(m.second), clock: m.clock} // they report once a second
	for i, v := range s.vehicles {
		f := v.at(o.phase())
		properties := map[string]any{
			"plate": v.Plate, "kind": v.Kind, "status": f.status, "heading": round(f.heading, 1), "speed_kmh": round(f.speed, 1),
			"observed_at": o.time(), "drill": true,
		}
		if f.task != "" {
			properties["task"] = f.task
		}
		if d := s.ground.Division(f.at); d != "" {
			properties["division"] = d
		}
		edits[i] = layers.Edit{Op: layers.Put, ID: v.ID, Geometry: point(f.at), Properties: properties}
	}
	return edits
}
