package tiles

import (
	"fmt"
	"math"
	"strconv"

	"github.com/paulmach/orb"

	"onemap/layers"
)

const (
	// MaxZoom is the deepest zoom that is served.
	MaxZoom = 22
	// MaxLatitude is where Web Mercator ends, in degrees. What lies beyond is
	// drawn there.
	MaxLatitude = 85.0511287798066
	// TileExtent is the width and height of a tile in its own units.
	TileExtent = 4096
	// FineExtent is that of a tile twice as fine, on request.
	FineExtent = 2 * TileExtent
	// Buffer is how far a tile reaches beyond its edges, in units of TileExtent.
	Buffer = 64
)

// Coord is a tile of WebMercatorQuad: zoom, column from the west, row from the
// north.
type Coord struct{ Z, X, Y int }

// At returns the tile of zoom z that contains a place. Latitudes beyond
// MaxLatitude belong to the first and last row; longitude 180 belongs to the
// last column.
func At(lon, lat float64, z int) Coord {
	g := gridOf(z)
	x, y := g.project(orb.Point{lon, lat})
	return Coord{Z: z, X: clampTile(x/TileExtent, z), Y: clampTile(y/TileExtent, z)}
}

// Bound returns the tile's edges in CRS84, without the buffer.
func (c Coord) Bound() orb.Bound { return c.around(0) }

// String formats the tile as z/x/y.
func (c Coord) String() string { return fmt.Sprintf("%d/%d/%d", c.Z, c.X, c.Y) }

// Check reports a tile that is not in the matrix set as NotFound.
func (c Coord) Check() error { return c.check(xyz) }

func (c Coord) check(as coordNames) error {
	if c.Z < 0 || c.Z > MaxZoom {
		return noTile(layers.NotFound, as.z, strconv.Itoa(c.Z), "no such zoom", fmt.Sprintf("0 to %d", MaxZoom))
	}
	last := 1<<c.Z - 1
	if c.X < 0 || c.X > last {
		return noTile(layers.NotFound, as.x, strconv.Itoa(c.X), fmt.Sprintf("no such column at zoom %d", c.Z), fmt.Sprintf("0 to %d", last))
	}
	if c.Y < 0 || c.Y > last {
		return noTile(layers.NotFound, as.y, strconv.Itoa(c.Y), fmt.Sprintf("no such row at zoom %d", c.Z), fmt.Sprintf("0 to %d", last))
	}
	return nil
}

// around returns the tile with a margin in tile units, in CRS84. The first and
// last row reach to the poles, whose features are drawn there.
func (c Coord) around(margin float64) orb.Bound {
	g := gridOf(c.Z)
	west, north := float64(c.X)*TileExtent-margin, float64(c.Y)*TileExtent-margin
	east, south := float64(c.X+1)*TileExtent+margin, float64(c.Y+1)*TileExtent+margin
	b := orb.Bound{Min: g.unproject(west, south), Max: g.unproject(east, north)}
	if margin > 0 && c.Y == 0 {
		b.Max[1] = 90
	}
	if margin > 0 && c.Y == 1<<c.Z-1 {
		b.Min[1] = -90
	}
	b.Min[0], b.Max[0] = math.Max(b.Min[0], -180), math.Min(b.Max[0], 180)
	return b
}

func clampTile(v float64, z int) int {
	return int(math.Min(math.Max(math.Floor(v), 0), float64(int(1)<<z-1)))
}

func noTile(code layers.Code, field, value, reason, remedy string) error {
	if len(value) > 20 {
		value = value[:20] + "…"
	}
	return &layers.Error{Code: code, Message: "no such tile", Violations: []layers.Violation{
		{Field: field, Value: value, Reason: reason, Remedy: remedy}}}
}
