package layers

import (
	"context"

	"github.com/paulmach/orb"
)

// TileSpec is a tile of WebMercatorQuad, and how it is to be made.
type TileSpec struct {
	Z, X, Y int
	Extent  int       // width and height in the tile's own units
	Buffer  int       // how far it reaches beyond its edges, in the same
	Bound   orb.Bound // CRS84: all that can be part of it meets this
	IDKey   string    // attribute that carries the feature's id
	// CountKey is the attribute that says how many features one of the tile stands
	// for, where that is not 1: a feature counts in the tile that the first vertex of
	// its geometry is in, and is 0 in others.
	CountKey string
}

// TileMaker is a Reader whose store makes vector tiles itself, where the data are: for
// layers of which a tile holds more than is well read through a connection.
type TileMaker interface {
	// MakeTile returns the layer's tile as a whole MVT message, or nothing if no
	// feature reaches it. It shows the same features, with the same numbers and
	// attributes, as one that is made of a Scan; their outlines are within a unit or
	// so of its.
	MakeTile(ctx context.Context, layer string, t TileSpec) ([]byte, error)
}
