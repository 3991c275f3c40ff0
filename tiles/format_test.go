package tiles

import (
	"testing"

	"onemap/layers"
)

// The front end's tests have the same values: web/src/style/classes.test.ts.
func TestANumberIsInTheRangeThatAStyleWouldDrawItIn(t *testing.T) {
	ptr := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		name    string
		classes []layers.Class
		want    map[any]uint8
	}{
		{"below the first range is the first", []layers.Class{{Min: ptr(60)}, {Min: ptr(80)}}, map[any]uint8{-5.0: 0, 59.9: 0, 60.0: 0, 79.9: 0, 80.0: 1, int64(95): 1}},
		{"a range without a beginning has all below the next", []layers.Class{{}, {Min: ptr(20)}}, map[any]uint8{-5.0: 0, 19.0: 0, 20.0: 1}},
		{"ranges may come in any order", []layers.Class{{Min: ptr(80)}, {Min: ptr(60)}}, map[any]uint8{5.0: 1, 70.0: 1, 80.0: 0}},
		{"a value of its own comes before a range", []layers.Class{{Min: ptr(0)}, {Value: 7.0}}, map[any]uint8{7.0: 1, 6.0: 0, -1.0: 0}},
		{"without ranges other numbers are in none", []layers.Class{{Value: 7.0}}, map[any]uint8{7.0: 0, 6.0: noClass}},
		{"what is missing is in none", []layers.Class{{}, {Min: ptr(20)}}, map[any]uint8{nil: noClass}},
	} {
		l := testLayer("kept", layers.Attribute{Name: "level", Type: layers.Number})
		l.Display = layers.Display{ColorBy: "level", Classes: c.classes}
		f := formatOf(l, -1)
		for v, want := range c.want {
			if got := f.class(appendValue(nil, v)); got != want {
				t.Errorf("%s: %v is in class %d, not %d", c.name, v, got, want)
			}
		}
	}
}
