package postgis

import (
	"encoding/binary"
	"math"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/ewkb"

	"onemap/layers"
)

// A geometry goes in and out as EWKB, little endian: as bytea, because that is also
// what the log's images are, and so that a whole batch is one array.

func encodeGeometry(g geom.T) ([]byte, error) {
	if g == nil {
		return nil, nil
	}
	b, err := ewkb.Marshal(g, ewkb.NDR)
	if err != nil {
		return nil, layers.Errorf(layers.Invalid, "geometry can't be encoded: %w", err)
	}
	return b, nil
}

// decodeGeometry reads an image. What go-geom has no type for is null to us; the
// table keeps it.
func decodeGeometry(b []byte) geom.T {
	if b == nil {
		return nil
	}
	if p := decodePoint(b); p != nil {
		return p
	}
	g, err := ewkb.Unmarshal(b)
	if err != nil {
		return nil
	}
	return g
}

// decodePoint is the short way for what most features are: a point of two
// coordinates with an SRID, little endian.
func decodePoint(b []byte) geom.T {
	const pointWithSRID = 1 | 0x20000000
	if len(b) != 25 || b[0] != 1 || binary.LittleEndian.Uint32(b[1:]) != pointWithSRID {
		return nil
	}
	x, y := math.Float64frombits(binary.LittleEndian.Uint64(b[9:])), math.Float64frombits(binary.LittleEndian.Uint64(b[17:]))
	if math.IsNaN(x) && math.IsNaN(y) {
		return geom.NewPointEmpty(geom.XY)
	}
	return geom.NewPointFlat(geom.XY, []float64{x, y})
}

// polygon is a box as a geometry that pgx-geom sends.
func polygon(b orb.Bound) *geom.Polygon {
	west, south, east, north := b.Min[0], b.Min[1], b.Max[0], b.Max[1]
	ring := []float64{west, south, east, south, east, north, west, north, west, south}
	return geom.NewPolygonFlat(geom.XY, ring, []int{len(ring)}).SetSRID(srid)
}

// withoutSRID is EWKB, little endian, without the SRID.
func withoutSRID(b []byte) []byte {
	const flag = 0x20000000
	if len(b) < 9 || b[0] != 1 {
		return b
	}
	typ := binary.LittleEndian.Uint32(b[1:])
	if typ&flag == 0 {
		return b
	}
	out := append([]byte{1}, binary.LittleEndian.AppendUint32(nil, typ&^flag)...)
	return append(out, b[9:]...)
}
