package tiles

import (
	"math"

	"github.com/paulmach/orb"

	"onemap/tiles/coverage"
)

// grid is the world in Web Mercator at one zoom, in tile units: x from 0 in the
// west, y from 0 in the north, both up to size.
type grid struct{ size float64 }

func gridOf(z int) grid { return grid{size: float64(int64(TileExtent) << z)} }

// project returns a place (CRS84) in grid units, not rounded.
func (g grid) project(p orb.Point) (x, y float64) {
	x = (p[0] + 180) / 360 * g.size
	lat := math.Min(math.Max(p[1], -MaxLatitude), MaxLatitude)
	sin := math.Sin(lat * math.Pi / 180)
	y = (0.5 - math.Log((1+sin)/(1-sin))/(4*math.Pi)) * g.size
	return x, math.Min(math.Max(y, 0), g.size)
}

// unproject is the inverse of project; y beyond the world is its edge.
func (g grid) unproject(x, y float64) orb.Point {
	y = math.Min(math.Max(y, 0), g.size)
	lat := math.Atan(math.Sinh(math.Pi*(1-2*y/g.size))) * 180 / math.Pi
	return orb.Point{x/g.size*360 - 180, lat}
}

// point is a place on the grid, relative to a tile's north-west corner.
type point = coverage.Point

// snapper rounds places to the grid. Because it rounds in the world and then
// moves by whole units, all tiles of a zoom agree about every vertex.
type snapper struct {
	z        int   // of the grid: a fine tile has the next zoom's
	dx, dy   int64 // the tile's corner
	up, down uint8 // by which power of two a place's unit is larger or smaller than the grid's
	half     int64 // of the grid's unit, in places, if that is the larger one
}

func snapperOf(c Coord, extent int64) snapper {
	s := snapper{z: c.Z + int(extent/FineExtent), dx: int64(c.X) * extent, dy: int64(c.Y) * extent}
	if s.z < gridLevels {
		s.down = uint8(gridLevels - s.z)
		s.half = 1 << (s.down - 1)
	} else {
		s.up = uint8(s.z - gridLevels)
	}
	return s
}

// snap reports false for what is no place: somebody's NaN or infinity.
func (s snapper) snap(p orb.Point) (point, bool) {
	q, ok := placeOf(p)
	return s.place(q), ok
}

func (s snapper) place(p place) point {
	up, down := s.up&63, s.down&63 // known to be less than 64, they take one instruction each
	return point{X: (int64(p.X)<<up+s.half)>>down - s.dx, Y: (int64(p.Y)<<up+s.half)>>down - s.dy}
}

// lonely returns where a point is drawn: the world's last edges belong to no tile,
// so what lies on them is drawn before.
func (s snapper) lonely(q point) point {
	last := int64(TileExtent)<<s.z - 1
	return point{X: min(q.X, last-s.dx), Y: min(q.Y, last-s.dy)}
}

// round rounds halves up, on both sides of zero: math.Round would move a border
// by one unit between a tile and its neighbour.
func round(v float64) int64 { return int64(math.Floor(v + 0.5)) }

// snapAll snaps a chain of vertices and drops the repeated ones.
func (s snapper) snapAll(ps []orb.Point) []point {
	out := make([]point, 0, len(ps))
	for _, p := range ps {
		q, ok := s.snap(p)
		if ok && (len(out) == 0 || out[len(out)-1] != q) {
			out = append(out, q)
		}
	}
	return out
}
