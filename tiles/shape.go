package tiles

import "github.com/paulmach/orb"

// shape is what of a geometry a tile shows, by type of MVT feature. Rings are
// open here (the first point is not repeated); in each polygon the first ring is
// the exterior.
type shape struct {
	points   []point
	lines    [][]point
	polygons [][][]point
}

// draw snaps a geometry to the tile's grid and clips it to the tile and its
// buffer. It does not write into g.
func draw(g orb.Geometry, c Coord) shape {
	d := drawing{snapper: snapperOf(c)}
	d.add(g)
	return d.shape
}

type drawing struct {
	snapper
	shape
	// What was drawn one unit large, to draw it once: an archipelago at zoom 0
	// is one dot, not a thousand on one spot.
	small map[[2]point]bool
	dots  map[point]bool
}

func (d *drawing) add(g orb.Geometry) {
	switch g := g.(type) {
	case orb.Point:
		d.addPoint(g)
	case orb.MultiPoint:
		for _, p := range g {
			d.addPoint(p)
		}
	case orb.LineString:
		d.addLine(g)
	case orb.MultiLineString:
		for _, l := range g {
			d.addLine(l)
		}
	case orb.Ring:
		d.addPolygon(orb.Polygon{g})
	case orb.Polygon:
		d.addPolygon(g)
	case orb.MultiPolygon:
		for _, p := range g {
			d.addPolygon(p)
		}
	case orb.Bound:
		d.addPolygon(g.ToPolygon())
	case orb.Collection:
		for _, part := range g {
			d.add(part)
		}
	}
}

func (d *drawing) addPoint(p orb.Point) {
	q, ok := d.snap(p)
	if !ok || q.x < -Buffer || q.y < -Buffer || q.x > TileExtent+Buffer || q.y > TileExtent+Buffer || d.dots[q] {
		return
	}
	if d.dots == nil {
		d.dots = map[point]bool{}
	}
	d.dots[q] = true
	d.points = append(d.points, q)
}

func (d *drawing) addLine(l orb.LineString) {
	ps := d.snapAll(l)
	if len(ps) == 0 {
		return
	}
	if len(ps) == 1 {
		if !d.firstSmall(ps[0], ps[0]) {
			return
		}
		ps = append(ps, point{ps[0].x + 1, ps[0].y})
	}
	d.lines = append(d.lines, clipLine(ps)...)
}

func (d *drawing) addPolygon(p orb.Polygon) {
	if len(p) == 0 {
		return
	}
	snapped := d.snapAll(p[0])
	if len(snapped) == 0 {
		return
	}
	exterior := cleanRing(snapped)
	if exterior == nil {
		a, b := extremes(snapped)
		if d.firstSmall(a, b) {
			d.polygons = append(d.polygons, clipPolygon([][]point{sliver(a, b)})...)
		}
		return
	}
	rings := [][]point{wound(exterior, true)}
	for _, hole := range p[1:] {
		if h := cleanRing(d.snapAll(hole)); h != nil {
			rings = append(rings, wound(h, false))
		}
	}
	d.polygons = append(d.polygons, clipPolygon(rings)...)
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
