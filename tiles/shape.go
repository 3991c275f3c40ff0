package tiles

import (
	"github.com/paulmach/orb"

	"onemap/tiles/coverage"
)

// shape is what of a geometry a tile shows, by type of MVT feature. Rings are
// open here (the first point is not repeated); in each polygon the first ring is
// the exterior.
type shape struct {
	points   []point
	lines    [][]point
	polygons [][][]point
}

func (s *shape) empty() bool { return len(s.points)+len(s.lines)+len(s.polygons) == 0 }

// drawing makes a shape of a geometry's parts, which come snapped.
type drawing struct {
	snapper
	shape
	at     Coord
	mender coverage.Repairer
	arena  []point // what the parts are made of
	rings  [][]point
	// What was drawn one unit large, to draw it once: an archipelago at zoom 0
	// is one dot, not a thousand on one spot.
	small map[[2]point]bool
	dots  map[point]bool
}

// begin starts the shape of another geometry.
func (d *drawing) begin(c Coord) {
	d.snapper, d.at, d.arena = snapperOf(c), c, d.arena[:0]
	d.shape = shape{d.points[:0], d.lines[:0], d.polygons[:0]}
	clear(d.small)
	clear(d.dots)
}

func (d *drawing) add(g orb.Geometry) {
	switch g := g.(type) {
	case orb.Point:
		if q, ok := d.snap(g); ok {
			d.addPoint(q)
		}
	case orb.MultiPoint:
		for _, p := range g {
			d.add(p)
		}
	case orb.LineString:
		d.addLine(d.snapAll(g))
	case orb.MultiLineString:
		for _, l := range g {
			d.add(l)
		}
	case orb.Ring:
		d.add(orb.Polygon{g})
	case orb.Polygon:
		rings := make([][]point, len(g))
		for i, r := range g {
			rings[i] = d.snapAll(r)
		}
		d.addPolygon(rings)
	case orb.MultiPolygon:
		for _, p := range g {
			d.add(p)
		}
	case orb.Bound:
		d.add(g.ToPolygon())
	case orb.Collection:
		for _, part := range g {
			d.add(part)
		}
	}
}

func (d *drawing) addPoint(q point) {
	q = d.lonely(q)
	if !inBox(q) || d.dots[q] {
		return
	}
	if d.dots == nil {
		d.dots = map[point]bool{}
	}
	d.dots[q] = true
	d.points = append(d.points, q)
}

// addLine takes a line without repeated points.
func (d *drawing) addLine(ps []point) {
	if len(ps) == 0 {
		return
	}
	if len(ps) == 1 {
		if !d.firstSmall(ps[0], ps[0]) {
			return
		}
		ps = append(ps, point{X: ps[0].X + 1, Y: ps[0].Y})
	}
	d.lines = append(d.lines, clipLine(ps)...)
}

// addPolygon takes the rings of a polygon, the exterior first.
func (d *drawing) addPolygon(snapped [][]point) {
	if len(snapped) == 0 || len(snapped[0]) == 0 {
		return
	}
	a, b := extremes(snapped[0])
	exterior := cleanRing(snapped[0])
	if exterior == nil {
		if d.firstSmall(a, b) {
			d.addValid(clipPolygon([][]point{sliver(a, b)}))
		}
		return
	}
	rings := append(make([][]point, 0, len(snapped)), wound(exterior, true))
	for _, hole := range snapped[1:] {
		if h := cleanRing(hole); h != nil {
			rings = append(rings, wound(h, false))
		}
	}
	d.addValid(clipPolygon(rings))
}

// addValid adds polygons as they are, if they are valid, and else what rounding to
// the grid has made of them, put in order.
func (d *drawing) addValid(polygons [][][]point) {
	for _, rings := range polygons {
		d.polygons = append(d.polygons, d.mender.Repair(rings)...)
	}
}

// firstSmall reports whether nothing small was drawn between a and b yet.
func (d *drawing) firstSmall(a, b point) bool {
	k := [2]point{a, b}
	if d.small[k] {
		return false
	}
	if d.small == nil {
		d.small = map[[2]point]bool{}
	}
	d.small[k] = true
	return true
}
