package tiles

import (
	"cmp"
	"slices"
	"sort"
	"strconv"

	"onemap/layers"
)

// run is a set of a layer's features in the order of their anchors' morton
// numbers, and of their nums where those are equal. So what is anchored in a tile
// of any zoom is a range of rows. It is immutable.
type run struct {
	keys    []uint64
	nums    []int64
	columns []column // of the schema's attributes
	ids     *column  // nil if each feature's id is its num in decimal
	shapes  *shapes  // nil if the features are points, whose anchors say everything
	sums    *sums    // of the rows, for aggregates
	outside choices  // rows that are not of the times last asked for
}

func (r *run) len() int { return len(r.keys) }

// id returns a row's encoded id, in scratch if it has none of its own.
func (r *run) id(row int, scratch []byte) (value []byte, code uint32) {
	if r.ids != nil {
		return r.ids.get(row)
	}
	var digits [20]byte
	return appendBytes(scratch[:0], tagValueString, strconv.AppendInt(digits[:0], r.nums[row], 10)), 0
}

// from returns the first row whose anchor is not before key.
func (r *run) from(key uint64) int {
	return sort.Search(len(r.keys), func(i int) bool { return r.keys[i] >= key })
}

// rows returns the rows anchored in a square.
func (r *run) rows(s square) (lo, hi int) {
	first, last := s.span()
	lo = r.from(first)
	return lo, r.end(lo, len(r.keys), last)
}

// end returns the first row from lo on whose anchor is after last. It looks near
// lo first, for the ranges are mostly short.
func (r *run) end(lo, hi int, last uint64) int {
	step := 1
	for lo+step < hi && r.keys[lo+step] <= last {
		lo, step = lo+step, step*2
	}
	hi = min(hi, lo+step)
	return lo + sort.Search(hi-lo, func(i int) bool { return r.keys[lo+i] > last })
}

// find returns the row of a feature with a known anchor, or -1.
func (r *run) find(key uint64, num int64) int {
	row := sort.Search(len(r.keys), func(i int) bool {
		return cmp.Or(cmp.Compare(r.keys[i], key), cmp.Compare(r.nums[i], num)) >= 0
	})
	if row < len(r.keys) && r.keys[row] == key && r.nums[row] == num {
		return row
	}
	return -1
}

// size returns the bytes that the run takes. A dictionary counts for the run that
// it was made with.
func (r *run) size() int64 {
	n := 16 * int64(len(r.keys))
	for i := range r.columns {
		n += r.columns[i].size()
	}
	if r.ids != nil {
		n += r.ids.size()
	}
	return n + r.shapes.size() + r.sums.size()
}

// runBuilder collects features for a run.
type runBuilder struct {
	format  *format
	model   *run // whose dictionaries it shares; nil if it makes its own
	keys    []uint64
	nums    []int64
	columns []*columnBuilder
	ids     *columnBuilder // nil while each id is its num in decimal
	shapes  *shapesBuilder
	scratch []byte
}

// newRun begins a run. With a model it shares that one's dictionaries.
func newRun(f *format, model *run) *runBuilder {
	b := &runBuilder{format: f, model: model}
	if f.shapes {
		b.shapes = newShapes()
	}
	if model != nil && model.ids != nil {
		b.ids = newColumnLike(model.ids)
	}
	for i := range f.schema {
		if model != nil {
			b.columns = append(b.columns, newColumnLike(&model.columns[i]))
		} else {
			b.columns = append(b.columns, newColumn())
		}
	}
	return b
}

func (b *runBuilder) len() int { return len(b.keys) }

// size estimates what the run will take: more than there is, if it has more of
// something than can be numbered.
func (b *runBuilder) size() int64 {
	if 2*len(b.keys) > mostNumbers || b.shapes != nil && len(b.shapes.vertices) > mostNumbers {
		return boundless
	}
	n := 16 * int64(len(b.keys))
	for _, c := range b.columns {
		n += c.size()
	}
	if b.ids != nil {
		n += b.ids.size()
	}
	if b.shapes != nil {
		n += b.shapes.size()
	}
	return n
}

// add takes up a feature, if it has a place.
func (b *runBuilder) add(f *layers.Feature) {
	anchor, ok := firstPlace(f.Geometry)
	if !ok {
		return
	}
	b.keys, b.nums = append(b.keys, anchor.morton()), append(b.nums, f.Num)
	for i, a := range b.format.schema {
		b.scratch = b.scratch[:0]
		if v := f.Properties[a.Name]; v != nil {
			b.scratch = appendValue(b.scratch, v)
		}
		b.columns[i].add(b.scratch)
	}
	if b.ids != nil || f.ID != strconv.FormatInt(f.Num, 10) {
		b.scratch = appendValue(b.scratch[:0], f.ID)
		b.addID(b.scratch)
	}
	if b.shapes != nil {
		b.shapes.add(f.Geometry, anchor)
	}
}

// copy takes up a row of another run.
func (b *runBuilder) copy(r *run, row int) {
	b.keys, b.nums = append(b.keys, r.keys[row]), append(b.nums, r.nums[row])
	for i := range r.columns {
		v, _ := r.columns[i].get(row)
		b.columns[i].add(v)
	}
	if b.ids != nil || r.ids != nil {
		v, _ := r.id(row, b.scratch[:0])
		b.addID(v)
	}
	if b.shapes != nil {
		b.shapes.copy(r.shapes, row)
	}
}

// addID appends the id of the row that keys and nums end with.
func (b *runBuilder) addID(value []byte) {
	if b.ids == nil {
		b.ids = newColumn()
		for _, num := range b.nums[:len(b.nums)-1] {
			b.ids.add(appendValue(nil, strconv.FormatInt(num, 10)))
		}
	}
	b.ids.add(value)
}

func (b *runBuilder) build() *run {
	order := make([]int32, len(b.keys))
	for i := range order {
		order[i] = int32(i)
	}
	byPlace := func(i, j int32) int {
		return cmp.Or(cmp.Compare(b.keys[i], b.keys[j]), cmp.Compare(b.nums[i], b.nums[j]))
	}
	if !slices.IsSortedFunc(order, byPlace) {
		slices.SortFunc(order, byPlace)
	}
	r := &run{keys: make([]uint64, len(order)), nums: make([]int64, len(order)), columns: make([]column, len(b.columns))}
	for i, row := range order {
		r.keys[i], r.nums[i] = b.keys[row], b.nums[row]
	}
	for i, c := range b.columns {
		r.columns[i], b.columns[i] = c.build(order), nil // what is built is let go
	}
	if b.ids != nil {
		ids := b.ids.build(order)
		r.ids = &ids
	}
	if b.shapes != nil {
		r.shapes, b.shapes = b.shapes.build(order), nil
	}
	b.format.sumUp(r, b.model)
	return r
}
