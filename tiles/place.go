package tiles

import (
	"math"
	"math/bits"

	"github.com/paulmach/orb"
)

// place is a place in the world's square: Web Mercator, x from the west, y from
// the north, in units of 2^-32 of its side (9 mm at the equator). What is kept
// resident is kept in places: the tile that holds one, at any zoom, is a shift.
type place struct{ X, Y uint32 }

// placeLevels is how often the world's square can be quartered until a square is one unit.
const placeLevels = 32

// gridLevels is the zoom at which a tile's unit is a place's unit.
const gridLevels = 20

// placeOf returns the place of a point (CRS84). A longitude beyond the
// antimeridian is that of the other side; it reports false for what is no place.
func placeOf(p orb.Point) (place, bool) {
	const size = 1 << placeLevels
	if p[0] < -180 || p[0] > 180 {
		p[0] = math.Mod(math.Mod(p[0]+180, 360)+360, 360) - 180
	}
	x, y := grid{size}.project(p)
	if math.IsNaN(x) || math.IsNaN(y) {
		return place{}, false
	}
	return place{uint32(min(round(x), size-1)), uint32(min(round(y), size-1))}, true
}

// morton returns the place's number along the Z curve: y's bits between x's. A
// square of any level is a range of numbers.
func (p place) morton() uint64 { return spread(p.X) | spread(p.Y)<<1 }

// placeAt is the inverse of morton.
func placeAt(m uint64) place { return place{gather(m), gather(m >> 1)} }

func spread(v uint32) uint64 {
	m := uint64(v)
	m = (m | m<<16) & 0x0000ffff0000ffff
	m = (m | m<<8) & 0x00ff00ff00ff00ff
	m = (m | m<<4) & 0x0f0f0f0f0f0f0f0f
	m = (m | m<<2) & 0x3333333333333333
	return (m | m<<1) & 0x5555555555555555
}

func gather(m uint64) uint32 {
	m &= 0x5555555555555555
	m = (m | m>>1) & 0x3333333333333333
	m = (m | m>>2) & 0x0f0f0f0f0f0f0f0f
	m = (m | m>>4) & 0x00ff00ff00ff00ff
	m = (m | m>>8) & 0x0000ffff0000ffff
	return uint32(m | m>>16)
}

// square is one of the 4^level squares of a level, by its number along the curve.
// A tile is the square of its zoom.
type square struct {
	level int
	at    uint64
}

func (c Coord) square() square {
	return square{c.Z, place{uint32(c.X), uint32(c.Y)}.morton()}
}

// squareOf returns the square of a level that a morton number is in.
func squareOf(key uint64, level int) square { return square{level, key >> (2 * (placeLevels - level))} }

// span returns the first and the last morton number inside.
func (s square) span() (first, last uint64) {
	shift := 2 * (placeLevels - s.level)
	first = s.at << shift // 0 for the world, where a shift by 64 would be
	return first, first | (1<<shift - 1)
}

// quarter returns one of the four squares inside.
func (s square) quarter(i int) square { return square{s.level + 1, s.at<<2 | uint64(i)} }

// rect is a rectangle of places, both ends included; wider than the world where
// it is a tile's at the edge.
type rect struct{ x0, y0, x1, y1 int64 }

func (r rect) has(p place) bool {
	return int64(p.X) >= r.x0 && int64(p.X) <= r.x1 && int64(p.Y) >= r.y0 && int64(p.Y) <= r.y1
}

func (r rect) covers(o rect) bool {
	return o.x0 >= r.x0 && o.x1 <= r.x1 && o.y0 >= r.y0 && o.y1 <= r.y1
}

func (r rect) meets(o rect) bool { return o.x0 <= r.x1 && o.x1 >= r.x0 && o.y0 <= r.y1 && o.y1 >= r.y0 }

// rect returns what the square covers.
func (s square) rect() rect {
	p, size := placeAt(s.at), int64(1)<<(placeLevels-s.level)
	x, y := int64(p.X)*size, int64(p.Y)*size
	return rect{x, y, x + size - 1, y + size - 1}
}

// reach returns the places whose units are within a margin (tile units) of the
// tile.
func (c Coord) reach(margin int64) rect {
	r := c.square().rect()
	by, half := margin<<max(gridLevels-c.Z, 0)>>max(c.Z-gridLevels, 0), int64(1)<<max(gridLevels-c.Z, 0)>>1
	return rect{r.x0 - by - half, r.y0 - by - half, r.x1 + by + 1 + half, r.y1 + by + 1 + half}
}

// shared returns the deepest level whose square holds both morton numbers.
func shared(a, b uint64) int { return bits.LeadingZeros64(a^b) / 2 }
