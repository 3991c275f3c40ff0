package simulate

import (
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/layers"
	sample "onemap/sample-data"
)

// Scenario is the flood drill, ready to be played.
type Scenario struct {
	ground     *sample.Ground
	gauges     []gauge
	rain       []station
	reservoirs []reservoir
	zones      []zone
	roads      []road
	shelters   []shelter
	hospitals  []hospital
	halls      []station
	air        []station
	incidents  []incident
	vehicles   []vehicle
}

// Clock tells the moment at which a second of the drill is played. Seconds go on
// counting when the drill repeats, and begin below 0 for what was observed before.
type Clock func(second float64) time.Time

// State is what the drilled layers hold at one second: for each layer its
// features, always in the same order, without those that the drill leaves alone.
type State map[string][]layers.Edit

// station is a feature whose place and description stay the same.
type station struct {
	id       string
	at       orb.Point
	geometry geom.T
	fixed    map[string]any
}

// edit returns the station with some attributes set.
func (s station) edit(changed map[string]any) layers.Edit {
	properties := maps.Clone(s.fixed)
	maps.Copy(properties, changed)
	properties["drill"] = true
	return layers.Edit{Op: layers.Put, ID: s.id, Geometry: s.geometry, Properties: properties}
}

func (s station) number(attribute string) float64 {
	switch v := s.fixed[attribute].(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

// NewScenario builds the flood drill over the sample's invented province.
func NewScenario() (*Scenario, error) {
	w, err := sample.NewWorld(time.Time{})
	if err != nil {
		return nil, err
	}
	s := &Scenario{ground: w.Ground}
	stations := map[string][]station{}
	for _, id := range []string{"river-gauges", "rain-gauges", "reservoirs", "roads", "shelters", "hospitals", "service-halls", "air-quality"} {
		edits, err := w.Features(id)
		if err != nil {
			return nil, err
		}
		for _, e := range edits {
			st := station{id: e.ID, geometry: e.Geometry, fixed: e.Properties}
			if p, ok := e.Geometry.(*geom.Point); ok {
				st.at = orb.Point{p.X(), p.Y()}
			}
			stations[id] = append(stations[id], st)
		}
	}
	s.gauges = newGauges(w, stations["river-gauges"])
	s.zones = newZones(w, s.gauges)
	s.rain = stations["rain-gauges"]
	s.reservoirs = newReservoirs(w, stations["reservoirs"])
	s.roads = newRoads(stations["roads"], s.zones)
	s.shelters = newShelters(stations["shelters"], s.zones)
	s.hospitals = newHospitals(stations["hospitals"], s.zones)
	s.halls = stations["service-halls"]
	s.air = stations["air-quality"]
	s.vehicles = newVehicles(w)
	s.incidents = newIncidents(w.Ground, s.zones, s.vehicles)
	return s, nil
}

// Layers lists the layers that the drill writes, in the order in which it does:
// what explains a thing comes before it.
func (s *Scenario) Layers() []string {
	return []string{"rain-gauges", "river-gauges", "reservoirs", "hazard-zones", "roads", "hotline-incidents", "patrol-vehicles",
		"shelters", "hospitals", "service-halls", "air-quality"}
}

// At returns the state at a second. It depends on the second alone (and on the
// clock for times), and repeats every Duration seconds.
func (s *Scenario) At(second float64, clock Clock) State {
	m := moment{second: second, clock: clock}
	return State{
		"rain-gauges":       s.rainGauges(m),
		"river-gauges":      s.riverGauges(m),
		"reservoirs":        s.reservoirLevels(m),
		"hazard-zones":      s.floodZones(m),
		"roads":             s.roadStates(m),
		"hotline-incidents": s.calls(m),
		"patrol-vehicles":   s.positions(m),
		"shelters":          s.shelterStates(m),
		"hospitals":         s.beds(m),
		"service-halls":     s.queues(m),
		"air-quality":       s.airQuality(m),
	}
}

// moment is a second of the drill with its clock.
type moment struct {
	second float64
	clock  Clock
}

// phase is the second within the drill, from 0 up to Duration.
func (m moment) phase() float64 {
	p := math.Mod(m.second, Duration)
	if p < 0 {
		p += Duration
	}
	return p
}

// observed returns the moment at which the station last reported. Stations
// report every so many seconds (a whole part of Duration), not all at once.
func (m moment) observed(id string, every int) moment {
	offset := math.Floor(chance(id, "report") * float64(every))
	last := math.Floor((m.second+offset)/float64(every))*float64(every) - offset
	return moment{second: last, clock: m.clock}
}

func (m moment) time() time.Time { return m.clock(m.second).UTC().Truncate(time.Millisecond) }

// jitter returns noise for a station's reading, the same in each repetition.
func (m moment) jitter(id string) float64 { return noise(id, int(math.Round(m.phase()))) }

// begin returns the moment at which a second of the current repetition is played.
func (m moment) begin(phase float64) time.Time {
	start := m.second - m.phase()
	return m.clock(start + phase).UTC().Truncate(time.Millisecond)
}

func point(p orb.Point) geom.T {
	return geom.NewPointFlat(geom.XY, []float64{round(p[0], 5), round(p[1], 5)})
}

func numbered(prefix string, n int) string { return fmt.Sprintf("%s-%02d", prefix, n) }
