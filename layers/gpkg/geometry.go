package gpkg

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkb"
	"github.com/twpayne/go-geom/encoding/wkbcommon"

	"onemap/layers"
)

// srid is the spatial reference of every layer: longitude, latitude on WGS 84.
const srid = 4326

// flagEmpty marks an empty geometry in the header's flags (clause 2.1.3).
const flagEmpty = 1 << 4

var nanPoint = wkbcommon.WKBOptionEmptyPointHandling(wkbcommon.EmptyPointHandlingNaN)

var errBlob = errors.New("not a GeoPackage geometry")

// encodeGeometry returns the StandardGeoPackageBinary of a geometry: header with
// XY envelope, then ISO WKB, little endian. A nil geometry is a nil blob.
func encodeGeometry(g geom.T) ([]byte, error) {
	if g == nil {
		return nil, nil
	}
	body, err := wkb.Marshal(g, wkb.NDR, nanPoint)
	if err != nil {
		return nil, layers.Errorf(layers.Invalid, "geometry can't be encoded: %w", err)
	}
	b, ok := layers.BoundOf(g)
	out := make([]byte, 0, 40+len(body))
	out = append(out, 'G', 'P', 0)
	if ok {
		out = append(out, 1|1<<1)
	} else {
		out = append(out, 1|flagEmpty)
	}
	out = binary.LittleEndian.AppendUint32(out, srid)
	if ok {
		for _, v := range [4]float64{b.Min[0], b.Max[0], b.Min[1], b.Max[1]} {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
		}
	}
	return append(out, body...), nil
}

// header is what a GeoPackage geometry says before its WKB.
type header struct {
	empty    bool
	envelope *orb.Bound
	body     []byte
}

// envelopeBytes is the size of the envelope by its indicator code: none, XY, XYZ, XYM, XYZM.
var envelopeBytes = [8]int{0, 32, 48, 48, 64, -1, -1, -1}

func readHeader(b []byte) (header, error) {
	if len(b) < 8 || b[0] != 'G' || b[1] != 'P' {
		return header{}, errBlob
	}
	flags := b[3]
	n := envelopeBytes[flags>>1&7]
	if n < 0 || len(b) < 8+n {
		return header{}, errBlob
	}
	h := header{empty: flags&flagEmpty != 0, body: b[8+n:]}
	if n > 0 {
		var order binary.ByteOrder = binary.BigEndian
		if flags&1 == 1 {
			order = binary.LittleEndian
		}
		f := func(i int) float64 { return math.Float64frombits(order.Uint64(b[8+8*i:])) }
		h.envelope = &orb.Bound{Min: orb.Point{f(0), f(2)}, Max: orb.Point{f(1), f(3)}}
	}
	return h, nil
}

// decodeGeometry reads a stored geometry. A blob that a foreign writer put there
// and that is no geometry is null to us, as an attribute that does not fit its
// type is; the file keeps it.
func decodeGeometry(b []byte) geom.T {
	h, err := readHeader(b)
	if err != nil {
		return nil
	}
	if p := decodePoint(h.body); p != nil {
		return p
	}
	g, err := wkb.Unmarshal(h.body, nanPoint)
	if err != nil {
		return nil
	}
	return g
}

// decodePoint is the short way for what most features are, a point of two
// coordinates in little endian; nil if the WKB is anything else.
func decodePoint(body []byte) geom.T {
	if len(body) != 21 || body[0] != 1 || binary.LittleEndian.Uint32(body[1:]) != 1 {
		return nil
	}
	x, y := math.Float64frombits(binary.LittleEndian.Uint64(body[5:])), math.Float64frombits(binary.LittleEndian.Uint64(body[13:]))
	if math.IsNaN(x) && math.IsNaN(y) {
		return geom.NewPointEmpty(geom.XY)
	}
	return geom.NewPointFlat(geom.XY, []float64{x, y})
}

// blobBound returns the bounds of an encoded geometry; false if it has none.
func blobBound(b []byte) (orb.Bound, bool) {
	h, err := readHeader(b)
	if err != nil || h.empty {
		return orb.Bound{}, false
	}
	if h.envelope != nil {
		return *h.envelope, h.envelope.Min[0] <= h.envelope.Max[0]
	}
	if p, ok := decodePoint(h.body).(*geom.Point); ok { // as GDAL writes points
		return layers.BoundOf(p)
	}
	g, err := wkb.Unmarshal(h.body, nanPoint)
	if err != nil {
		return orb.Bound{}, false
	}
	return layers.BoundOf(g)
}
