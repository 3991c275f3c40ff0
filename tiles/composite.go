package tiles

import (
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"onemap/layers"
)

// composite joins the layers' tiles, which share what one may take: where they are too
// large together, each merges its features in coarser cells than by itself. As with a
// layer's own cells, that holds for the whole zoom, so that neighbouring tiles agree.
func (s *Service) composite(ctx context.Context, view layers.View, seen []*layers.Layer, c Coord, v Variant) (*Tile, error) {
	var ids []string
	for _, l := range seen {
		ids = append(ids, l.ID)
	}
	set := strings.Join(ids, ",")
	var enough bool
	v.coarser, enough = s.shares.get(set, c.Z)
	parts, size, err := s.parts(ctx, view, seen, c, v)
	if err != nil {
		return nil, err
	}
	most := s.kept.limitTogether()
	if enough || v.agg != "" || size <= most {
		return s.join(set, view, seen, c, v, parts), nil
	}
	for next := v; size > most && next.coarser < finestShapes; {
		next.coarser++
		s.shares.try(ids, c.Z, next.coarser) // before there are tiles that a change must find
		smaller, n, err := s.parts(ctx, view, seen, c, next)
		if err != nil {
			return nil, err
		}
		if n < size {
			parts, size, v = smaller, n, next
		}
	}
	s.shares.raise(set, c.Z, v.coarser, size > most)
	for _, id := range ids {
		s.redrawn(id)
	}
	return s.join(set, view, seen, c, v, parts), nil
}

// parts returns the tiles of the layers, and what they take together.
func (s *Service) parts(ctx context.Context, view layers.View, seen []*layers.Layer, c Coord, v Variant) (parts []*Tile, size int, err error) {
	parts = make([]*Tile, len(seen))
	g, gctx := errgroup.WithContext(ctx)
	for i, l := range seen {
		if t, ok := s.cache.cached(key{layer: l.ID, class: v.class(view, l), at: c}); ok {
			parts[i] = t
			continue
		}
		g.Go(func() (err error) {
			parts[i], err = s.layerTile(gctx, view, l, c, v)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, 0, err
	}
	for _, p := range parts {
		size += len(p.Raw)
	}
	return parts, size, nil
}

// join puts a composite together. A message followed by another is a valid message
// that has the fields of both, so joining is concatenating.
//
// A composite needs no invalidation of its own: it is cached with the entity tags of
// its parts, and holds as long as the parts have them.
func (s *Service) join(set string, view layers.View, seen []*layers.Layer, c Coord, v Variant, parts []*Tile) *Tile {
	var classes, tags []string
	for i, l := range seen {
		classes, tags = append(classes, v.class(view, l)), append(tags, parts[i].ETag)
	}
	k := key{layer: set, class: strings.Join(classes, ","), at: c}
	etags := strings.Join(tags, ",")
	if e, ok := s.cache.entries.GetIfPresent(k); ok && e.parts == etags {
		return e.tile
	}
	var bodies [][]byte
	for _, p := range parts {
		bodies = append(bodies, p.Raw)
	}
	return s.cache.join(k, entry{tile: s.packer.pack(slices.Concat(bodies...)), parts: etags})
}

// shares says how many steps coarser than by themselves layers merge at a zoom to
// share a tile. It only grows, until the server starts again.
type shares struct {
	mu     sync.RWMutex
	sets   map[string]*share              // by the layers that were asked for together
	layers map[string]*[MaxZoom + 1]uint8 // the most of any set that a layer is in, also such as were only tried
}

type share struct {
	steps  [MaxZoom + 1]uint8
	enough [MaxZoom + 1]bool // more steps help no more
}

// mostSets bounds what clients can have us remember; the sets that come after have
// tiles as large as they are.
const mostSets = 4096

func (s *shares) get(set string, z int) (steps uint8, enough bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	one := s.sets[set]
	if one == nil {
		return 0, len(s.sets) >= mostSets
	}
	return one.steps[z], one.enough[z]
}

func (s *shares) ofLayer(layer string, z int) uint8 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if steps := s.layers[layer]; steps != nil {
		return steps[z]
	}
	return 0
}

func (s *shares) raise(set string, z int, steps uint8, enough bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.sets[set]
	if one == nil {
		one = new(share)
		s.sets[set] = one
	}
	one.steps[z], one.enough[z] = max(one.steps[z], steps), enough
}

func (s *shares) try(ids []string, z int, steps uint8) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if s.layers[id] == nil {
			s.layers[id] = new([MaxZoom + 1]uint8)
		}
		s.layers[id][z] = max(s.layers[id][z], steps)
	}
}
