package tiles

import (
	"slices"

	"github.com/paulmach/orb"
)

// shelf lists the tiles of one layer and class by zoom.
type shelf [MaxZoom + 1]map[Coord]struct{}

// invalidate forgets the layer's tiles that touch one of the places (CRS84), with
// a margin in tile units, by zoom.
func (c *cache) invalidate(layer string, at []orb.Bound, margin func(z int) float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for class, s := range c.shelves[layer] {
		for z, tiles := range s {
			for _, b := range at {
				if len(tiles) == 0 {
					break
				}
				area := touched(b, z, margin(z))
				if area.count() > len(tiles) {
					for t := range tiles {
						if area.has(t) {
							c.forget(key{layer, class, t})
						}
					}
					continue
				}
				for x := area.x0; x <= area.x1; x++ {
					for y := area.y0; y <= area.y1; y++ {
						t := Coord{z, x, y}
						if _, ok := tiles[t]; ok {
							c.forget(key{layer, class, t})
						}
					}
				}
			}
		}
	}
}

// invalidateLayer forgets all tiles of a layer.
func (c *cache) invalidateLayer(layer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for class, s := range c.shelves[layer] {
		for _, tiles := range s {
			for t := range tiles {
				c.forget(key{layer, class, t})
			}
		}
	}
	delete(c.shelves, layer)
}

func (c *cache) shelve(k key) {
	byClass := c.shelves[k.layer]
	if byClass == nil {
		byClass = map[string]*shelf{}
		c.shelves[k.layer] = byClass
	}
	s := byClass[k.class]
	if s == nil {
		s = &shelf{}
		byClass[k.class] = s
	}
	if s[k.at.Z] == nil {
		s[k.at.Z] = map[Coord]struct{}{}
	}
	if _, ok := s[k.at.Z][k.at]; !ok {
		s[k.at.Z][k.at] = struct{}{}
		c.size++
	}
}

func (c *cache) unshelve(k key) {
	if s := c.shelves[k.layer][k.class]; s != nil {
		if _, ok := s[k.at.Z][k.at]; ok {
			delete(s[k.at.Z], k.at)
			c.size--
		}
		// Variants make classes without end; an empty shelf must not stay.
		if !slices.ContainsFunc(s[:], func(tiles map[Coord]struct{}) bool { return len(tiles) > 0 }) {
			delete(c.shelves[k.layer], k.class)
		}
	}
}

// prune takes evicted keys off the shelves, once they are the larger part. The
// caller holds the lock.
func (c *cache) prune() {
	if c.size <= 2*c.entries.EstimatedSize()+len(c.flights)+1024 {
		return
	}
	for layer, byClass := range c.shelves {
		for class, s := range byClass {
			for _, tiles := range s {
				for t := range tiles {
					k := key{layer, class, t}
					if _, cached := c.entries.GetEntryQuietly(k); !cached && c.flights[k] == nil {
						c.unshelve(k)
					}
				}
			}
		}
	}
}
