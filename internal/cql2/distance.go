package cql2

import (
	"math"

	"github.com/twpayne/go-geom"
)

// The distance of two shapes on the ellipsoid is found as PostGIS finds that of two
// geographies: edges are great circles of a sphere that takes latitudes as they are;
// on it the nearest two points are looked for, and theirs is the distance along the
// ellipsoid WGS 84, by Vincenty's formulae. An area is at no distance from what is
// inside it.

// near is S_DWITHIN. It is unknown of null, and of areas that reach around a third of
// the earth, whose inside a sphere does not tell.
func near(a, b, metres Expr) predicate {
	x, y := shape(a), shape(b)
	limit, _ := numeric(metres)(nil)
	return func(r Row) truth {
		s, t := x(r), y(r)
		if s == nil || t == nil {
			return unknown
		}
		if s.box.northSouthGap(t.box)*leastRadius > limit {
			return no
		}
		return s.places().within(t.places(), limit)
	}
}

// places is a shape on the sphere.
type places struct {
	tree   *circle // nil if the shape is empty
	areas  []area
	firsts []vector // a point of each part: where no edges cross, all of the part is where it is
	vast   bool
}

// edge is an arc of a great circle shorter than half of it; a point is an edge to itself.
type edge struct{ from, to vector }

// area is the outline of a polygon.
type area struct{ outline *circle }

// vastness is the radius of an area, as an angle, from which on it has no clear inside.
const vastness = 80 * math.Pi / 180

func placesOf(g geom.T) *places {
	p := &places{}
	var edges []edge
	var collect func(geom.T)
	collect = func(g geom.T) {
		switch g := g.(type) {
		case *geom.Point:
			if v := vectors(g.FlatCoords(), g.Stride()); len(v) > 0 {
				edges, p.firsts = append(edges, edge{v[0], v[0]}), append(p.firsts, v[0])
			}
		case *geom.MultiPoint:
			for i := range g.NumPoints() {
				collect(g.Point(i))
			}
		case *geom.LineString:
			if v := vectors(g.FlatCoords(), g.Stride()); len(v) > 0 {
				edges, p.firsts = append(edges, path(v)...), append(p.firsts, v[0])
			}
		case *geom.MultiLineString:
			for i := range g.NumLineStrings() {
				collect(g.LineString(i))
			}
		case *geom.Polygon:
			var outline []edge
			for i := range g.NumLinearRings() {
				outline = append(outline, path(vectors(g.LinearRing(i).FlatCoords(), g.Stride()))...)
			}
			if len(outline) > 0 {
				a := area{grow(outline)}
				p.vast = p.vast || a.outline.radius > vastness
				p.areas, p.firsts, edges = append(p.areas, a), append(p.firsts, outline[0].from), append(edges, outline...)
			}
		case *geom.MultiPolygon:
			for i := range g.NumPolygons() {
				collect(g.Polygon(i))
			}
		case *geom.GeometryCollection:
			for _, part := range g.Geoms() {
				collect(part)
			}
		}
	}
	collect(g)
	if len(edges) > 0 {
		p.tree = grow(edges)
	}
	return p
}

// northSouthGap is the difference of latitude between what two boxes hold, as an angle,
// negative where there is none. It spares most features of a layer the rest.
func (b Box) northSouthGap(o Box) float64 {
	width, other := b.East-b.West, o.East-o.West
	return max(-bulge(-b.South, width)-bulge(o.North, other), -bulge(-o.South, other)-bulge(b.North, width))
}

// bulge is how far north great circles go between places that lie so many degrees of
// longitude apart at most, and no farther north than a latitude. It is an angle.
func bulge(latitude, width float64) float64 {
	if width >= 180 {
		return math.Pi / 2
	}
	north := latitude * math.Pi / 180
	if width > 0 && north > 0 {
		return math.Atan(math.Tan(north) / math.Cos(width*math.Pi/360))
	}
	return north
}

func path(v []vector) []edge {
	edges := make([]edge, 0, len(v))
	for i := 1; i < len(v); i++ {
		edges = append(edges, edge{v[i-1], v[i]})
	}
	return edges
}

// Metres along the ellipsoid for a radian of the sphere, at least and at most.
const (
	leastRadius = 6_335_000
	mostRadius  = 6_400_000
)

func (p *places) within(o *places, metres float64) truth {
	if p.tree == nil || o.tree == nil {
		return no
	}
	if p.vast || o.vast {
		return unknown
	}
	if p.hold(o) || o.hold(p) {
		return yes
	}
	s := search{best: 2 * math.Pi, enough: metres / mostRadius}
	s.tooFar = metres/leastRadius + 1e-12
	s.look(p.tree, o.tree)
	switch {
	case s.best <= s.enough:
		return yes
	case s.best > s.tooFar:
		return no
	}
	return truthOf(ellipsoidal(s.a, s.b) <= metres)
}

// hold reports whether a part of the other lies inside of an area, at least with its
// first point.
func (p *places) hold(o *places) bool {
	for _, a := range p.areas {
		for _, v := range o.firsts {
			if a.has(v) {
				return true
			}
		}
	}
	return false
}

// has counts how often the way from a point to one outside crosses the outline.
func (a area) has(v vector) bool {
	c := a.outline
	if c.centre.angle(v) > c.radius {
		return false
	}
	aside := c.centre.cross(vector{0.36, -0.48, 0.8}).unit()
	turn := (c.radius + math.Pi/2) / 2
	way := edge{v, c.centre.times(math.Cos(turn)).plus(aside.times(math.Sin(turn)))}
	return c.crossings(way, way.from.cross(way.to).unit())%2 == 1
}

// crossings counts the edges that cross an arc, of which the normal is given.
func (c *circle) crossings(way edge, normal vector) int {
	if math.Abs(normal.dot(c.centre)) > c.sine {
		return 0
	}
	if c.edges == nil {
		return c.left.crossings(way, normal) + c.right.crossings(way, normal)
	}
	n := 0
	for _, e := range c.edges {
		if cross(way, e) {
			n++
		}
	}
	return n
}

// cross reports whether two arcs cross. A touch counts at one of the two edges that
// meet there.
func cross(e, f edge) bool {
	n := e.from.cross(e.to)
	if (n.dot(f.from) >= 0) == (n.dot(f.to) >= 0) {
		return false
	}
	m := f.from.cross(f.to)
	if (m.dot(e.from) >= 0) == (m.dot(e.to) >= 0) {
		return false
	}
	x := n.cross(m) // one of the two points where the great circles meet
	return (x.dot(e.from.plus(e.to)) > 0) == (x.dot(f.from.plus(f.to)) > 0)
}

// circle is a node of a tree of edges: all of them lie within its radius, an angle.
type circle struct {
	centre      vector
	radius      float64
	sine        float64 // of the radius; more than 1 where every great circle meets it
	edges       []edge  // of a leaf
	left, right *circle
}

const leafSize = 8

// grow builds the tree over edges in their order, which keeps neighbours together.
func grow(edges []edge) *circle {
	c := circleAround(edges)
	if len(edges) <= leafSize {
		c.edges = edges
		return c
	}
	c.left, c.right = grow(edges[:len(edges)/2]), grow(edges[len(edges)/2:])
	return c
}

func circleAround(edges []edge) *circle {
	var middle vector
	for _, e := range edges {
		middle = middle.plus(e.from).plus(e.to)
	}
	c := &circle{centre: middle.unit()}
	for _, e := range edges {
		c.radius = max(c.radius, c.centre.angle(e.from), c.centre.angle(e.to))
	}
	c.radius += 1e-12
	c.sine = math.Sin(c.radius)
	if c.radius >= math.Pi/2 || middle.dot(middle) < 1e-6 {
		c.radius, c.sine = math.Pi, 2 // an arc may leave a circle of more than half of the sphere
	}
	return c
}

// search looks for the nearest points of two trees.
type search struct {
	best, enough, tooFar float64 // angles
	a, b                 vector
}

func (s *search) look(x, y *circle) {
	if apart := x.centre.angle(y.centre) - x.radius - y.radius; apart > s.best || apart > s.tooFar || s.best <= s.enough {
		return
	}
	switch {
	case x.edges != nil && y.edges != nil:
		for _, e := range x.edges {
			for _, f := range y.edges {
				s.pair(e, f)
			}
		}
	case y.edges != nil || x.edges == nil && x.radius > y.radius:
		s.nearerFirst(x.left, x.right, y)
	default:
		s.nearerFirst(y.left, y.right, x)
	}
}

func (s *search) nearerFirst(l, r, other *circle) {
	if r.centre.angle(other.centre)-r.radius < l.centre.angle(other.centre)-l.radius {
		l, r = r, l
	}
	s.look(l, other)
	s.look(r, other)
}

func (s *search) pair(e, f edge) {
	if e.from != e.to && f.from != f.to && cross(e, f) {
		s.best, s.a, s.b = 0, e.from, e.from
		return
	}
	s.offer(e.from, f.nearest(e.from))
	s.offer(e.to, f.nearest(e.to))
	s.offer(e.nearest(f.from), f.from)
	s.offer(e.nearest(f.to), f.to)
}

func (s *search) offer(a, b vector) {
	if d := a.angle(b); d < s.best {
		s.best, s.a, s.b = d, a, b
	}
}

// nearest is the point of an edge that is nearest to v.
func (e edge) nearest(v vector) vector {
	if n := e.from.cross(e.to); n != (vector{}) {
		n = n.unit()
		if n.cross(e.from).dot(v) > 0 && e.to.cross(n).dot(v) > 0 {
			return v.plus(n.times(-n.dot(v))).unit()
		}
	}
	if e.from.angle(v) <= e.to.angle(v) {
		return e.from
	}
	return e.to
}
