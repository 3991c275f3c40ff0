package tiles

import (
	"context"

	"onemap/layers"
)

// mergeAll makes new bases, one after the other, beside the loads, which may take
// minutes.
func (rs *residents) mergeAll(ctx context.Context) error {
	for {
		r, err := rs.merges.take(ctx)
		if err != nil {
			return err
		}
		rs.merge(r)
	}
}

// limit is what no tile of a layer may take before compression, if coarser cells can
// help it.
func (rs *residents) limit(f *format) int { return mostOf(f.budget(rs.budget)) }

// limitTogether is the same of a composite.
func (rs *residents) limitTogether() int { return mostOf(rs.budget) }

func mostOf(budget int64) int { return int(max(budget, min(3*budget, layers.MostTileBytes))) }

// coarsen has a zoom of a layer merge in cells that are needed for its tiles to be
// small enough. The tiles that were made before are not good any more.
func (rs *residents) coarsen(layer string, z int, k uint8) {
	rs.mu.Lock()
	r := rs.byID[layer]
	rs.mu.Unlock()
	if r == nil || !r.coarsen(z, k) {
		return
	}
	rs.redraw(layer)
	if r.needsMerge(mergeLeast / mergeShare) {
		rs.merges.add(r)
	}
}

func (rs *residents) merge(r *resident) {
	var changed bool
	err := guard(func() error {
		changed = r.merge(rs.budget)
		s := r.state.Load()
		if rs.isForStore(s.count()) {
			return errForStore
		}
		return rs.reserve(r, s)
	})
	if rs.failed(r, err) || changed {
		rs.redraw(r.id)
	}
}
