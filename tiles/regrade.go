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
	changed, stayed := b.moved(runs, gone)
	changed = changed.sort()
	var borders corners
	for row, n := range stayed {
		copy(fresh.gradesOf(row), runs[n.run].shapes.gradesOf(n.row))
		if changed.on(fresh, row) {
			delete(stayed, row)
			borders = borders.add(fresh, row)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	var all shapesBuilder
	for row := range fresh.ends {
		all.copy(fresh, row)
	}
	touching := changed.touching(runs, edits)
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
	for row := range fresh.ends {
		if _, ok := stayed[row]; !ok {
			copy(fresh.gradesOf(row), all.gradesOf(row))
		}
	}
	first := len(fresh.ends)
	for i, n := range touching {
		r, grades := runs[n.run], all.gradesOf(first+i)
		if slices.Equal(grades, r.shapes.gradesOf(n.row)) {
			continue
		}
		edits[n.run].kill(n.row)
		b.copy(r.run, n.row)
		copy(fresh.gradesOf(len(fresh.ends)-1), grades)
		also = append(also, r.shapes.boxes[n.row].bound())
	}
	return also
}

// moved returns the corners of the rows that are fresh or gone, but for the fresh ones
// with the outline of one that is gone, which it returns beside: most changes are of
// attributes.
func (b *runBuilder) moved(runs []living, gone []neighbour) (changed corners, stayed map[int]neighbour) {
	fresh := &b.shapes.shapes
	before, back := map[int64]neighbour{}, map[neighbour]bool{}
	for _, n := range gone {
		before[runs[n.run].nums[n.row]] = n
	}
	stayed = map[int]neighbour{}
	for row := range fresh.ends {
		if n, ok := before[b.nums[row]]; ok && fresh.sameOutline(row, runs[n.run].shapes, n.row) {
			stayed[row], back[n] = n, true
		} else {
			changed = changed.add(fresh, row)
		}
	}
	for _, n := range gone {
		if !back[n] {
			changed = changed.add(runs[n.run].shapes, n.row)
		}
	}
	return changed, stayed
}

// bound returns the box in CRS84.
func (b box) bound() orb.Bound {
	g := grid{1 << placeLevels}
	return orb.Bound{Min: g.unproject(float64(b.x0), float64(b.y1)), Max: g.unproject(float64(b.x1), float64(b.y0))}
}
