package tiles

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// TestWhatAMergeNeedsToNumberIsKnownBefore joins runs whose values fit into a dictionary
// each, and together do not: then each row has a value of its own.
func TestWhatAMergeNeedsToNumberIsKnownBefore(t *testing.T) {
	l := testLayer("many", layers.Attribute{Name: "name", Type: layers.String})
	l.Geometry = layers.LineString
	text := strings.Repeat("字", 10)
	at := func(i, value int) *layers.Feature {
		return &layers.Feature{Num: int64(i), ID: fmt.Sprint(i), Geometry: geom.NewLineStringFlat(geom.XY, []float64{108, 22, 109, 22 + float64(i)*1e-5}),
			Properties: map[string]any{"name": fmt.Sprintf("%06d%s", value, text)}}
	}
	const shared = maxShared - 10
	var fs []*layers.Feature
	for i := range 2*shared + 10 {
		fs = append(fs, at(i, i%shared))
	}
	s := snapshotOf(l, defaultBudget, fs...)
	if n := s.numbers(); n > int64(4*len(fs)) {
		t.Errorf("%d for values that are shared", n)
	}
	var changes []layers.Change
	for i := range 11 {
		changes = append(changes, layers.Change{New: at(len(fs)+i, shared+i)})
	}
	s, _ = s.apply(changes, true)
	joined := join(s.format, s.runs, nil)
	if joined.columns[0].dict != nil {
		t.Fatal("the values are still shared")
	}
	if got, want := s.numbers(), int64(len(joined.columns[0].own.bytes)); got < want || got > want+want/10 {
		t.Errorf("%d bytes are expected, and %d were needed", got, want)
	}
}

func TestALayerThatCannotBeNumberedIsNotMergedAndTooLarge(t *testing.T) {
	const length, rows = 4096, mostNumbers/4096 + 1
	long := &dictionary{values: values{bytes: make([]byte, maxShared*length), ends: make([]uint32, maxShared)}} // nobody reads it
	base := &run{keys: make([]uint64, rows), columns: []column{{dict: long}}, sums: &sums{}}
	fresh := &run{keys: make([]uint64, 1), columns: []column{{dict: long, own: values{ends: []uint32{0}}}}, sums: &sums{}}
	s := &snapshot{format: &format{}, runs: []living{{run: base}, {run: fresh}}}
	r := &resident{merging: 2}
	r.state.Store(s)
	if r.merge(defaultBudget) || r.state.Load() != s || r.merging != 0 {
		t.Error("it was merged")
	}
	if s.size() != boundless {
		t.Errorf("it takes %d bytes", s.size())
	}
}
