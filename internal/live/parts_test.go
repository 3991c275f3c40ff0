package live

import (
	"fmt"
	"maps"
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
		if got, _ := e.within(c.box, nil); got != c.want {
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

func TestWhatWaitsIsToldAsTheNewViewHasIt(t *testing.T) {
	l := layer("l", true)
	before := &orb.Bound{Min: orb.Point{108, 22}, Max: orb.Point{109, 23}}
	after := &orb.Bound{Min: orb.Point{108.5, 22}, Max: orb.Point{111, 23}}
	sub := &subscription{layer: l, mode: features, state: current, bbox: before}
	was := &layers.Feature{ID: "x", Geometry: point(108.2, 22.5)}
	for i, to := range []*layers.Feature{
		{ID: "comes along", Geometry: point(110, 22.5)},    // it left the old view for the new one
		{ID: "stays behind", Geometry: point(108.3, 22.5)}, // and here it is in the old one alone
		{ID: "nowhere"},
	} {
		old := *was
		old.ID = to.ID
		sub.offer(newEvent(l, &layers.Change{Layer: l.ID, ID: to.ID, Kind: layers.ChangePut, Old: &old, New: to, Position: layers.Position(i + 1)}, 0))
	}
	sub.offer(newEvent(l, &layers.Change{Layer: l.ID, ID: "gone", Kind: layers.ChangeDelete, Old: was, Position: 9}, 0))
	sub.look(after, layers.Cursor{Epoch: "e"}, 1)
	got := map[string]op{}
	for w := sub.queue.pop(); w != nil; w = sub.queue.pop() {
		got[w.id] = w.op
	}
	want := map[string]op{"comes along": opPut, "stays behind": opLeave, "nowhere": opLeave, "gone": opDelete}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if sub.state != reading || len(sub.view.todo) != 1 || *sub.view.todo[0] != (orb.Bound{Min: orb.Point{109, 22}, Max: orb.Point{111, 23}}) {
		t.Errorf("%+v", sub.view)
	}
}

func TestAViewWithinTheOldOneNeedsNoReading(t *testing.T) {
	l := layer("l", true)
	wide := &orb.Bound{Min: orb.Point{100, 20}, Max: orb.Point{110, 30}}
	small := &orb.Bound{Min: orb.Point{101, 21}, Max: orb.Point{110, 30}}
	for _, c := range []struct {
		from, to *orb.Bound
		parts    int
	}{{nil, wide, 0}, {nil, nil, 0}, {wide, wide, 0}, {wide, small, 0}, {small, wide, 2}, {wide, nil, 1}} {
		sub := &subscription{layer: l, mode: features, state: current, bbox: c.from}
		sub.look(c.to, layers.Cursor{Epoch: "e"}, 1)
		parts := 0
		if sub.view != nil {
			parts = len(sub.view.todo)
		}
		if parts != c.parts || (sub.state == current) != (parts == 0) || len(sub.moved) != 2-min(1, parts) {
			t.Errorf("%v to %v: %+v", c.from, c.to, sub)
		}
	}
}
