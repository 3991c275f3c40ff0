package sample

import (
	"fmt"
	"math"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// Road is a schematic line between two seats.
type Road struct {
	ID       string
	Line     orb.LineString
	Division string // where its middle lies

	number int
	kind   string
}

// Roads returns a network of lines between the seats, none of them a real route:
// seats are joined when no third one lies in the circle over their line, which
// gives a network without crossings.
func (w *World) Roads() []Road {
	r := newRandom("roads")
	nodes := w.junctions()
	var roads []Road
	for i, a := range nodes {
		for j := i + 1; j < len(nodes); j++ {
			b := nodes[j]
			if !neighbours(nodes, i, j) {
				continue
			}
			line := w.wind(r, a.seat(), b.seat())
			if line == nil {
				continue
			}
			middle, _ := Along(line, Length(line)/2)
			kind := "county"
			if a.Code[:4] != b.Code[:4] {
				kind = "trunk"
			}
			n := len(roads) + 1
			roads = append(roads, Road{ID: fmt.Sprintf("road-%03d", n), Line: line, Division: w.Ground.Division(middle), number: n, kind: kind})
		}
	}
	return roads
}

// junctions are the seats that roads join: those of a city's districts lie too
// close together to be told apart.
func (w *World) junctions() []division {
	nodes := append([]division(nil), w.Ground.cities...)
	for _, c := range w.Ground.counties {
		apart := true
		for _, n := range nodes {
			apart = apart && Distance(c.seat(), n.seat()) > 6
		}
		if apart {
			nodes = append(nodes, c.division)
		}
	}
	return nodes
}

func neighbours(nodes []division, i, j int) bool {
	a, b := nodes[i].seat(), nodes[j].seat()
	middle := orb.Point{(a[0] + b[0]) / 2, (a[1] + b[1]) / 2}
	radius := Distance(a, b) / 2
	for k, n := range nodes {
		if k != i && k != j && Distance(n.seat(), middle) < radius {
			return false
		}
	}
	return true
}

// wind returns a line from a to b with bends, or nil if it would leave the region.
func (w *World) wind(r random, a, b orb.Point) orb.LineString {
	line := orb.LineString{a, b}
	for bend := 0.12; Distance(line[0], line[1]) > 5; bend /= 2 {
		finer := orb.LineString{line[0]}
		for k := 1; k < len(line); k++ {
			p, q := line[k-1], line[k]
			d := Distance(p, q) * bend * (2*r.Float64() - 1)
			// The middle, moved sideways by d km.
			east, north := (q[1]-p[1])*kmPerDegree, -(q[0]-p[0])*kmPerDegree*squeeze
			if length := Distance(p, q); length > 0 {
				middle := orb.Point{(p[0] + q[0]) / 2, (p[1] + q[1]) / 2}
				finer = append(finer, metre(Offset(middle, east/length*d, north/length*d)))
			}
			finer = append(finer, q)
		}
		line = finer
	}
	if !w.inside(line) {
		return nil
	}
	return line
}

func (w *World) roadFeatures() []layers.Edit {
	var edits []layers.Edit
	for _, road := range w.Roads() {
		edits = append(edits, layers.Edit{Op: layers.Put, ID: road.ID, Geometry: stored(road.Line), Properties: map[string]any{
			"name": fmt.Sprintf("示例道路%03d（示意）", road.number), "name_en": fmt.Sprintf("Sample Road %03d (schematic)", road.number),
			"kind": road.kind, "length_km": round(Length(road.Line), 0.1), "status": "open", "division": road.Division,
			"observed_at": w.now, "drill": true,
		}})
	}
	return edits
}

// Vehicle is an invented vehicle on its beat.
type Vehicle struct {
	ID    string
	Plate string
	Kind  string
	// Beat is the road it patrols, out and back again.
	Beat orb.LineString
	// SpeedKmh is its speed on the beat; at it, the vehicle is back at the start
	// of the beat after BeatSeconds, or a whole part of them.
	SpeedKmh float64
}

// BeatSeconds is the time after which every vehicle is back where it began.
const BeatSeconds = 600

// Vehicles returns the patrol vehicles, near the seats and on the roads.
func (w *World) Vehicles() []Vehicle {
	r := newRandom("patrol-vehicles")
	roads := w.Roads()
	var vs []Vehicle
	for n := 1; n <= 200; n++ {
		c := r.county(w.Ground)
		choices := roadsFrom(roads, c.seat())
		line := choices[r.IntN(len(choices))]
		rounds, span := 1.0, r.between(2.6, 4.6, 0.1) // km one way
		if r.Float64() < 0.5 {
			rounds, span = 2, r.between(1.5, 2.4, 0.1)
		}
		span = min(span, Length(line))
		from := r.Float64() * min(8, Length(line)-span)
		vs = append(vs, Vehicle{
			ID: fmt.Sprintf("vehicle-%03d", n), Plate: fmt.Sprintf("演示%04d", n),
			Kind:     r.choose(choice{"rescue", 30}, choice{"police", 25}, choice{"fire", 15}, choice{"medical", 15}, choice{"city", 15}),
			Beat:     stretch(line, from, from+span),
			SpeedKmh: round(2*span*rounds/BeatSeconds*3600, 0.1),
		})
	}
	return vs
}

// roadsFrom returns the roads that end at the junction nearest to p, all of them
// starting there.
func roadsFrom(roads []Road, p orb.Point) []orb.LineString {
	away := math.Inf(1)
	for _, road := range roads {
		away = min(away, Distance(p, road.Line[0]), Distance(p, road.Line[len(road.Line)-1]))
	}
	var lines []orb.LineString
	for _, road := range roads {
		switch {
		case Distance(p, road.Line[0]) == away:
			lines = append(lines, road.Line)
		case Distance(p, road.Line[len(road.Line)-1]) == away:
			back := road.Line.Clone()
			back.Reverse()
			lines = append(lines, back)
		}
	}
	return lines
}

// stretch returns the part of a line between two distances in km from its start.
func stretch(line orb.LineString, from, to float64) orb.LineString {
	start, _ := Along(line, from)
	end, _ := Along(line, to)
	part := orb.LineString{start}
	km := 0.0
	for i := 1; i < len(line); i++ {
		km += Distance(line[i-1], line[i])
		if km > from && km < to {
			part = append(part, line[i])
		}
	}
	return append(part, end)
}

func (w *World) vehicles() []layers.Edit {
	var edits []layers.Edit
	for _, v := range w.Vehicles() {
		p, heading := Along(v.Beat, 0)
		p = metre(p)
		edits = append(edits, layers.Edit{Op: layers.Put, ID: v.ID, Geometry: point(p), Properties: map[string]any{
			"plate": v.Plate, "kind": v.Kind, "status": "patrol", "heading": round(heading, 0.1), "speed_kmh": v.SpeedKmh,
			"division": w.Ground.Division(p), "observed_at": w.now, "drill": true,
		}})
	}
	return edits
}
