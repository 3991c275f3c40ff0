package tiles

import (
	"slices"

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
	inside bool // all that is drawn is known to be inside the clip box
	mender coverage.Repairer
	clip   clipper
	arena  []point   // what the parts are made of
	rings  [][]point // and the polygons
	// What was drawn one unit large, to draw it once: an archipelago at zoom 0
	// is one dot, not a thousand on one spot.
	small map[[2]point]bool
	dots  map[point]bool
}

// begin starts the shape of another geometry.
func (d *drawing) begin(c Coord, extent int64) {
	d.snapper, d.at, d.inside = snapperOf(c, extent), c, false
	d.arena, d.rings = d.arena[:0], d.rings[:0]
	d.clip.reset(windowOf(extent))
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
		var rings [][]point
		for _, r := range g {
			if ps := d.snapAll(r); len(ps) > 0 {
				rings = append(rings, ps)
			}
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

// show draws a dot at the anchor of what counts in the tile, if nothing of it is
// drawn: its anchor may be on a part that is thinner than the grid.
func (d *drawing) show(anchor place) {
	if d.empty() {
		d.addPolygon([][]point{{d.place(anchor)}})
	}
}

func (d *drawing) addPoint(q point) {
	q = d.lonely(q)
	if !d.clip.has(q) || d.dots[q] {
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
	inside := d.inside
	if len(ps) == 1 {
		if !d.firstSmall(ps[0], ps[0]) {
			return
		}
		ps, inside = append(ps, point{X: ps[0].X + 1, Y: ps[0].Y}), false // which may lie beyond the edge
	}
	if inside || d.clip.hasAll(ps) {
		d.lines = append(d.lines, ps)
	} else {
		d.lines = d.clip.line(d.lines, ps)
	}
}

// addPolygon takes the rings of a polygon, the exterior first.
func (d *drawing) addPolygon(snapped [][]point) {
	if len(snapped) == 0 || len(snapped[0]) == 0 || d.inside && d.addWhole(snapped) {
		return
	}
	a, b := extremes(snapped[0])
	exterior := cleanRing(snapped[0])
	if exterior == nil {
		if d.firstSmall(a, b) {
			d.addClipped([][]point{sliver(a, b)})
		}
		return
	}
	rings := append(snapped[:0], wound(exterior, true))
	for _, hole := range snapped[1:] {
		if h := cleanRing(hole); h != nil {
			rings = append(rings, wound(h, false))
		}
	}
	d.addClipped(rings)
}

// addWhole adds a polygon inside the clip box as it is, but for the winding, if it is
// valid, and reports that. Cleaning and clipping would change nothing.
func (d *drawing) addWhole(rings [][]point) bool {
	if slices.ContainsFunc(rings, func(r []point) bool { return len(r) < 3 }) {
		return false
	}
	turned := make([]bool, 0, 8)
	for i, r := range rings {
		turned = append(turned, (doubleArea(r) > 0) != (i == 0))
		if turned[i] {
			slices.Reverse(r)
		}
	}
	if d.mender.Valid(rings) {
		d.polygons = append(d.polygons, rings)
		return true
	}
	for i, r := range rings {
		if turned[i] {
			slices.Reverse(r)
		}
	}
	return false
}

// addClipped adds what is inside the clip box of a polygon whose rings are clean and
// wound: as it is, if that is valid, and else what clipping and rounding have made of
// it, put in order.
func (d *drawing) addClipped(rings [][]point) {
	rings = d.clip.polygon(rings)
	if d.mender.Valid(rings) {
		d.polygons = append(d.polygons, rings)
		return
	}
	for _, one := range assemble(rings) {
		d.polygons = append(d.polygons, d.mender.Repair(one)...)
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
