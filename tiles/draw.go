package tiles

import (
	"cmp"
	"slices"
	"strconv"
)

// AreaKey is the attribute with the square metres that several areas cover which
// are drawn as one.
const AreaKey = "area:sum"

// CountKey is the attribute that says how many features one of a tile stands for.
// Without it that is one. Over the tiles of a zoom the counts add up to the layer's
// features that have a place: a feature counts in the tile that its anchor is in,
// and is 0 in the others that it reaches.
const CountKey = "point_count"

// ref is a row of a snapshot.
type ref struct {
	key      uint64
	num      int64
	run, row int32
	count    int32 // how many it stands for
	area     int64 // and what they cover, if it is more than one
}

// draft is what making a tile needs; it is used again.
type draft struct {
	tileWriter
	snap    *snapshot
	at      Coord
	variant Variant
	own     square
	refs    []ref
	merged  []ref
	parts   int // of the feature being written
	drawing drawing
	pen     pen
}

// encode returns the layer's tile in the draft's variant as a whole MVT message, or nothing if no
// feature reaches it. The same features give the same bytes.
func (s *snapshot) encode(d *draft, name string, c Coord) []byte {
	d.reset(s.format.names)
	d.snap, d.at, d.own, d.refs, d.parts = s, c, c.square(), d.refs[:0], 1
	switch {
	case d.variant.agg != "":
		d.encodeCells()
	case s.format.shapes:
		d.encodeShapes()
	case s.plan[c.Z] > 0:
		d.encodeClusters()
	default:
		d.encodePoints()
	}
	d.snap = nil
	return d.tile(name, d.variant.extent())
}

// rowTags adds the row's attributes and its id to the feature being written.
func (d *draft) rowTags(at ref) {
	r := d.snap.runs[at.run].run
	base := d.snap.runs[0].run
	for i := range r.columns {
		c := &r.columns[i]
		if d.variant.hides(d.names[i]) {
			continue
		}
		if v, code := c.get(int(at.row)); len(v) > 0 {
			if c.dict != base.columns[i].dict {
				code = 0 // codes are the base's
			}
			d.tag(i, v, code, base.columns[i].dict != nil)
		}
	}
	id, _ := r.id(int(at.row), d.scratch[:0])
	d.tag(len(r.columns), id, 0, d.parts > 1) // nobody else has it
}

// count says how many features the one being written stands for.
func (d *draft) count(n int64) {
	if n != 1 {
		d.scratch = appendInt(d.scratch[:0], n)
		d.tagExtra(CountKey, d.scratch)
	}
}

// sortRefs puts rows into the order that those of one run have.
func sortRefs(refs []ref) {
	slices.SortFunc(refs, func(a, b ref) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.num, b.num)) })
}

// take adds the living rows lo to hi of a run.
func (d *draft) take(run, lo, hi int) {
	r := &d.snap.runs[run]
	for row := lo; row < hi; row++ {
		if !r.dead.has(row) {
			d.refs = append(d.refs, ref{r.keys[row], r.nums[row], int32(run), int32(row), 1, 0})
		}
	}
}

// around visits the rows of a run that are anchored in the squares of a level that
// a rectangle meets, in the tile and around it, in their order. Where the rectangle
// cuts through the smallest squares that hold many rows, level must be placeLevels to
// be exact.
func (d *draft) around(run int, r rect, level int, visit func(lo, hi int)) {
	var room [9]square
	squares, last := room[:0], 1<<d.at.Z-1
	for y := max(d.at.Y-1, 0); y <= min(d.at.Y+1, last); y++ {
		for x := max(d.at.X-1, 0); x <= min(d.at.X+1, last); x++ {
			squares = append(squares, (Coord{d.at.Z, x, y}).square())
		}
	}
	slices.SortFunc(squares, func(a, b square) int { return cmp.Compare(a.at, b.at) })
	for _, s := range squares {
		lo, hi := d.snap.runs[run].rows(s)
		d.descend(run, lo, hi, s, r, level, visit)
	}
}

func (d *draft) descend(run, lo, hi int, s square, r rect, level int, visit func(lo, hi int)) {
	at := s.rect()
	switch {
	case lo == hi || !at.meets(r):
	case r.covers(at) || s.level >= level:
		visit(lo, hi)
	case hi-lo <= 16 && level == placeLevels:
		for row := lo; row < hi; row++ {
			if r.has(placeAt(d.snap.runs[run].keys[row])) {
				visit(row, row+1)
			}
		}
	default:
		for i := range 4 {
			q := s.quarter(i)
			_, last := q.span()
			end := d.snap.runs[run].end(lo, hi, last)
			d.descend(run, lo, end, q, r, level, visit)
			lo = end
		}
	}
}

// encodePoints writes each point by itself.
func (d *draft) encodePoints() {
	reach := d.at.reach(Buffer)
	for i := range d.snap.runs {
		d.around(i, reach, placeLevels, func(lo, hi int) { d.take(i, lo, hi) })
	}
	sortRefs(d.refs)
	s, w := snapperOf(d.at, d.variant.extent()), windowOf(d.variant.extent())
	for _, at := range d.refs {
		p := s.lonely(s.place(placeAt(at.key)))
		if !w.has(p) { // a fine tile's window ends half a coarse unit earlier
			continue
		}
		d.rowTags(at)
		if squareOf(at.key, d.own.level) != d.own {
			d.count(0)
		}
		d.end(kindPoint, at.num, d.pen.points([]point{p}))
	}
}

// encodeClusters writes the points of each cell as one, with what they add up to.
// They are in the tile of their cell alone: nothing of them reaches beyond.
func (d *draft) encodeClusters() {
	level := d.snap.plan.cellLevel(d.at.Z)
	for _, c := range d.cells(level, d.snap.format) {
		num := int64(-1)
		if c.count == 1 {
			num = c.first.num
			d.rowTags(c.first)
		} else {
			d.count(c.count)
			d.totals(d.snap.format, &c.total)
		}
		d.end(kindPoint, num, d.inside(c.middle()))
	}
}

// totals adds the sums that the layer declares: of each attribute, and how many
// features each class has.
func (d *draft) totals(f *format, t *total) {
	for i, n := range t.classes {
		if n > 0 {
			d.tagExtra(f.classKey(i), appendValue(nil, n))
		}
	}
	for i, n := range t.numbers {
		if name := d.names[f.summed[i]]; n.count > 0 && !d.variant.hides(name) {
			keys := sumKeys(name)
			d.tagExtra(keys[0], appendValue(nil, n.total()))
			d.tagExtra(keys[1], appendValue(nil, n.min))
			d.tagExtra(keys[2], appendValue(nil, n.max))
		}
	}
}

// cell is what the points of a cell add up to.
type cell struct {
	at    uint64 // its number on its level
	first ref    // one of them
	total
}

// sumKeys names the sum, least and most of an attribute.
func sumKeys(name string) [3]string { return [...]string{name + ":sum", name + ":min", name + ":max"} }

// classKey names the count of a class.
func (f *format) classKey(i int) string {
	if i == len(f.classes) {
		return "class:other"
	}
	return "class:" + strconv.Itoa(i)
}

// cells adds up what is anchored in the tile by cell, in order, as far as the
// format says.
func (d *draft) cells(level int, f *format) []cell {
	var all []cell
	runs := 0
	for i := range d.snap.runs {
		r, before := &d.snap.runs[i], len(all)
		lo, hi := r.rows(d.own)
		for lo < hi {
			s := squareOf(r.keys[lo], level)
			_, last := s.span()
			end := r.end(lo, hi, last)
			if n := end - lo - r.dead.in(lo, end); n > 0 {
				c := cell{at: s.at, total: f.total()}
				c.addRows(r.run, &r.dead, lo, end)
				for r.dead.has(lo) {
					lo++
				}
				c.first = ref{r.keys[lo], r.nums[lo], int32(i), int32(lo), 1, 0}
				all = append(all, c)
			}
			lo = end
		}
		if len(all) > before {
			runs++
		}
	}
	if runs < 2 {
		return all
	}
	slices.SortStableFunc(all, func(a, b cell) int { return cmp.Compare(a.at, b.at) })
	out := all[:1]
	for i := range all[1:] {
		if one := &all[1+i]; one.at == out[len(out)-1].at {
			out[len(out)-1].add(&one.total)
		} else {
			out = append(out, *one)
		}
	}
	return out
}
