package tiles

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// snapshot is a layer's features in one state: a base and what changed since, in
// runs of which a later one takes the place of earlier ones' rows. Immutable.
type snapshot struct {
	format *format
	runs   []living
	plan   plan
}

// base makes the first state of what was collected. It has no plan yet.
func (b *runBuilder) base() *snapshot {
	if b.shapes != nil {
		b.shapes.grade(b.format.tolerance)
	}
	return &snapshot{format: b.format, runs: []living{{run: b.build()}}}
}

// living is a run without its dead rows.
type living struct {
	*run
	dead dead
}

func (s *snapshot) count() (n int64) {
	for _, r := range s.runs {
		n += int64(r.len() - r.dead.count)
	}
	return n
}

// size returns the bytes that it takes: more than there is, if one run of all its rows
// would have more of something than can be numbered.
func (s *snapshot) size() (n int64) {
	if s.numbers() > mostNumbers {
		return boundless
	}
	for _, r := range s.runs {
		n += r.size() + 8*int64(r.dead.count)/8
	}
	base := s.runs[0].run
	for i := range base.columns {
		n += base.columns[i].dict.size()
	}
	return n
}

// mostNumbers is how many vertices, bytes of a column's values or rows a run may have.
// They are numbered with 32 bits; half of that leaves room for what comes before the
// next look at it.
const mostNumbers = math.MaxUint32 / 2

// boundless is the size of what can't be kept: nobody has that much memory, and adding
// some of them up does not overflow.
const boundless = math.MaxInt64 / 1024

// numbers estimates how many numbers one run of all the rows would need: of its rows,
// of its vertices, or of the bytes of a column's values, whichever is most.
func (s *snapshot) numbers() int64 {
	var rows, vertices, most int64
	for _, r := range s.runs {
		rows += int64(r.len())
		if r.shapes != nil {
			vertices += int64(len(r.shapes.vertices))
		}
	}
	for i := range s.runs[0].columns {
		own, bytes := 0, int64(0)
		for _, r := range s.runs {
			own, bytes = own+r.columns[i].own.len(), bytes+int64(len(r.columns[i].own.bytes))
		}
		// Where a dictionary would get too many values, each row gets its own.
		if d := s.runs[0].columns[i].dict; d != nil && d.len()+own > maxShared {
			bytes += rows * int64(len(d.bytes)) / int64(max(d.len(), 1))
		}
		most = max(most, bytes)
	}
	return max(2*rows, vertices, most) // rows have a sign
}

// overlay is how many rows are not in the base, or dead in it.
func (s *snapshot) overlay() (n int) {
	for i, r := range s.runs {
		n += r.dead.count
		if i > 0 {
			n += r.len()
		}
	}
	return n
}

// apply returns the state after some changes, in their order. As long as the state
// is not settled it may be told what the base has already, so a feature is looked
// for at its old and at its new place. Afterwards each old image is there: one that
// another program has computed differently in the last bit is found by its num.
func (s *snapshot) apply(changes []layers.Change, settled bool) (_ *snapshot, also []orb.Bound) {
	next := &snapshot{format: s.format, plan: s.plan, runs: slices.Clone(s.runs)}
	edits := make([]deadEdit, len(next.runs))
	for i, r := range next.runs {
		edits[i] = r.dead.edit(r.len())
	}
	fresh := map[int64]*layers.Feature{}
	var gone []neighbour
	kill := func(image *layers.Feature, find func(run *run, key uint64) int) (found bool) {
		key, ok := s.format.anchor(image)
		for i, r := range next.runs {
			if !ok {
				break
			}
			if row := find(r.run, key); row >= 0 && !edits[i].has(row) {
				edits[i].kill(row)
				gone, found = append(gone, neighbour{i, row}), true
			}
		}
		return found || !ok
	}
	for _, ch := range changes {
		if ch.Old != nil {
			_, found := fresh[ch.Old.Num]
			delete(fresh, ch.Old.Num)
			found = kill(ch.Old, func(r *run, key uint64) int { return r.find(key, ch.Old.Num) }) || found
			if !found && settled {
				kill(ch.Old, func(r *run, _ uint64) int { return slices.Index(r.nums, ch.Old.Num) })
			}
		}
		if ch.New != nil && !settled {
			kill(ch.New, func(r *run, key uint64) int { return r.find(key, ch.New.Num) })
		}
		if ch.New != nil {
			fresh[ch.New.Num] = ch.New
		}
	}
	b := newRun(s.format, s.runs[0].run)
	for _, f := range fresh {
		b.add(f)
	}
	if s.format.shapes && s.format.tolerance >= 0 {
		also = regrade(b, next.runs, edits, gone)
	}
	for i := range next.runs {
		next.runs[i].dead = edits[i].dead
	}
	if b.len() > 0 {
		next.runs = append(next.runs, living{run: b.build()})
	}
	return next, also
}

// compact joins the latest runs from first on, as long as one is not much larger
// than what came after it: so there are few, and a row is copied seldom.
func (s *snapshot) compact(first int) {
	for n := len(s.runs); n-2 >= first && s.runs[n-2].len() < 2*s.runs[n-1].len(); n = len(s.runs) {
		s.runs = append(s.runs[:n-2:n-2], living{run: join(s.format, s.runs[n-2:], s.runs[0].run)})
	}
	if n := len(s.runs); n > max(first, 1) && s.runs[n-1].dead.count == s.runs[n-1].len() {
		s.runs = s.runs[: n-1 : n-1]
	}
}

// join makes one run of the living rows of several. With a model, it shares that
// one's dictionaries.
func join(f *format, runs []living, model *run) *run {
	r, _ := joinWithin(context.Background(), f, runs, model)
	return r
}

// joinWithin is join as long as ctx lasts.
func joinWithin(ctx context.Context, f *format, runs []living, model *run) (*run, error) {
	b := newRun(f, model)
	at := make([]int, len(runs))
	for {
		best := -1
		for i, r := range runs {
			for at[i] < r.len() && r.dead.has(at[i]) {
				at[i]++
			}
			if at[i] < r.len() && (best < 0 || cmp.Or(cmp.Compare(r.keys[at[i]], runs[best].keys[at[best]]), cmp.Compare(r.nums[at[i]], runs[best].nums[at[best]])) < 0) {
				best = i
			}
		}
		if best < 0 {
			return b.build(), nil
		}
		b.copy(runs[best].run, at[best])
		at[best]++
		if b.len()%checkEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}
