package layers

import (
	"fmt"
	"math"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip"
	"github.com/twpayne/go-geom"
)

// Grid divides the Web Mercator plane (EPSG:3857) into squares or hexagons.
type Grid struct {
	Hexagonal bool
	// Width is a square's side, or the distance between two opposite sides of a hexagon,
	// in metres of Web Mercator: on the ground, at latitude φ, it is Width·cos φ.
	Width float64
}

// Cell is one of a grid. Squares are counted eastward and northward from the one whose
// south-western corner is at longitude and latitude 0. Of hexagons, which stand on a
// corner, (0, 0) has its middle there; X counts eastward, and Y along the
// direction that is 30° east of north.
type Cell struct {
	Grid
	X, Y int64
}

// Widths of cells, in metres.
const (
	minCell = 1
	maxCell = 5_000_000
)

// The sphere of Web Mercator.
const (
	earth     = 6378137.0 // its radius, in metres
	worldEdge = math.Pi * earth
	radians   = math.Pi / 180
)

// maxLatitude is where the Web Mercator world ends.
const maxLatitude = 85.0511287798066

// String is the cell's name within its grid.
func (c Cell) String() string { return fmt.Sprintf("%d/%d", c.X, c.Y) }

// MarshalText implements encoding.TextMarshaler.
func (c Cell) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// cellOf returns the Cell that a feature is in by its anchor, the first vertex, as in
// tiles; nil if it has none.
func (g Grid) cellOf(of geom.T) any {
	at, ok := anchor(of)
	if !ok {
		return nil
	}
	if at[0] < -180 || at[0] > 180 {
		at[0] = math.Mod(math.Mod(at[0]+180, 360)+360, 360) - 180
	}
	at[1] = min(max(at[1], -maxLatitude), maxLatitude)
	// A world's last cell is not its first.
	p := orb.Point{min(earth*radians*at[0], math.Nextafter(worldEdge, 0)), earth * math.Asinh(math.Tan(radians*at[1]))}
	if !g.Hexagonal {
		return Cell{g, int64(math.Floor(p[0] / g.Width)), int64(math.Floor(p[1] / g.Width))}
	}
	y := p[1] / (g.Width * math.Sqrt(3) / 2)
	x := p[0]/g.Width - y/2
	// Of the three coordinates, whose sum is 0, the one that is rounded most follows
	// from the others.
	z := -x - y
	rx, ry, rz := math.Round(x), math.Round(y), math.Round(z)
	switch dx, dy, dz := math.Abs(rx-x), math.Abs(ry-y), math.Abs(rz-z); {
	case dx > dy && dx > dz:
		rx = -ry - rz
	case dy > dz:
		ry = -rx - rz
	}
	return Cell{g, int64(rx), int64(ry)}
}

// anchor is a geometry's first vertex.
func anchor(g geom.T) (orb.Point, bool) {
	if c, ok := g.(*geom.GeometryCollection); ok {
		for _, part := range c.Geoms() {
			if p, ok := anchor(part); ok {
				return p, true
			}
		}
		return orb.Point{}, false
	}
	if g == nil {
		return orb.Point{}, false
	}
	flat := g.FlatCoords()
	for i := 0; i+1 < len(flat); i += g.Stride() {
		if !math.IsNaN(flat[i]) && !math.IsNaN(flat[i+1]) {
			return orb.Point{flat[i], flat[i+1]}, true
		}
	}
	return orb.Point{}, false
}

// Outline is the part of the cell that is in the world.
func (c Cell) Outline() *geom.Polygon {
	var ring orb.Ring
	w := c.Width
	if c.Hexagonal {
		x, y := w*(float64(c.X)+float64(c.Y)/2), w*float64(c.Y)*math.Sqrt(3)/2
		r := w / math.Sqrt(3)
		for _, d := range [][2]float64{{0, -r}, {w / 2, -r / 2}, {w / 2, r / 2}, {0, r}, {-w / 2, r / 2}, {-w / 2, -r / 2}} {
			ring = append(ring, orb.Point{x + d[0], y + d[1]})
		}
		ring = append(ring, ring[0])
	} else {
		west, south := w*float64(c.X), w*float64(c.Y)
		ring = orb.Bound{Min: orb.Point{west, south}, Max: orb.Point{west + w, south + w}}.ToRing()
	}
	ring = clip.Ring(orb.Bound{Min: orb.Point{-worldEdge, -worldEdge}, Max: orb.Point{worldEdge, worldEdge}}, ring)
	flat := make([]float64, 0, 2*len(ring))
	for _, p := range ring {
		flat = append(flat, p[0]/earth/radians, math.Atan(math.Sinh(p[1]/earth))/radians)
	}
	return geom.NewPolygonFlat(geom.XY, flat, []int{len(flat)})
}
