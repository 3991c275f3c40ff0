package simulate

import (
	"fmt"
	"math"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/layers"
	sample "onemap/sample-data"
)

// zone is an area along a river that the flood covers.
type zone struct {
	id, name, nameEn string
	division         string
	centre           orb.Point
	axis             []orb.Point // the river's course, smoothed; the centre is in its middle
	wave             wave
	width            float64 // km to each side at the peak
}

// appears is the part of its full size at which a zone is first drawn.
const appears = 0.12

// newZones puts a zone round every gauge that floods, if it is far enough from
// the last one and stays in the region.
func newZones(w *sample.World, gauges []gauge) []zone {
	var zones []zone
	for _, g := range gauges {
		if !g.floods() || g.Place == nil {
			continue
		}
		apart := true
		for _, z := range zones {
			apart = apart && sample.Distance(z.centre, g.station.at) > 17
		}
		if !apart {
			continue
		}
		n := len(zones) + 1
		river := g.Place.Reach.Name
		z := zone{
			id: numbered("drill-zone", n), name: fmt.Sprintf("演练淹没区%02d（%s）", n, river.Zh),
			nameEn:   fmt.Sprintf("Drill flood %02d (%s)", n, river.En),
			division: w.Ground.Division(g.station.at), centre: g.station.at,
			wave: wave{g.wave.start + 12, g.wave.peak + 10, min(g.wave.end+5, 594)},
		}
		for _, size := range []float64{1, 0.7, 0.45} { // smaller where bends or the border leave no room
			z.width = size * between(z.id, "width", 2.4, 4.2)
			z.axis = smoothAxis(*g.Place, size*between(z.id, "length", 9, 14))
			if z.fits(w.Ground) {
				zones = append(zones, z)
				break
			}
		}
	}
	return zones
}

const axisPoints = 17

// smoothAxis follows the reach for half km up and down from the place, without
// its meanders.
func smoothAxis(p sample.Place, half float64) []orb.Point {
	length := sample.Length(p.Reach.Path)
	axis := make([]orb.Point, axisPoints)
	for i := range axis {
		km := p.Km + half*(2*float64(i)/(axisPoints-1)-1)
		const window = 6
		for j := -window; j <= window; j++ {
			q, _ := sample.Along(p.Reach.Path, min(max(km+float64(j)*0.8, 0), length))
			axis[i][0] += q[0] / (2*window + 1)
			axis[i][1] += q[1] / (2*window + 1)
		}
	}
	return axis
}

// ring returns the zone's border at a part of its full size. It is broad in the
// middle and pointed at its ends.
func (z zone) ring(size float64) orb.Ring {
	var left, right []orb.Point
	middle := (axisPoints - 1) / 2.0
	for i := range z.axis {
		u := float64(i)/middle - 1               // -1 to 1 along the axis
		at := middle + u*middle*(0.35+0.65*size) // the zone also grows along the river
		p, before, after := z.along(at), z.along(at-0.5), z.along(at+0.5)
		heading := sample.Heading(before, after) * math.Pi / 180
		half := z.width * size * math.Sqrt(1-u*u)
		l := half * (0.8 + 0.2*noise(z.id+"/left", i))
		r := half * (0.8 + 0.2*noise(z.id+"/right", i))
		if i == 0 || i == axisPoints-1 {
			left = append(left, p)
			continue
		}
		left = append(left, sample.Offset(p, -l*math.Cos(heading), l*math.Sin(heading)))
		right = append(right, sample.Offset(p, r*math.Cos(heading), -r*math.Sin(heading)))
	}
	ring := orb.Ring{}
	for _, p := range left {
		ring = append(ring, orb.Point{round(p[0], 5), round(p[1], 5)})
	}
	for i := len(right) - 1; i >= 0; i-- {
		ring = append(ring, orb.Point{round(right[i][0], 5), round(right[i][1], 5)})
	}
	ring = append(ring, ring[0])
	if ring.Orientation() == orb.CW {
		ring.Reverse()
	}
	return ring
}

// along returns a point between the points of the axis.
func (z zone) along(i float64) orb.Point {
	i = min(max(i, 0), axisPoints-1)
	k := min(int(i), axisPoints-2)
	u := i - float64(k)
	a, b := z.axis[k], z.axis[k+1]
	return orb.Point{a[0] + u*(b[0]-a[0]), a[1] + u*(b[1]-a[1])}
}

// fits reports whether the zone stays in the region and never crosses itself.
func (z zone) fits(ground *sample.Ground) bool {
	for size := appears; size <= 1; size += 0.02 {
		if crosses(z.ring(size)) {
			return false
		}
	}
	for _, p := range z.ring(1) {
		if !ground.Contains(p) {
			return false
		}
	}
	return !crosses(z.ring(1))
}

// crosses reports whether two sides of a ring that are not neighbours meet.
func crosses(r orb.Ring) bool {
	side := func(a, b, c orb.Point) float64 { return (b[0]-a[0])*(c[1]-a[1]) - (b[1]-a[1])*(c[0]-a[0]) }
	n := len(r) - 1
	for i := range n {
		for j := i + 2; j < n; j++ {
			if i == 0 && j == n-1 {
				continue
			}
			a, b, c, d := r[i], r[i+1], r[j], r[j+1]
			if side(a, b, c)*side(a, b, d) <= 0 && side(c, d, a)*side(c, d, b) <= 0 {
				return true
			}
		}
	}
	return false
}

func (s *Scenario) floodZones(m moment) []layers.Edit {
	var edits []layers.Edit
	for _, z := range s.zones {
		o := m.observed(z.id, 5)
		size := z.wave.at(o.phase())
		if size < appears {
			continue
		}
		severity, depth := "blue", "shallow"
		switch {
		case size >= 0.85:
			severity = "red"
		case size >= 0.6:
			severity = "orange"
		case size >= 0.35:
			severity = "yellow"
		}
		switch {
		case size >= 0.75:
			depth = "deep"
		case size >= 0.4:
			depth = "medium"
		}
		ring := z.ring(size)
		flat := make([]float64, 0, 2*len(ring))
		for _, p := range ring {
			flat = append(flat, p[0], p[1])
		}
		edits = append(edits, layers.Edit{Op: layers.Put, ID: z.id, Geometry: geom.NewPolygonFlat(geom.XY, flat, []int{len(flat)}),
			Properties: map[string]any{"name": z.name, "name_en": z.nameEn, "kind": "flood", "severity": severity, "depth_class": depth,
				"area_km2": sample.Area(ring), "division": z.division, "observed_at": o.time(), "drill": true}})
	}
	return edits
}
