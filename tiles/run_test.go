package tiles

import (
	"testing"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

func TestARowIsFoundByItsPlaceAndNumber(t *testing.T) {
	l := testLayer("crowded")
	l.Geometry = layers.Point
	b := newRun(formatOf(l, -1), nil)
	for _, lon := range []float64{108.1, 108, 108.2} { // most are at the second
		for num := range int64(100) {
			if lon == 108 || num%10 == 0 {
				b.add(feature(2*num+int64(lon*10)%10*1000, geom.NewPointFlat(geom.XY, []float64{lon, 22.5}), nil))
			}
		}
	}
	r := b.build()
	for row, key := range r.keys {
		if got := r.find(key, r.nums[row]); got != row {
			t.Errorf("number %d is row %d, and found at %d", r.nums[row], row, got)
		}
		if got := r.find(key, r.nums[row]+1); got != -1 {
			t.Errorf("number %d is nobody's, and found at %d", r.nums[row]+1, got)
		}
		if got := r.find(key+1, r.nums[row]); got != -1 {
			t.Errorf("number %d is not there, and found at %d", r.nums[row], got)
		}
	}
}
