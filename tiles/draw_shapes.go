package tiles

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
)

// encodeShapes writes what reaches the tile. Where features merge, all shapes of a
// cell that are smaller than it are drawn as the largest of them, which carries
// their count; the others would be dots on one another.
func (d *draft) encodeShapes() {
	level := placeLevels + 1 // nothing is that small
	if d.snap.plan[d.at.Z] > 0 {
		level = d.snap.plan.cellLevel(d.at.Z)
	}
	reach := d.at.reach(Buffer)
	d.gatherLarge(reach, level)
	large := len(d.refs)
	if level <= placeLevels {
		d.gatherSmall(reach, level)
	}
	if len(d.snap.runs) == 1 {
		d.mergeRefs(large)
	} else {
		sortRefs(d.refs)
	}
	for _, at := range d.refs {
		count := int64(at.count)
		if squareOf(at.key, d.own.level) != d.own {
			count = 0 // it counts where its anchor is
		}
		d.shape(at, count)
	}
}

// mergeRefs merges the rows before a place with those after it. They are one run's,
// and each part is in order.
func (d *draft) mergeRefs(second int) {
	a, b := d.refs[:second], d.refs[second:]
	if len(a) == 0 || len(b) == 0 {
		return
	}
	out := slices.Grow(d.merged[:0], len(d.refs))
	for len(a) > 0 && len(b) > 0 {
		if a[0].row < b[0].row {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	out = append(append(out, a...), b...)
	d.refs, d.merged = out, d.refs
}

// gatherLarge adds the rows that meet the rectangle and are not small, run by run in
// order.
func (d *draft) gatherLarge(r rect, level int) {
	for i := range d.snap.runs {
		one := &d.snap.runs[i]
		one.shapes.tree.search(one.shapes.boxes, r, func(row int) {
			if !one.dead.has(row) && !small(one.shapes.boxes[row].side(), level) {
				d.refs = append(d.refs, ref{one.keys[row], one.nums[row], int32(i), int32(row), 1, 0})
			}
		})
	}
}

// gatherSmall adds the largest small row of each cell, if it meets the rectangle,
// with how many it stands for: in order, if there is one run.
func (d *draft) gatherSmall(r rect, level int) {
	// A small shape reaches less than a cell's size from its anchor.
	by := int64(1) << (placeLevels - level)
	wide := rect{r.x0 - by, r.y0 - by, r.x1 + by, r.y1 + by}
	d.merged = d.merged[:0]
	for i := range d.snap.runs {
		d.around(i, wide, level, func(lo, hi int) { d.addMerged(i, lo, hi, level) })
	}
	if len(d.snap.runs) > 1 {
		d.joinMerged(level)
	}
	for _, one := range d.merged {
		if d.boxOf(one).meets(r) {
			d.refs = append(d.refs, one)
		}
	}
}

func (d *draft) boxOf(at ref) box { return d.snap.runs[at.run].shapes.boxes[at.row] }

// addMerged adds what stands for each cell among rows lo to hi of a run.
func (d *draft) addMerged(run, lo, hi, level int) {
	r := &d.snap.runs[run]
	for lo < hi {
		_, last := squareOf(r.keys[lo], level).span()
		best, side, n, area := -1, uint32(0), int32(0), int64(0)
		for ; lo < hi && r.keys[lo] <= last; lo++ {
			s := r.shapes.boxes[lo].side()
			if !small(s, level) || r.dead.has(lo) {
				continue
			}
			if best < 0 || s > side || s == side && r.nums[lo] < r.nums[best] {
				best, side = lo, s
			}
			n, area = n+1, area+r.shapes.areas[lo]
		}
		if n > 0 {
			d.merged = append(d.merged, ref{r.keys[best], r.nums[best], int32(run), int32(best), n, area})
		}
	}
}

// joinMerged leaves one for each cell, of those that several runs have.
func (d *draft) joinMerged(level int) {
	cell := func(at ref) uint64 { return squareOf(at.key, level).at }
	slices.SortFunc(d.merged, func(a, b ref) int {
		return cmp.Or(cmp.Compare(cell(a), cell(b)), -cmp.Compare(d.boxOf(a).side(), d.boxOf(b).side()), cmp.Compare(a.num, b.num))
	})
	out := d.merged[:0]
	for _, one := range d.merged {
		if n := len(out); n > 0 && cell(out[n-1]) == cell(one) {
			out[n-1].count, out[n-1].area = out[n-1].count+one.count, out[n-1].area+one.area
		} else {
			out = append(out, one)
		}
	}
	d.merged = out
}

// shape writes one row: a feature for each type of geometry that it has in the
// tile, the first of which counts.
func (d *draft) shape(at ref, count int64) {
	d.drawing.begin(d.at, d.variant.extent())
	d.drawing.addRow(d.snap.runs[at.run].shapes, int(at.row))
	g := &d.drawing.shape
	if count > 0 {
		d.drawing.show(placeAt(at.key))
	}
	d.parts = 0
	for _, n := range []int{len(g.points), len(g.lines), len(g.polygons)} {
		d.parts += min(n, 1)
	}
	if len(g.points) > 0 {
		d.part(at, kindPoint, d.pen.points(g.points), &count)
	}
	if len(g.lines) > 0 {
		d.part(at, kindLine, d.pen.lines(g.lines), &count)
	}
	if len(g.polygons) > 0 {
		d.part(at, kindPolygon, d.pen.polygons(g.polygons), &count)
	}
}

func (d *draft) part(at ref, k kind, geometry []byte, count *int64) {
	d.rowTags(at)
	d.count(*count)
	if *count > 1 && at.area > 0 {
		d.scratch = appendInt(d.scratch[:0], at.area)
		d.tagExtra(AreaKey, d.scratch)
	}
	*count = 0
	d.end(k, at.num, geometry)
}

// addRow draws what a row shows near the tile, with the vertices that matter.
func (d *drawing) addRow(s *shapes, row int) {
	parts, start := s.of(row)
	b := s.boxes[row]
	d.inside = d.clip.has(d.place(place{b.x0, b.y0})) && d.clip.has(d.place(place{b.x1, b.y1})) // snapping keeps order
	for i := 0; i < len(parts); i++ {
		from, p := start, parts[i]
		start = p.end
		switch p.kind {
		case partPoint:
			d.addPoint(d.place(s.vertices[from]))
		case partLine:
			d.addLongLine(s, p, from)
		case partExterior:
			first := len(d.rings)
			d.rings = append(d.rings, d.graded(s, from, p.end))
			for ; i+1 < len(parts) && parts[i+1].kind == partHole; i++ {
				d.rings = append(d.rings, d.graded(s, start, parts[i+1].end))
				start = parts[i+1].end
			}
			d.addPolygon(d.rings[first:len(d.rings):len(d.rings)])
		}
	}
}

// lineMargin is how far a line's vertices may be from what is drawn of it, in tile
// units, and more.
const lineMargin = 16

// addLongLine draws the chunks of a line that come near the tile.
func (d *drawing) addLongLine(s *shapes, p part, start uint32) {
	if d.inside || p.end-start <= 2*chunkSize {
		d.addLine(d.graded(s, start, p.end))
		return
	}
	near, last := d.at.reach(Buffer+lineMargin), p.end-1
	from, to := last, uint32(0) // the piece to be drawn, both ends included
	for lo, chunk := start, p.chunks; lo < last; lo, chunk = lo+chunkSize, chunk+1 {
		if !s.chunks[chunk].meets(near) {
			continue
		}
		// A segment that is drawn may be longer than a chunk.
		first, end := lo, min(lo+chunkSize, last)
		for first > start && s.grades[first] > uint8(d.z) {
			first--
		}
		for end < last && s.grades[end] > uint8(d.z) {
			end++
		}
		if from < to && first > to {
			d.addLine(d.graded(s, from, to+1))
			from = first
		}
		from, to = min(from, first), end
	}
	if from < to {
		d.addLine(d.graded(s, from, to+1))
	}
}

// graded returns the vertices that matter on the tile's grid, without repeated
// ones, until the next shape is begun.
func (d *drawing) graded(s *shapes, lo, hi uint32) []point {
	d.arena = slices.Grow(d.arena, int(hi-lo))
	start := len(d.arena)
	all := d.arena[start : start+int(hi-lo)]
	n, at := 0, d.snapper
	vertices, grades := s.vertices[lo:hi], s.grades[lo:hi]
	for first := 0; first < len(grades); first += 8 {
		for which := upTo(grades[first:], uint8(d.z)); which != 0; which &= which - 1 {
			all[n] = at.place(vertices[first+bits.TrailingZeros64(which)/8])
			if n == 0 || all[n] != all[n-1] {
				n++
			}
		}
	}
	d.arena = d.arena[:start+n]
	return all[:n:n]
}

// upTo tells which of the first eight grades are up to z: it sets the highest bit of
// the byte with their number. One by one, the processor would guess wrong about most.
func upTo(grades []uint8, z uint8) uint64 {
	const each, high = 0x0101010101010101, 0x8080808080808080
	if len(grades) >= 8 {
		return ((high | each*uint64(z)) - binary.LittleEndian.Uint64(grades)) & high // grades are less than 128
	}
	var eight [8]uint8
	copy(eight[:], grades)
	return upTo(eight[:], z) & (1<<(8*len(grades)) - 1)
}
