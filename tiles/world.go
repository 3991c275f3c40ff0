package tiles

import (
	"math"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip"
	"github.com/twpayne/go-geom"
)

// farthest is the longitude, east or west, at which what reaches there has no place,
// in degrees: a turn of the world beyond the antimeridian.
const farthest = 540

// firstPlace returns the first place that a geometry has.
func firstPlace(g geom.T) (p place, ok bool) {
	near := true
	eachPart(g, func(one geom.T) {
		if one == nil || one.Empty() {
			return
		}
		flat := one.FlatCoords()
		for i := 0; i+1 < len(flat); i += one.Stride() {
			near = near && !(math.Abs(flat[i]) >= farthest) // NaN is another matter
			if !ok {
				p, ok = placeOf(orb.Point{flat[i], flat[i+1]})
			}
		}
	})
	return p, ok && near
}

// inWorld cuts what reaches over the antimeridian into what is on either side.
func inWorld(g orb.Geometry) []orb.Geometry {
	if g == nil {
		return nil
	}
	b := g.Bound()
	if _, isPoint := g.(orb.Point); isPoint || b.Min[0] >= -180 && b.Max[0] <= 180 {
		return []orb.Geometry{g}
	}
	world := orb.Bound{Min: orb.Point{-180, -90}, Max: orb.Point{180, 90}}
	var out []orb.Geometry
	for _, by := range []float64{-360, 0, 360} {
		if one := clip.Geometry(world, shiftedEast(g, by)); one != nil {
			out = append(out, one)
		}
	}
	if out == nil { // without extent, so that clipping leaves nothing
		return []orb.Geometry{g}
	}
	return out
}

// shiftedEast returns a copy of g that lies by degrees farther in the east.
func shiftedEast(g orb.Geometry, by float64) orb.Geometry {
	g = orb.Clone(g)
	eachPoint(g, func(p *orb.Point) { p[0] += by })
	return g
}

// eachPoint visits the points of a line, a polygon or a set of them, in place.
func eachPoint(g orb.Geometry, visit func(*orb.Point)) {
	switch g := g.(type) {
	case orb.MultiPoint:
		for i := range g {
			visit(&g[i])
		}
	case orb.LineString:
		eachPoint(orb.MultiPoint(g), visit)
	case orb.Ring:
		eachPoint(orb.MultiPoint(g), visit)
	case orb.MultiLineString:
		for _, l := range g {
			eachPoint(l, visit)
		}
	case orb.Polygon:
		for _, r := range g {
			eachPoint(r, visit)
		}
	case orb.MultiPolygon:
		for _, p := range g {
			eachPoint(p, visit)
		}
	case orb.Collection:
		for i, one := range g {
			if p, ok := one.(orb.Point); ok {
				visit(&p)
				g[i] = p
				continue
			}
			eachPoint(one, visit)
		}
	}
}
