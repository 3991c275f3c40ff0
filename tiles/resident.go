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
	layer *layers.Layer
	state atomic.Pointer[snapshot] // nil until it is complete

	mu      sync.Mutex
	waiting []layers.Change // what happened while it is being loaded
	merging int             // runs that a merge under way makes a new base of
	gone    bool            // the layer was defined anew, reset or dropped
}

// mergeShare is how large the overlay of a base may become: an eighth of it.
const (
	mergeShare = 8
	mergeLeast = 8192
)

// follow takes the next changes of the layer, and returns where tiles look
// different because of them beside the places of the changes.
func (r *resident) follow(changes []layers.Change) []orb.Bound {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state.Load()
	if s == nil {
		r.waiting = append(r.waiting, changes...)
		return nil
	}
	next, also := s.apply(changes, true)
	next.compact(max(r.merging, 1))
	r.state.Store(next)
	return also
}

// complete publishes a base that was just read, with what happened meanwhile.
func (r *resident) complete(base *snapshot) {
	for {
		r.mu.Lock()
		waiting := r.waiting
		r.waiting = nil
		if len(waiting) == 0 {
			r.state.Store(base)
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		base, _ = base.apply(waiting, false)
		base.compact(1)
	}
}

// needsMerge reports whether the overlay is large enough for a new base, and
// claims the work.
func (r *resident) needsMerge() bool {
	s := r.state.Load()
	if s == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.merging > 0 || r.gone || s.overlay() < max(mergeLeast, s.runs[0].len()/mergeShare) {
		return false
	}
	r.merging = len(r.state.Load().runs)
	return true
}

// merge makes a new base of what needsMerge claimed, and reports whether tiles
// look different after it, because features merge in other cells than before.
func (r *resident) merge(budget int64) (changed bool) {
	r.mu.Lock()
	before, n := r.state.Load(), r.merging
	r.mu.Unlock()
	base := &snapshot{format: before.format, plan: before.plan, runs: []living{{run: join(before.format, before.runs[:n], nil)}}}
	base.plan = base.makePlan(budget)

	r.mu.Lock()
	defer r.mu.Unlock()
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
	return base.plan != before.plan
}
