package tiles

import (
	"slices"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// neighbour is a living row of a run.
type neighbour struct{ run, row int }

// regrade grades the vertices of changed shapes, which are the rows of b. A border
// is simplified by all who share it, so those who share a vertex with what was or
// what is there are graded again; one whose grades change joins b, and its bounds
// (CRS84) are returned. Grades depend on nobody farther off.
func regrade(b *runBuilder, runs []living, edits []deadEdit, changes []layers.Change) (also []orb.Bound) {
	var images shapesBuilder
	for _, ch := range changes {
		for _, f := range []*layers.Feature{ch.Old, ch.New} {
			if f == nil {
				continue
			}
			if _, ok := firstPlace(f.Geometry); ok {
				images.add(f.Geometry)
			}
		}
	}
	touching := touchingRows(&images.shapes, runs, edits, nil)
	all := shapesBuilder{}
	fresh := &b.shapes.shapes
	for row := range fresh.ends {
		all.copy(fresh, row)
	}
	var borders shapesBuilder
	for _, n := range touching {
		all.copy(runs[n.run].shapes, n.row)
		borders.copy(runs[n.run].shapes, n.row)
	}
	// Who touches those decides where their borders part.
	for _, n := range touchingRows(&borders.shapes, runs, edits, touching) {
		all.copy(runs[n.run].shapes, n.row)
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

// touchingRows returns the living rows that share a vertex with some shapes, but
// for those that the caller knows.
func touchingRows(s *shapes, runs []living, edits []deadEdit, known []neighbour) (out []neighbour) {
	corners := make(map[place]struct{}, len(s.vertices))
	for _, v := range s.vertices {
		corners[v] = struct{}{}
	}
	seen := map[neighbour]bool{}
	for _, n := range known {
		seen[n] = true
	}
	for _, b := range s.boxes {
		for i, r := range runs {
			r.shapes.tree.search(r.shapes.boxes, b.rect(), func(row int) {
				n := neighbour{i, row}
				if seen[n] || edits[i].has(row) {
					return
				}
				seen[n] = true
				parts, start := r.shapes.of(row)
				if slices.ContainsFunc(r.shapes.vertices[start:parts[len(parts)-1].end], func(v place) bool { _, ok := corners[v]; return ok }) {
					out = append(out, n)
				}
			})
		}
	}
	return out
}

// bound returns the box in CRS84.
func (b box) bound() orb.Bound {
	g := grid{1 << placeLevels}
	return orb.Bound{Min: g.unproject(float64(b.x0), float64(b.y1)), Max: g.unproject(float64(b.x1), float64(b.y0))}
}
