package tiles

import (
	"math/bits"
)

// plan says, for each zoom, how many levels below a tile the cells lie in which
// features merge; 0 if each is drawn alone. It is the layer's, so that all tiles of
// a zoom agree about every cell.
type plan [MaxZoom + 1]uint8

// defaultBudget is what a tile may take before compression.
const defaultBudget = 150_000

// The cells of a tile's side are 1<<8 at most, which is 16 tile units or two pixels
// of a map, and 1<<3 at least. Clusters of points are at least 8 pixels apart.
const (
	finestPoints = 6
	finestShapes = 8
	coarsest     = 3
)

// Estimates of what an aggregate takes in a tile, in bytes.
const (
	aggregateBytes = 26
	classBytes     = 4
	tallyBytes     = 40
	vertexBytes    = 3
)

// leastSourceZoom is the least that a layer has as its deepest zoom of tiles, and
// what one has in which nothing merges. There a tile unit is 60 cm on the equator.
const leastSourceZoom = 14

// sourceZoom returns the deepest zoom of which a client needs tiles: the first at
// which nothing merges any more, as far as there is one. Closer views enlarge these
// tiles instead of asking for sixteen times as many.
func (p *plan) sourceZoom() int {
	z := MaxZoom
	for z > leastSourceZoom && p[z] == 0 && p[z-1] == 0 {
		z--
	}
	return z
}

// makePlan returns the finest cells with which every tile of a zoom keeps within the
// budget, or the layer's own. A zoom keeps the cells that it had while they still do, more or less:
// tiles would all change otherwise whenever the count goes up and down a little.
// Where the cells have no two features there is nothing to merge, whatever the budget.
func (s *snapshot) makePlan(budget int64) (p plan) {
	budget = s.format.budget(budget)
	r := s.runs[0].run
	row := r.rowBytes()
	if int64(r.len())*row <= budget && r.shapes == nil {
		return p
	}
	aggregate := int64(aggregateBytes + classBytes*(len(s.format.classes)) + tallyBytes*len(s.format.summed))
	finest := s.format.finest()
	if r.shapes != nil {
		aggregate += row
	}
	for z := range p {
		loads, merges := r.loads(z, finest, row, aggregate)
		fits := func(k int, share int64) bool { return loads[k]*4 <= budget*share }
		if fits(0, 4) {
			if was := int(s.plan[z]); was > 0 && merges[was] && !fits(0, 2) {
				p[z] = uint8(was)
				continue
			}
			if r.shapes == nil {
				break // deeper tiles hold less
			}
			continue
		}
		k := finest
		for k > coarsest && !fits(k, 4) {
			k--
		}
		if was := int(s.plan[z]); was > 0 && was <= finest && fits(was, 6) && (was >= k || !fits(k, 2)) {
			k = was
		}
		if merges[k] {
			p[z] = uint8(k)
		}
	}
	return p
}

// rowBytes estimates what a feature takes in a tile, without its vertices.
func (r *run) rowBytes() int64 {
	n := int64(12)
	for i := range r.columns {
		n += 2 + r.columns[i].ownBytes(r.len())
	}
	if r.ids == nil {
		return n + 12
	}
	return n + 2 + r.ids.ownBytes(r.len())
}

// ownBytes is a row's share of the values, over all rows. Values that rows share are
// in a tile once, so there may be more of them in one where few rows are.
func (c *column) ownBytes(rows int) int64 {
	n := len(c.own.bytes)
	if c.dict != nil {
		n += len(c.dict.bytes)
	}
	if rows == 0 || n == 0 {
		return 0
	}
	return int64(n/rows) + 2
}

// finest returns the finest cells that a layer's features merge in.
func (f *format) finest() int {
	if f.shapes {
		return finestShapes
	}
	return finestPoints
}

// coarser returns the cells that come after k, if there are any.
func (f *format) coarser(k uint8) (uint8, bool) {
	switch {
	case k == 0:
		return uint8(f.finest()), true
	case k > coarsest:
		return k - 1, true
	default:
		return k, false
	}
}

// coarserBy returns the cells some steps coarser than k, as far as there are any.
func (f *format) coarserBy(k, steps uint8) uint8 {
	for range steps {
		k, _ = f.coarser(k)
	}
	return k
}

// within returns a plan whose cells are as coarse as those of another at least.
func (p plan) within(other *plan) plan {
	for z, k := range other {
		if k > 0 && (p[z] == 0 || p[z] > k) {
			p[z] = k
		}
	}
	return p
}

// loads returns the bytes of the fullest tile of zoom z: [0] with each feature
// drawn alone, [k] with those merged that are smaller than a cell k levels below
// the tile, and whether any two then are. A feature counts for the tile of its anchor.
func (r *run) loads(z, finest int, row, aggregate int64) (worst [finestShapes + 1]int64, merges [finestShapes + 1]bool) {
	var now [finestShapes + 1]int64
	var inCell [finestShapes + 1]int // small features in the cell so far
	cellSize := func(k int) uint32 { return uint32(min(uint64(1)<<(placeLevels-min(z+k, placeLevels)), 1<<32-1)) }
	for i, key := range r.keys {
		level := -1 // of the deepest square that holds this anchor and the one before
		if i > 0 {
			level = shared(r.keys[i-1], key)
		}
		if level < z {
			for k := range now {
				worst[k], now[k], inCell[k] = max(worst[k], now[k]), 0, 0
			}
		}
		alone, side := row, uint32(0)
		if r.shapes != nil {
			side = r.shapes.boxes[i].side()
			alone += r.shapes.vertexBytes(i, z)
		}
		now[0] += alone
		for k := coarsest; k <= finest; k++ {
			if level < min(z+k, placeLevels) {
				inCell[k] = 0
			}
			switch {
			case side > 0 && side >= cellSize(k):
				now[k] += alone
				continue
			case inCell[k] == 0:
				now[k] += alone
			case inCell[k] == 1:
				now[k] += aggregate - row
				merges[k] = true
			}
			inCell[k]++
		}
	}
	for k := range now {
		worst[k] = max(worst[k], now[k])
	}
	return worst, merges
}

// vertexBytes estimates what a row's vertices take at a zoom.
func (s *shapes) vertexBytes(row, z int) int64 {
	n := int64(0)
	for _, g := range s.gradesOf(row) {
		if g <= uint8(z) {
			n++
		}
	}
	return vertexBytes * n
}

// cellLevel returns the level of the cells in which the tile's features merge.
func (p *plan) cellLevel(z int) int { return min(z+int(p[z]), placeLevels) }

// small reports whether a shape of this side merges in cells of a level.
func small(side uint32, level int) bool { return bits.Len32(side) <= placeLevels-level }
