package tiles

import (
	"sync"
	"sync/atomic"

	"github.com/paulmach/orb"

	"onemap/layers"
)

// resident is one layer in memory. The feed writes, one batch at a time; tiles
// are made of snapshots, beside it.
type resident struct {
	id       string
	layer    *layers.Layer
	from     string                   // where it was read
	state    atomic.Pointer[snapshot] // nil until it is complete
	reserved int64                    // for a state that is about to be published; guarded by residents.mu

	mu      sync.Mutex
	waiting []layers.Change // what happened while it is being loaded
	merging int             // runs that a merge under way makes a new base of
	coarse  plan            // cells that turned out to be needed, whatever a base's plan says
	gone    bool            // the layer was defined anew, reset or dropped
	read    layers.Position // what follow is told of up to here the state has from the log
	filed   *filed          // nil if it has no file
	now     moment
}

// moment says which state it is.
type moment struct {
	at      layers.Cursor // it has every change of the layer up to it; without an epoch that is not known
	changes int           // how often it became another
	merges  int           // how often its base did
}

// mergeShare is how large the overlay of a base may become: an eighth of it.
const (
	mergeShare = 8
	mergeLeast = 8192
)

// follow takes the next changes of the layer, which are all up to a position, and
// returns where tiles look different because of them beside their places.
func (r *resident) follow(changes []layers.Change, upTo layers.Position) []orb.Bound {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.at.Position = max(r.now.at.Position, upTo)
	s := r.state.Load()
	if s == nil {
		r.waiting = append(r.waiting, changes...)
		return nil
	}
	if changes = after(r.read, changes); len(changes) == 0 {
		return nil
	}
	r.now.changes++
	next, also := s.apply(changes, true)
	next.compact(max(r.merging, 1))
	r.state.Store(next)
	return also
}

// after returns the changes after a position; 0 is before all, also those of a
// source that does not number them.
func after(p layers.Position, changes []layers.Change) []layers.Change {
	for p > 0 && len(changes) > 0 && changes[0].Position <= p {
		changes = changes[1:]
	}
	return changes
}

// complete publishes a state that was just read and has every change up to a
// cursor, with what happened meanwhile. A state from a file has none of that yet,
// one from a scan may.
func (r *resident) complete(s *snapshot, at layers.Cursor, file *filed) {
	r.mu.Lock()
	if r.filed = file; file != nil {
		r.read = at.Position
	}
	r.mu.Unlock()
	for {
		waiting := r.settle(s, at)
		if waiting == nil {
			return
		}
		s, _ = s.apply(waiting, file != nil)
		s.compact(1)
	}
}

// settle publishes a state, unless there is more that happened meanwhile: then it
// returns that.
func (r *resident) settle(s *snapshot, at layers.Cursor) []layers.Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting := after(r.read, r.waiting)
	r.waiting = nil
	if len(waiting) > 0 {
		return waiting
	}
	if s.overlay() > 0 {
		r.now.changes++ // the file is another
	}
	r.now.at = layers.Cursor{Epoch: at.Epoch, Position: max(r.now.at.Position, at.Position)}
	r.state.Store(s)
	return nil
}

// moment returns the state and which it is: that of the layer's last change, or of
// the feed's, if that is further. The feed is asked first: what it was told of
// meanwhile is in the other.
func (r *resident) moment(feed func() layers.Cursor) (*snapshot, moment, *filed) {
	told := feed()
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now
	// While the feed is in another epoch it can't be said what the state has.
	if r.gone || now.at.Epoch == "" || now.at.Epoch != told.Epoch {
		return nil, now, nil
	}
	now.at.Position = max(now.at.Position, told.Position)
	return r.state.Load(), now, r.filed
}

// needsMerge reports whether the overlay is large enough for a new base, and
// claims the work. It is if it has a share of the base's rows, and so many at least.
func (r *resident) needsMerge(least int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state.Load()
	if s == nil || r.merging > 0 || r.gone || s.overlay() < max(least, s.runs[0].len()/mergeShare) {
		return false
	}
	r.merging = len(s.runs)
	return true
}

// coarsen has features of a zoom merge in coarser cells than planned, unless they do
// already: a plan is an estimate, and the overlay is not in it. It is the layer's cells
// that change, never one tile's.
func (r *resident) coarsen(z int, k uint8) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.state.Load()
	if next == nil || next.plan[z] > 0 && next.plan[z] <= k {
		return false
	}
	s := *next
	r.coarse[z], s.plan[z] = k, k
	r.state.Store(&s)
	return true
}

// merge makes a new base of what needsMerge claimed, and reports whether tiles
// look different after it, because features merge in other cells than before.
func (r *resident) merge(budget int64) (changed bool) {
	r.mu.Lock()
	before, n := r.state.Load(), r.merging
	if before.numbers() > mostNumbers { // its size says so
		r.merging = 0
		r.mu.Unlock()
		return false
	}
	r.mu.Unlock()
	base := &snapshot{format: before.format, plan: before.plan, runs: []living{{run: join(before.format, before.runs[:n], nil)}}}
	base.plan = base.makePlan(budget)

	r.mu.Lock()
	defer r.mu.Unlock()
	base.plan = base.plan.within(&r.coarse)
	now := r.state.Load()
	// What died meanwhile, in runs that the base was made of, is dead in it.
	edit := base.runs[0].dead.edit(base.runs[0].len())
	for i := range n {
		old := now.runs[i]
		old.dead.since(&before.runs[i].dead, func(row int) {
			if at := base.runs[0].find(old.keys[row], old.nums[row]); at >= 0 {
				edit.kill(at)
			}
		})
	}
	base.runs[0].dead = edit.dead
	if n < len(now.runs) { // with the new base's dictionaries
		base.runs = append(base.runs, living{run: join(base.format, now.runs[n:], base.runs[0].run)})
	}
	r.state.Store(base)
	r.merging = 0
	r.now.merges++
	return base.plan != now.plan
}
