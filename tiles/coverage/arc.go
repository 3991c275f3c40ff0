package coverage

import (
	"math"
	"math/bits"
	"slices"
)

// arc is what chains have between two junctions; both may be the same one. It is
// graded by Douglas and Peucker's method for all zooms at once: a span is divided
// from the zoom at which its deviation is more than the tolerance, and not
// before the span of which it is a part.
//
// An arc is used again and again, to allocate nothing.
type arc struct {
	vertices []place
	spans    []span
}

type place struct {
	x, y float64
	at   int // the vertex
}

// span is a part of an arc, not yet divided.
type span struct {
	lo, hi int32 // its first and last vertex
	depth  int32
	grade  uint8 // of the span it was divided from
}

func (a *arc) reset() { a.vertices = a.vertices[:0] }

func (a *arc) add(at int, v Vertex) {
	a.vertices = append(a.vertices, place{float64(v.X), float64(v.Y), at})
}

// grade sets the grades of the vertices between the arc's ends, whose own is 0.
func (a *arc) grade(grades []uint8, coarsest float64) {
	n := len(a.vertices)
	if n < 3 {
		return
	}
	a.orient()
	// A span is divided where it deviates most. That is not quick for every
	// shape, a saw for instance, so that deep down it is divided in the middle:
	// no less right, because the span's deviation says when, but less apt.
	deep := int32(2*bits.Len(uint(n)) + 8)
	a.spans = append(a.spans[:0], span{hi: int32(n - 1)})
	for len(a.spans) > 0 {
		s := a.spans[len(a.spans)-1]
		a.spans = a.spans[:len(a.spans)-1]
		mid, deviation := a.farthest(s.lo, s.hi)
		if s.depth > deep {
			mid = (s.lo + s.hi) / 2
		}
		s.grade = max(s.grade, gradeOf(deviation, coarsest))
		if s.grade == Never {
			for _, v := range a.vertices[s.lo+1 : s.hi] {
				grades[v.at] = Never
			}
			continue
		}
		grades[a.vertices[mid].at] = s.grade
		if s.hi-mid > 1 {
			a.spans = append(a.spans, span{mid, s.hi, s.depth + 1, s.grade})
		}
		if mid-s.lo > 1 {
			a.spans = append(a.spans, span{s.lo, mid, s.depth + 1, s.grade})
		}
	}
}

// orient turns the arc so that it is the same from both sides: from the smaller
// end, or if it comes back to where it began, to the smaller neighbour first.
// These differ, or the arc would be a spike, which has a junction at its tip.
func (a *arc) orient() {
	first, last := a.vertices[0], a.vertices[len(a.vertices)-1]
	if first.x == last.x && first.y == last.y {
		first, last = a.vertices[1], a.vertices[len(a.vertices)-2]
	}
	if last.x < first.x || last.x == first.x && last.y < first.y {
		slices.Reverse(a.vertices)
	}
}

// farthest returns the vertex between two that is farthest from the segment
// between them, the first one if several are, and its distance squared.
func (a *arc) farthest(lo, hi int32) (far int32, most float64) {
	o := a.vertices[lo]
	bx, by := a.vertices[hi].x-o.x, a.vertices[hi].y-o.y
	length := bx*bx + by*by
	perLength := 0.0
	if length > 0 {
		perLength = 1 / length
	}
	most = -1
	for i, v := range a.vertices[lo+1 : hi] {
		x, y := v.x-o.x, v.y-o.y
		var d float64
		if along := x*bx + y*by; along <= 0 {
			d = x*x + y*y
		} else if along >= length {
			d = squared(x-bx) + squared(y-by)
		} else {
			d = squared(x*by-y*bx) * perLength
		}
		if d > most {
			far, most = lo+1+int32(i), d
		}
	}
	return far, most
}

// gradeOf returns the lowest zoom at which a deviation is more than the
// tolerance. Both are squared; the tolerance is that of zoom 0, and halves with
// each zoom. So the zoom is half the quotient's binary logarithm, which is its
// exponent.
func gradeOf(deviation, coarsest float64) uint8 {
	exponent := int(math.Float64bits(coarsest/deviation)>>52) - 1023
	return uint8(min(max((exponent+2)>>1, 0), Never))
}

func squared(v float64) float64 { return v * v }
