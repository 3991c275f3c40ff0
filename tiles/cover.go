package tiles

import (
	"math"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// roundingSlack, in tile units, is far more than projecting there and back can
// be off by.
const roundingSlack = 1e-3

// cover is a rectangle of tiles of one zoom, both ends included.
type cover struct{ x0, y0, x1, y1 int }

// touched returns the tiles of zoom z that something inside the bound (CRS84)
// can be part of: those whose edges it meets, with a margin in tile units.
func touched(b orb.Bound, z int, margin float64) cover {
	g := gridOf(z)
	west, north := g.project(orb.Point{b.Min[0], b.Max[1]})
	east, south := g.project(orb.Point{b.Max[0], b.Min[1]})
	margin += roundingSlack
	return cover{
		x0: clampTile(math.Ceil((west-margin)/TileExtent-1), z), x1: clampTile((east+margin)/TileExtent, z),
		y0: clampTile(math.Ceil((north-margin)/TileExtent-1), z), y1: clampTile((south+margin)/TileExtent, z),
	}
}

func (c cover) count() int { return (c.x1 - c.x0 + 1) * (c.y1 - c.y0 + 1) }

func (c cover) has(at Coord) bool {
	return at.X >= c.x0 && at.X <= c.x1 && at.Y >= c.y0 && at.Y <= c.y1
}

// places returns the bounds of the parts of what changed: of each point, line
// and polygon, so that an island far off does not stand for the sea between.
// They are CRS84 and each is there once.
func places(images ...*layers.Feature) []orb.Bound {
	var out []orb.Bound
	seen := map[orb.Bound]bool{}
	for _, f := range images {
		if f == nil {
			continue
		}
		eachPart(f.Geometry, func(part geom.T) {
			b, ok := layers.BoundOf(part)
			if !ok {
				return
			}
			for _, b := range onBothSides(b) {
				if !seen[b] {
					seen[b] = true
					out = append(out, b)
				}
			}
		})
	}
	return out
}

// onBothSides returns a bound, and where it is beyond the antimeridian what it is
// on the other side.
func onBothSides(b orb.Bound) []orb.Bound {
	out := []orb.Bound{b}
	if b.Max[0] > 180 {
		out = append(out, eastOf(b, -360))
	}
	if b.Min[0] < -180 {
		out = append(out, eastOf(b, 360))
	}
	return out
}

func eastOf(b orb.Bound, by float64) orb.Bound {
	b.Min[0], b.Max[0] = b.Min[0]+by, b.Max[0]+by
	return b
}

func eachPart(g geom.T, visit func(geom.T)) {
	switch g := g.(type) {
	case *geom.MultiPoint:
		for i := range g.NumPoints() {
			visit(g.Point(i))
		}
	case *geom.MultiLineString:
		for i := range g.NumLineStrings() {
			visit(g.LineString(i))
		}
	case *geom.MultiPolygon:
		for i := range g.NumPolygons() {
			visit(g.Polygon(i))
		}
	case *geom.GeometryCollection:
		for _, part := range g.Geoms() {
			eachPart(part, visit)
		}
	default:
		visit(g)
	}
}
