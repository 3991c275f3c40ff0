package coverage

import (
	"slices"
	"sort"
)

// faces puts polygons together from segments that meet only at their ends.
type faces struct {
	segments []segment
	facts    []facts
	places   []Point // the segments' ends, as they are swept
	status   []int32 // the segments that cross the sweep's line, by y
	around   []int32 // those that bound the polygon at a place, counterclockwise with y upwards
	passed   []int32 // where the walk under way passed a place, plus one
}

// facts are what is found out about a segment. Another segment is given by its
// index, -1 is none.
type facts struct {
	above   wind  // beyond it, towards greater y
	bounds  bool  // it is between inside and outside
	forward bool  // the inside is above, so that the walk around it takes the sweep's direction
	a, b    int32 // its ends' places
	next    int32 // the segment that the walk takes then
	floor   int32 // the bounding segment that is next below
	polygon int32 // the one that it bounds, once the walk was there
}

// polygons returns what the segments have inside.
func (f *faces) polygons(segments []segment) [][][]Point {
	f.load(segments)
	begun := int32(0)
	for place, p := range f.places {
		at := sort.Search(len(f.status), func(i int) bool {
			s := segments[f.status[i]]
			return side(s.a, s.b, p) <= 0
		})
		end := at
		for end < len(f.status) && segments[f.status[end]].b == p {
			f.facts[f.status[end]].b = int32(place)
			end++
		}
		first := begun
		for int(begun) < len(segments) && segments[begun].a == p {
			begun++
		}
		f.begin(first, begun, at, int32(place))
		f.link(first, begun, f.status[at:end])
		f.replace(at, end, first, begun)
	}
	return f.walk()
}

func (f *faces) load(segments []segment) {
	f.segments, f.places, f.status = segments, f.places[:0], f.status[:0]
	for _, s := range segments {
		f.places = append(f.places, s.a, s.b)
	}
	slices.SortFunc(f.places, compare)
	f.places = slices.Compact(f.places)
	f.facts = slices.Grow(f.facts[:0], len(segments))[:len(segments)]
	f.passed = slices.Grow(f.passed[:0], len(f.places))[:len(f.places)]
	clear(f.passed)
}

// begin finds out about the segments that begin at a place, from below upwards.
func (f *faces) begin(from, to int32, at int, place int32) {
	var below wind
	floor := int32(-1)
	if at > 0 {
		s := f.status[at-1]
		below, floor = f.facts[s].above, f.facts[s].floor
		if f.facts[s].bounds {
			floor = s
		}
	}
	for s := from; s < to; s++ {
		above := below.plus(f.segments[s].wind)
		in := above.inside()
		f.facts[s] = facts{above: above, bounds: in != below.inside(), forward: in, a: place, floor: floor, polygon: -1}
		if f.facts[s].bounds {
			floor = s
		}
		below = above
	}
}

// link says how the walks go on at a place. A walk has the inside on its left; it
// takes the segment that bounds the same corner of the inside, which is the next
// one clockwise. So what only touches in a point is walked around on its own.
func (f *faces) link(from, to int32, ending []int32) {
	f.around = f.around[:0]
	for s := from; s < to; s++ {
		if f.facts[s].bounds {
			f.around = append(f.around, s)
		}
	}
	for _, s := range slices.Backward(ending) {
		if f.facts[s].bounds {
			f.around = append(f.around, s)
		}
	}
	for i, s := range f.around {
		if begins := s >= from; begins != f.facts[s].forward { // the walk comes here by it
			f.facts[s].next = f.around[(i+len(f.around)-1)%len(f.around)]
		}
	}
}

// replace puts the segments that begin in the place of those that end.
func (f *faces) replace(at, end int, from, to int32) {
	for ; at < end && from < to; at, from = at+1, from+1 {
		f.status[at] = from
	}
	f.status = slices.Delete(f.status, at, end)
	for ; from < to; at, from = at+1, from+1 {
		f.status = slices.Insert(f.status, at, from)
	}
}

// walk goes around the inside. A walk's first segment is its lowest at its
// western end; if the inside is above that, the walk is around a whole polygon,
// otherwise around something in the polygon that the segment below bounds.
func (f *faces) walk() [][][]Point {
	var out [][][]Point
	for s := range f.facts {
		if !f.facts[s].bounds || f.facts[s].polygon >= 0 {
			continue
		}
		polygon := int32(len(out))
		if f.facts[s].forward {
			out = append(out, [][]Point{nil})
		} else {
			polygon = f.facts[f.facts[s].floor].polygon
		}
		f.outline(int32(s), polygon, func(ring []Point) {
			if positive(ring) {
				out[polygon][0] = ring
			} else {
				out[polygon] = append(out[polygon], ring)
			}
		})
	}
	return out
}

// outline walks once around, and cuts off a ring whenever it comes to a place
// again: holes that touch the exterior, or each other.
func (f *faces) outline(first, polygon int32, ring func([]Point)) {
	var open []int32 // the places since the start, but for the rings cut off
	for s, going := first, true; going; going = s != first {
		place := f.facts[s].a
		if !f.facts[s].forward {
			place = f.facts[s].b
		}
		if i := f.passed[place]; i > 0 {
			ring(f.cut(open[i-1:]))
			open = open[:i-1]
		}
		open = append(open, place)
		f.passed[place] = int32(len(open))
		f.facts[s].polygon = polygon
		s = f.facts[s].next
	}
	ring(f.cut(open))
}

// cut returns the ring through some places, which may then be passed anew.
func (f *faces) cut(places []int32) []Point {
	ring := make([]Point, len(places))
	for i, p := range places {
		ring[i] = f.places[p]
		f.passed[p] = 0
	}
	return ring
}

// positive reports whether a ring that does not cross itself has the winding of
// an exterior: its corner that is swept first turns that way.
func positive(ring []Point) bool {
	first, n := 0, len(ring)
	for i, p := range ring {
		if p.before(ring[first]) {
			first = i
		}
	}
	return side(ring[first], ring[(first+1)%n], ring[(first+n-1)%n]) > 0
}
