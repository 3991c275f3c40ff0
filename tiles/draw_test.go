package tiles

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onemap/layers"
	"onemap/tiles/coverage"
)

func TestAZoomHasTheVerticesWhoseGradesAreUpToIt(t *testing.T) {
	grade := rapid.OneOf(rapid.Uint8Range(0, MaxZoom), rapid.Just[uint8](coverage.Never))
	rapid.Check(t, func(t *rapid.T) {
		s := &shapes{grades: rapid.SliceOfN(grade, 1, 40).Draw(t, "grades")}
		for i := range s.grades {
			s.vertices = append(s.vertices, place{uint32(i) << 20, 0})
		}
		lo := uint32(rapid.IntRange(0, len(s.grades)).Draw(t, "lo"))
		hi := uint32(rapid.IntRange(int(lo), len(s.grades)).Draw(t, "hi"))
		z := rapid.IntRange(8, MaxZoom).Draw(t, "z") // from where on no two are on one spot
		var d drawing
		d.begin(Coord{Z: z}, TileExtent)
		var want []point
		for i := lo; i < hi; i++ {
			if s.grades[i] <= uint8(z) {
				want = append(want, d.place(s.vertices[i]))
			}
		}
		if got := d.graded(s, lo, hi); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestShapesAreDrawnInOneOrderThoughSmallOnesMergeAndOthersDoNot(t *testing.T) {
	l, next := peerData(layers.Polygon, 3000)
	b := newRun(formatOf(l, coverage.DefaultTolerance), nil)
	for i := range 3000 {
		b.add(next(i))
	}
	s := b.base()
	for z := range s.plan {
		s.plan[z] = 5
	}
	d := new(draft)
	mixed := 0
	for i, key := range s.runs[0].keys {
		p, z := placeAt(squareOf(key, 5+i%8).at), 5+i%8
		s.encode(d, "parcels", Coord{z, int(p.X), int(p.Y)})
		before := slices.Clone(d.refs)
		if sortRefs(d.refs); !slices.Equal(before, d.refs) {
			t.Fatalf("%d/%d/%d: %v", z, p.X, p.Y, before)
		}
		if merged := slices.ContainsFunc(d.refs, func(r ref) bool { return r.count > 1 }); merged && len(d.refs) > 20 {
			mixed++
		}
	}
	if mixed < 100 {
		t.Errorf("only %d tiles have many and merged shapes", mixed)
	}
}

func TestALineThatIsOneSpotAtTheEdgeStaysInsideTheClipBox(t *testing.T) {
	at := Coord{8, 200, 100}
	half := uint32(1) << (gridLevels - 8 - 1)
	corner := place{uint32(at.X*TileExtent+int(usual().max)) * 2 * half, uint32(at.Y*TileExtent) * 2 * half}
	near := place{corner.X + 1, corner.Y}
	s := &shapes{vertices: []place{corner, near}, grades: []uint8{0, 0}, parts: []part{{end: 2, kind: partLine}}, ends: []uint32{1}, boxes: []box{boxOf([]place{corner, near})}}
	var d drawing
	d.begin(at, TileExtent)
	d.addRow(s, 0)
	for _, l := range d.lines {
		if !d.clip.hasAll(l) {
			t.Errorf("%v", l)
		}
	}
}
