package tiles

import "math"

// sums holds what aggregates need of a run's rows, and the same of each block of
// rows, so that a cell with a million of them is added up from thousands of
// blocks. It is immutable.
type sums struct {
	class   []uint8     // of each row; nil without classes
	known   []uint8     // class of each value of the dictionary, by code; its runs share it
	numbers [][]float64 // of each summed attribute, of each row; NaN is null
	blocks  []total     // of each wordRows rows
}

// total is what a set of features adds up to.
type total struct {
	count   int64
	x, y    uint64  // sums of the anchors
	classes []int64 // features by class; the last is for those of none
	numbers []tally
}

// tally is what the values of one attribute add up to; count is 0 if all are null.
// What is lost where sum is rounded is kept in low, so that the order in which it was
// made is not seen in the sum of numbers that people measure.
type tally struct {
	count              int64
	sum, low, min, max float64
}

func (t *tally) total() float64 { return t.sum + t.low }

func (f *format) total() total {
	t := total{numbers: make([]tally, len(f.summed))}
	if f.classBy >= 0 {
		t.classes = make([]int64, len(f.classes)+1)
	}
	return t
}

func (t *tally) add(o tally) {
	switch {
	case o.count == 0:
	case t.count == 0:
		*t = o
	default:
		sum := t.sum + o.sum
		of := sum - t.sum // Knuth's sum of two: what rounding took away is exact
		low := (t.sum - (sum - of)) + (o.sum - of)
		*t = tally{t.count + o.count, sum, t.low + o.low + low, math.Min(t.min, o.min), math.Max(t.max, o.max)}
	}
}

func (t *total) add(o *total) {
	t.count, t.x, t.y = t.count+o.count, t.x+o.x, t.y+o.y
	for i := range t.classes { // t may have none where o does
		t.classes[i] += o.classes[i]
	}
	for i := range t.numbers {
		t.numbers[i].add(o.numbers[i])
	}
}

// addRow adds one row of a run.
func (t *total) addRow(r *run, row int) {
	p := placeAt(r.keys[row])
	t.count, t.x, t.y = t.count+1, t.x+uint64(p.X), t.y+uint64(p.Y)
	if t.classes != nil {
		t.classes[min(int(r.sums.class[row]), len(t.classes)-1)]++
	}
	for i := range t.numbers {
		if v := r.sums.numbers[i][row]; !math.IsNaN(v) {
			t.numbers[i].add(tally{1, v, 0, v, v})
		}
	}
}

// addRows adds the living rows from lo up to hi.
func (t *total) addRows(r *run, gone *dead, lo, hi int) {
	for lo < hi {
		if block := lo / wordRows; lo%wordRows == 0 && hi-lo >= wordRows && gone.in(lo, lo+wordRows) == 0 {
			t.add(&r.sums.blocks[block])
			lo += wordRows
			continue
		}
		if !gone.has(lo) {
			t.addRow(r, lo)
		}
		lo++
	}
}

// sumUp makes the sums of a run, which shares its dictionaries with a model if there
// is one.
func (f *format) sumUp(r, model *run) {
	s := &sums{}
	r.sums = s
	if f.classBy >= 0 {
		c := &r.columns[f.classBy]
		if model != nil {
			s.known = model.sums.known
		} else {
			s.known = f.classesOf(c.dict)
		}
		s.class = make([]uint8, r.len())
		for row := range s.class {
			if v, code := c.get(row); code > 0 {
				s.class[row] = s.known[code]
			} else {
				s.class[row] = f.class(v)
			}
		}
	}
	for _, i := range f.summed {
		ns := make([]float64, r.len())
		for row := range ns {
			v, _ := r.columns[i].get(row)
			n, ok := number(v)
			if !ok {
				n = math.NaN()
			}
			ns[row] = n
		}
		s.numbers = append(s.numbers, ns)
	}
	s.blocks = make([]total, r.len()/wordRows)
	for i := range s.blocks {
		t := f.total()
		for row := i * wordRows; row < (i+1)*wordRows; row++ {
			t.addRow(r, row)
		}
		s.blocks[i] = t
	}
}

// classesOf returns the class of each value of a dictionary, by code.
func (f *format) classesOf(d *dictionary) []uint8 {
	if d == nil {
		return nil
	}
	known := make([]uint8, d.len()+1)
	for i := range d.len() {
		known[i+1] = f.class(d.at(i))
	}
	return known
}

func (s *sums) size() int64 {
	n := int64(len(s.class))
	for _, ns := range s.numbers {
		n += 8 * int64(len(ns))
	}
	if len(s.blocks) > 0 {
		b := &s.blocks[0]
		n += int64(len(s.blocks)) * int64(24+48+8*len(b.classes)+40*len(b.numbers))
	}
	return n
}
