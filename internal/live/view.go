package live

import (
	"slices"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// look moves what a subscription looks at, and has it read what came into view. What
// the client holds of the old view it keeps; what is outside of the new one it drops.
// at is what the client knows of the layer.
func (sub *subscription) look(box *orb.Bound, at layers.Cursor, generation uint64) {
	held := sub.held()
	sub.bbox, sub.generation, sub.page = box, generation, ""
	sub.aim()
	sub.moved = [][]byte{viewFrame(sub.layer.ID, box)}
	if held == nil { // nothing is complete: all is read
		sub.state, sub.begun, sub.view = reading, false, nil
		return
	}
	sub.after = max(sub.after, at.Position)
	todo := beyond(held.bound, box)
	if held.everywhere || len(todo) == 0 {
		sub.state, sub.view = current, nil
		sub.moved = append(sub.moved, snapshotFrame(nil, sub.layer.ID, nil, at, false, true))
		return
	}
	sub.state, sub.begun, sub.view = reading, true, &view{*held, todo}
}

// view is what a subscription still has to read after it began to look elsewhere.
type view struct {
	held held         // features that touch it are with the client
	todo []*orb.Bound // what is to be read, one after the other; nil is everything
}

// held is an area of which the client has everything.
type held struct {
	everywhere bool
	bound      orb.Bound
}

// held returns of what the client has everything, but for what waits in the queue; nil
// if that is nothing.
func (sub *subscription) held() *held {
	switch {
	case sub.state == current && sub.bbox == nil:
		return &held{everywhere: true}
	case sub.state == current:
		return &held{bound: *sub.bbox}
	case sub.state == reading && sub.view != nil && sub.bbox == nil:
		return &sub.view.held
	case sub.state == reading && sub.view != nil && sub.view.held.bound.Intersects(*sub.bbox):
		a, b := sub.view.held.bound, *sub.bbox
		return &held{bound: orb.Bound{
			Min: orb.Point{max(a.Min[0], b.Min[0]), max(a.Min[1], b.Min[1])},
			Max: orb.Point{min(a.Max[0], b.Max[0]), min(a.Max[1], b.Max[1])},
		}}
	}
	return nil
}

// aim tells what waits in the queue as the new view has it.
func (sub *subscription) aim() {
	for w := sub.queue.front; w != nil; w = w.next {
		if w.feature == nil {
			continue
		}
		w.op = opPut
		b, placed := layers.BoundOf(w.feature.Geometry)
		if sub.bbox != nil && !(placed && sub.bbox.Intersects(b)) || sub.where != nil && !sub.where.Match(w.feature.Row()) {
			w.op = opLeave
		}
	}
}

// beyond returns the parts of a box that are outside of another: none or up to four. Of
// everywhere that is everywhere, for there are features without a place.
func beyond(held orb.Bound, box *orb.Bound) (parts []*orb.Bound) {
	if box == nil || !box.Intersects(held) {
		return []*orb.Bound{box}
	}
	left := *box
	for axis := range 2 {
		if left.Min[axis] < held.Min[axis] {
			part := left
			part.Max[axis], left.Min[axis] = held.Min[axis], held.Min[axis]
			parts = append(parts, &part)
		}
		if left.Max[axis] > held.Max[axis] {
			part := left
			part.Min[axis], left.Max[axis] = held.Max[axis], held.Max[axis]
			parts = append(parts, &part)
		}
	}
	return parts
}

// fresh returns the features of a page that came into view.
func (v *view) fresh(features []*layers.Feature) []*layers.Feature {
	return slices.DeleteFunc(slices.Clone(features), func(f *layers.Feature) bool {
		b, ok := layers.BoundOf(f.Geometry)
		return ok && v.held.bound.Intersects(b)
	})
}
