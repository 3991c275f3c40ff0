package tiles

import (
	"context"
	"sync"

	"onemap/layers"
)

// thinned says at which zooms layers that are not in memory merge their features, and in
// which cells: where a tile of the store's features was too large. As with a layer in
// memory it holds for the whole zoom, so that neighbouring tiles agree, and only grows,
// until the server starts again or the layer comes into memory.
type thinned struct {
	mu    sync.RWMutex
	plans map[string]*plan
}

// of returns the plan of a layer.
func (t *thinned) of(layer string) plan {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if p := t.plans[layer]; p != nil {
		return *p
	}
	return plan{}
}

// raise has a zoom of a layer merge in cells at least so coarse, and reports whether it
// did not before.
func (t *thinned) raise(layer string, z int, k uint8) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.plans[layer]
	if p == nil {
		p = &plan{}
		t.plans[layer] = p
	}
	if p[z] > 0 && p[z] <= k {
		return false
	}
	p[z] = k
	return true
}

// thin makes a tile of the features that the store has around it, merged as the zoom's
// plan says or more coarsely, until it is small enough if that helps. Outlines keep all
// their vertices: which of them matter only who knows the whole layer can say.
func (s *Service) thin(ctx context.Context, r layers.Reader, l *layers.Layer, c Coord, v Variant) ([]byte, error) {
	f := formatOf(l, -1)
	b := newRun(f, nil)
	bound := c.around(scanMargin + 2*float64(int(TileExtent)>>coarsest)) // with all of each cell
	for one, err := range r.Scan(ctx, l.ID, layers.Range{Selection: layers.Selection{BBox: &bound}, Around: true}) {
		if err != nil {
			return nil, err
		}
		b.add(one)
	}
	state := b.base()
	if state.plan = s.thinned.of(l.ID); state.plan[c.Z] == 0 {
		state.plan[c.Z], _ = f.coarser(0)
	}
	d := s.drafts.Get().(*draft)
	d.variant = v
	raw, needed := state.fit(d, l.ID, c, v, s.kept.limit(f))
	s.drafts.Put(d) // not after a panic
	if needed == 0 {
		needed = state.plan[c.Z]
	}
	if v.coarser == 0 && s.thinned.raise(l.ID, c.Z, needed) {
		s.kept.redraw(l.ID)
	}
	return raw, nil
}
