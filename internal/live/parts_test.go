package live

import (
	"fmt"
	"testing"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/layers"
)

func at(x, y float64) *layers.Feature {
	return &layers.Feature{Geometry: geom.NewPointFlat(geom.XY, []float64{x, y})}
}

func TestAFeatureKeepsItsPlaceInTheQueueWhileItChanges(t *testing.T) {
	var q queue
	put := func(id string, v layers.Position) {
		q.put(&change{id: id, version: v, before: v - 1}, opPut)
	}
	put("a", 1)
	put("b", 2)
	put("c", 3)
	put("a", 4)
	put("b", 1) // late: what waits is newer
	if q.len() != 3 || q.front.before != 0 {
		t.Fatalf("%d wait, complete to %d", q.len(), q.front.before)
	}
	for i, want := range []string{"a 4 0", "b 2 1", "c 3 2"} {
		w := q.pop()
		if got := fmt.Sprintf("%s %d %d", w.id, w.version, w.before); got != want {
			t.Errorf("%d: got %s, want %s", i, got, want)
		}
	}
	if q.pop() != nil || q.len() != 0 || q.back != nil {
		t.Error("the queue is not empty")
	}
}

func TestASnapshotMakesOlderChangesKnown(t *testing.T) {
	var q queue
	for v := layers.Position(1); v <= 6; v++ {
		q.put(&change{id: fmt.Sprint(v), version: v, before: v - 1}, opPut)
	}
	q.put(&change{id: "2", version: 7, before: 6}, opPut)
	if n := q.known(4); n != 3 || q.len() != 3 {
		t.Fatalf("%d known, %d left", n, q.len())
	}
	if q.front.id != "2" || q.front.before != 4 {
		t.Errorf("front is %s, complete to %d", q.front.id, q.front.before)
	}
}

func TestWhatLeavesABoxIsToldToLeave(t *testing.T) {
	box := orb.Bound{Min: orb.Point{0, 0}, Max: orb.Point{10, 10}}
	in, out := at(5, 5), at(20, 20)
	for _, c := range []struct {
		name     string
		old, new *layers.Feature
		box      *orb.Bound
		want     op
	}{
		{"moves inside", in, at(6, 6), &box, opPut},
		{"comes in", out, in, &box, opPut},
		{"appears", nil, in, &box, opPut},
		{"appears outside", nil, out, &box, ""},
		{"goes out", in, out, &box, opLeave},
		{"loses its place", in, &layers.Feature{}, &box, opLeave},
		{"is deleted", in, nil, &box, opDelete},
		{"is deleted outside", out, nil, &box, ""},
		{"stays outside", out, at(21, 21), &box, ""},
		{"on the edge", out, at(10, 10), &box, opPut},
		{"anywhere", out, at(21, 21), nil, opPut},
		{"without a place, anywhere", nil, &layers.Feature{}, nil, opPut},
	} {
		e := newEvent(&layers.Layer{}, &layers.Change{Old: c.old, New: c.new}, 0)
		if got, _ := e.within(c.box); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestNoticesOfTilesAreBounded(t *testing.T) {
	var b boxes
	move := func(old, new *layers.Feature, before layers.Position) {
		b.event(newEvent(&layers.Layer{}, &layers.Change{Old: old, New: new}, before))
	}
	move(at(1, 1), at(2, 2), 7)
	move(at(2, 2), at(2, 2), 8)
	if b.before != 7 || len(b.list) != 2 {
		t.Fatalf("%d boxes, complete to %d", len(b.list), b.before)
	}
	b.add(orb.Bound{Min: orb.Point{0, 0}, Max: orb.Point{3, 3}}, 9)
	if len(b.list) != 1 {
		t.Errorf("a box that holds others did not replace them: %v", b.list)
	}
	move(nil, &layers.Feature{}, 10)
	if len(b.list) != 1 {
		t.Error("a null geometry is on no tile")
	}
	for i := range 200 {
		move(nil, at(float64(i), 50), layers.Position(11+i))
	}
	list, all := b.take()
	if !all || len(list) != 0 || !b.empty() {
		t.Errorf("all %v, %d boxes", all, len(list))
	}
}

func TestADropAndADefinitionOfALayerAreBothTold(t *testing.T) {
	s := newSession(NewHub(Options{}), idPublic)
	for _, n := range []notice{{"x", "define"}, {"x", "define"}, {"y", "define"}, {"x", "drop"}, {"x", "drop"}, {"x", "define"}, {"x", "define"}} {
		s.note(n)
	}
	var got []notice
	for _, c := range s.control {
		got = append(got, c.notice)
	}
	if fmt.Sprint(got) != "[{y define} {x drop} {x define}]" {
		t.Errorf("got %v", got)
	}
}
