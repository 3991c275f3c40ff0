package gpkg

import "github.com/twpayne/go-geom"

// PointBlob is a stored point, for tests that write below the store.
func PointBlob(x, y float64) []byte {
	b, err := encodeGeometry(geom.NewPointFlat(geom.XY, []float64{x, y}))
	if err != nil {
		panic(err)
	}
	return b
}
