package tiles

import (
	"testing"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

func TestACommitClassifiesOnlyWhatTheDictionaryDoesNotKnow(t *testing.T) {
	ten := 10.0
	l := testLayer("levels", layers.Attribute{Name: "level", Type: layers.Number})
	l.Geometry = layers.Point
	l.Display = layers.Display{ColorBy: "level", Classes: []layers.Class{{Min: new(float64)}, {Min: &ten}}}
	at := func(num int64, level float64) *layers.Feature {
		return feature(num, geom.NewPointFlat(geom.XY, []float64{108, 22.5}), map[string]any{"level": level})
	}
	s := snapshotOf(l, defaultBudget, at(1, 5), at(2, 15))
	next, _ := s.apply([]layers.Change{{New: at(3, 15)}, {New: at(4, 7)}, {New: at(5, 17)}, {New: at(6, -1)}}, true)
	base, fresh := next.runs[0].sums, next.runs[1].sums
	if len(base.known) != 3 || &fresh.known[0] != &base.known[0] {
		t.Errorf("the dictionary was classified again: %v", fresh.known)
	}
	for row, want := range []uint8{1, 0, 1, 0} {
		if fresh.class[row] != want {
			t.Errorf("row %d is in class %d, want %d", row, fresh.class[row], want)
		}
	}
}
