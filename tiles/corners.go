package tiles

import (
	"slices"
	"sort"
)

// corners are the places that borders go through, as morton numbers in order. A
// single point has no border, and is nobody's neighbour.
type corners []uint64

// add takes up a row's. They are in order after sort.
func (c corners) add(s *shapes, row int) corners {
	s.eachBorder(row, func(border []place) bool {
		for _, v := range border {
			c = append(c, v.morton())
		}
		return true
	})
	return c
}

func (c corners) sort() corners {
	slices.Sort(c)
	return slices.Compact(c)
}

// touching returns the living rows that have one of the corners, in order.
func (c corners) touching(runs []living, edits []deadEdit) (rows []neighbour) {
	if len(c) == 0 {
		return nil
	}
	for i, r := range runs {
		r.shapes.tree.choose(r.shapes.boxes, c.meet, func(row int) {
			if !edits[i].has(row) && c.on(r.shapes, row) {
				rows = append(rows, neighbour{i, row})
			}
		})
	}
	return rows
}

// on reports whether a row's border goes through one of the corners.
func (c corners) on(s *shapes, row int) bool {
	apart := s.eachBorder(row, func(border []place) bool {
		return !slices.ContainsFunc(border, func(v place) bool {
			_, ok := slices.BinarySearch(c, v.morton())
			return ok
		})
	})
	return !apart
}

// meet reports whether one of the corners is in a box. It halves them as the curve
// does, and looks into a part only if the box cuts through it.
func (c corners) meet(b box) bool {
	r := b.rect()
	if len(c) <= 16 {
		return slices.ContainsFunc(c, func(key uint64) bool { return r.has(placeAt(key)) })
	}
	s := squareOf(c[0], shared(c[0], c[len(c)-1]))
	switch at := s.rect(); {
	case !at.meets(r):
		return false
	case r.covers(at):
		return true
	}
	for i := range 4 {
		_, last := s.quarter(i).span()
		end := sort.Search(len(c), func(i int) bool { return c[i] > last })
		if c[:end].meet(b) {
			return true
		}
		c = c[end:]
	}
	return false
}

// eachBorder visits the lines and rings of a row, as long as visit wants more, and
// reports whether it saw all. What is in one place is a point.
func (s *shapes) eachBorder(row int, visit func([]place) bool) bool {
	parts, start := s.of(row)
	for _, p := range parts {
		if p.end-start > 1 && !visit(s.vertices[start:p.end]) {
			return false
		}
		start = p.end
	}
	return true
}
