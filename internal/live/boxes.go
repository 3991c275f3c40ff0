package live

import (
	"slices"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// mostBoxes is how many boxes a notice of changed tiles may list; beyond it all
// tiles count as changed.
const mostBoxes = 64

// boxes collects where a layer changed since its last notice.
type boxes struct {
	list   []orb.Bound
	all    bool
	any    bool
	before layers.Position // complete up to here without the first of them
}

func (b *boxes) empty() bool { return !b.any }

// everything marks all tiles as changed.
func (b *boxes) everything(before layers.Position) {
	b.begin(before)
	b.all, b.list = true, nil
}

// event adds the old and the new place of a feature.
func (b *boxes) event(e *event) {
	e.bounds()
	if e.hasOld {
		b.add(e.oldBound, e.before)
	}
	if e.hasNew {
		b.add(e.newBound, e.before)
	}
}

func (b *boxes) begin(before layers.Position) {
	if !b.any {
		b.any, b.before = true, before
	}
}

func (b *boxes) add(box orb.Bound, before layers.Position) {
	b.begin(before)
	if b.all || slices.ContainsFunc(b.list, func(o orb.Bound) bool { return contains(o, box) }) {
		return
	}
	b.list = slices.DeleteFunc(b.list, func(o orb.Bound) bool { return contains(box, o) })
	if len(b.list) == mostBoxes {
		b.everything(before)
		return
	}
	b.list = append(b.list, box)
}

// take empties the collection and returns what was in it.
func (b *boxes) take() (list []orb.Bound, all bool) {
	list, all = b.list, b.all
	*b = boxes{}
	return list, all
}

func contains(outer, inner orb.Bound) bool {
	return outer.Contains(inner.Min) && outer.Contains(inner.Max)
}
