package tiles

import (
	"cmp"
	"slices"

	"github.com/paulmach/orb"
)

// neighbour is a living row of a run.
type neighbour struct{ run, row int }

func (n neighbour) compare(o neighbour) int {
	return cmp.Or(cmp.Compare(n.run, o.run), cmp.Compare(n.row, o.row))
}

// regrade grades the vertices of changed shapes, which are the rows of b. A border
// is simplified by all who share it, so those who share a corner with them, or with
// the rows that they take the place of, are graded again; one whose grades change
// joins b, and its bounds (CRS84) are returned. Grades depend on nobody farther off.
func regrade(b *runBuilder, runs []living, edits []deadEdit, gone []neighbour) (also []orb.Bound) {
	fresh := &b.shapes.shapes
	var changed, borders corners
	for _, n := range gone {
		changed = changed.add(runs[n.run].shapes, n.row)
	}
	all := shapesBuilder{}
	for row := range fresh.ends {
		changed = changed.add(fresh, row)
		all.copy(fresh, row)
	}
	touching := changed.sort().touching(runs, edits)
	for _, n := range touching {
		borders = borders.add(runs[n.run].shapes, n.row)
		all.copy(runs[n.run].shapes, n.row)
	}
	// Who touches those decides where their borders part.
	for _, n := range borders.sort().touching(runs, edits) {
		if _, known := slices.BinarySearchFunc(touching, n, neighbour.compare); !known {
			all.copy(runs[n.run].shapes, n.row)
		}
	}
	all.grade(b.format.tolerance)
	copy(b.shapes.grades, all.grades)
	at := len(fresh.vertices)
	for _, n := range touching {
		r := runs[n.run]
		parts, start := r.shapes.of(n.row)
		size := int(parts[len(parts)-1].end - start)
		grades := all.grades[at : at+size]
		at += size
		if slices.Equal(grades, r.shapes.grades[start:int(start)+size]) {
			continue
		}
		edits[n.run].kill(n.row)
		b.copy(r.run, n.row)
		copy(b.shapes.grades[len(b.shapes.grades)-size:], grades)
		also = append(also, r.shapes.boxes[n.row].bound())
	}
	return also
}

// bound returns the box in CRS84.
func (b box) bound() orb.Bound {
	g := grid{1 << placeLevels}
	return orb.Bound{Min: g.unproject(float64(b.x0), float64(b.y1)), Max: g.unproject(float64(b.x1), float64(b.y0))}
}
