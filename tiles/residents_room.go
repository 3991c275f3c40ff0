package tiles

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"time"

	"onemap/layers"
)

// leftOut says why a layer is not in memory. It is an error of loads and merges.
type leftOut struct {
	reason string
	needs  int64 // bytes that it would take, about, with
	count  int64 // so many features
	broken bool  // it is tried again only when it is defined anew
}

func (o leftOut) Error() string { return o.reason }

var errForStore = leftOut{reason: "it has more features than tiles.pushDown"}

// guard turns a panic into a reason to be outside. What departments and other
// programs write must never end the server; the store makes such a layer's tiles.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = leftOut{reason: fmt.Sprintf("panic: %v\n%s", p, debug.Stack()), broken: true}
		}
	}()
	return f()
}

// failed takes a layer out of memory if that is what the error says. It reports
// whether the layer was in it.
func (rs *residents) failed(r *resident, err error) bool {
	var why leftOut
	if !errors.As(err, &why) || !rs.dropThis(r) {
		return false
	}
	rs.mu.Lock()
	if rs.byID[r.id] == nil {
		rs.outside[r.id] = why
	}
	rs.mu.Unlock()
	rs.log.Warn("a layer is not kept in memory: its tiles are made by the store", "layer", r.id, "reason", why)
	rs.remove(r.id)
	return true
}

// isForStore reports whether a layer has too many features for us.
func (rs *residents) isForStore(count int64) bool {
	_, can := rs.src.As(layers.Owner).(layers.TileMaker)
	return can && rs.most > 0 && count > rs.most
}

// reserve has a layer take what a state needs, and be in memory.
func (rs *residents) reserve(r *resident, s *snapshot) error {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if err := rs.fit(r, s.size(), s.count(), s.count()); err != nil {
		return err
	}
	r.reserved = s.size()
	delete(rs.outside, r.id)
	return nil
}

// goOn reports why a load should not go on after n features, if so. Two loads may find
// the same room; the first to be complete gets it. Otherwise neither might.
func (rs *residents) goOn(r *resident, size, n, of int64) error {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.fit(r, size, n, of)
}

// fit reports why a layer that takes so many bytes with n of its features can't be in
// memory. The caller holds the lock.
func (rs *residents) fit(r *resident, size, n, of int64) error {
	if rs.byID[r.id] != r {
		return errGone
	}
	if size > rs.left(r) {
		of = max(of, n)
		return leftOut{reason: "it does not fit into what is left of tiles.memory", needs: int64(float64(size) / float64(max(n, 1)) * float64(of)), count: of}
	}
	return nil
}

// left returns what other layers leave of the memory. The caller holds the lock.
func (rs *residents) left(but *resident) int64 {
	left := rs.memory
	for _, r := range rs.byID {
		if r != but {
			left -= r.takes()
		}
	}
	return left
}

// room is left for who does not hold the lock.
func (rs *residents) room(but *resident) int64 {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.left(but)
}

// takes returns the bytes of a layer. The caller holds the lock of the residents.
func (r *resident) takes() int64 {
	if s := r.state.Load(); s != nil {
		return s.size()
	}
	return r.reserved
}

// isTooLarge reports whether a layer is not in memory for good.
func (rs *residents) isTooLarge(layer string) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	_, is := rs.outside[layer]
	return is
}

// reconsider loads layers that fit by now.
func (rs *residents) reconsider(ctx context.Context) error {
	tick := time.NewTicker(rs.again)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		rs.mu.Lock()
		all := maps.Clone(rs.outside)
		rs.mu.Unlock()
		for layer, why := range all {
			if e, err := rs.src.As(layers.Owner).Layer(ctx, layer); err == nil && rs.fits(why, e.Status.Count) {
				rs.loads.add(layer)
			}
		}
	}
}

// fits reports whether a layer that was left out would have room now. What is near
// a limit stays where it is.
func (rs *residents) fits(why leftOut, count int64) bool {
	if why.broken || rs.isForStore(count+count/8) {
		return false
	}
	needs := float64(why.needs) * float64(count) / float64(max(why.count, 1))
	return needs < float64(rs.room(nil))*7/8
}
