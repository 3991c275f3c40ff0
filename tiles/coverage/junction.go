package coverage

import (
	"math/bits"
	"sort"
)

// markJunctions marks the vertices where chains end, part or turn back: those
// whose place has not one and the same pair of neighbours wherever a chain passes
// it. Between two of them all chains run together or alone.
//
// The vertices are first dealt by hash into parts that a small table holds, so
// that the table stays in the processor's cache and the parts can be worked on at
// a time. All vertices of a place are in one part, and nobody else writes their
// marks.
func (g *grader) markJunctions(workers int) {
	const perPart = 1 << 13
	partBits := min(bits.Len(uint(len(g.vertices)/perPart)), 10)
	part := func(i int) int { return int(hash(g.vertices[i]) >> 32 >> (32 - partBits)) }
	ends := make([]int, 1<<partBits)
	for i := range g.vertices {
		if g.marks[i]&repeat == 0 {
			ends[part(i)]++
		}
	}
	begin, largest := 0, 0
	for p, n := range ends {
		largest = max(largest, n)
		ends[p] = begin
		begin += n
	}
	dealt := make([]uint32, begin)
	for i := range g.vertices {
		if g.marks[i]&repeat == 0 {
			p := part(i)
			dealt[ends[p]] = uint32(i)
			ends[p]++
		}
	}
	// One table for each worker: half of it stays empty, or searches get long.
	workers = min(workers, len(ends))
	share(workers, workers, func(w int) {
		table := make([]uint32, 1<<bits.Len(uint(2*largest)))
		for p := w; p < len(ends); p += workers {
			from := 0
			if p > 0 {
				from = ends[p-1]
			}
			clear(table)
			g.markPart(dealt[from:ends[p]], table)
		}
	})
}

// markPart marks the junctions among some vertices. The table's size is a power
// of two; it holds for each place the index of its first vertex, plus one.
func (g *grader) markPart(part []uint32, table []uint32) {
	slot := func(v Vertex) *uint32 {
		for h := uint32(hash(v)); ; h++ {
			s := &table[h&uint32(len(table)-1)]
			if *s == 0 || g.vertices[*s-1] == v {
				return s
			}
		}
	}
	for _, i := range part {
		s := slot(g.vertices[i])
		a, b := g.neighbours(int(i))
		if *s == 0 {
			*s = i + 1
			if a == b { // the end of a line, or the tip of a spike
				g.marks[i] |= junction
			}
			continue
		}
		g.marks[i] |= shared
		first := int(*s - 1)
		if g.marks[first]&junction == 0 {
			c, d := g.neighbours(first)
			if a != c || b != d {
				g.marks[first] |= junction
			}
		}
	}
	for _, i := range part {
		if g.marks[i]&shared != 0 {
			g.marks[i] |= g.marks[*slot(g.vertices[i])-1] & junction
		}
	}
}

// neighbours returns the two places beside a vertex that is no repeat, the
// smaller one first. They are equal if it has only one, or none.
func (g *grader) neighbours(i int) (a, b Vertex) {
	if g.marks[i]&edge == 0 {
		a, b = g.vertices[i-1], g.vertices[i+1]
	} else {
		c := sort.Search(len(g.chains), func(c int) bool { return g.chains[c].End > i })
		lo, hi := g.bounds(c)
		vs, at := g.vertices[lo:hi], i-lo
		before, after := at-1, at+1
		for after < len(vs) && vs[after] == vs[at] {
			after++
		}
		if g.chains[c].Closed {
			if after == len(vs) {
				after = 0
			}
			for before = (before + len(vs)) % len(vs); before != at && vs[before] == vs[at]; {
				before--
			}
		}
		if before < 0 || after == len(vs) || before == at {
			return a, b
		}
		a, b = vs[before], vs[after]
	}
	if b.before(a) {
		a, b = b, a
	}
	return a, b
}

// hash mixes all bits of a place into all bits.
func hash(v Vertex) uint64 {
	h := (uint64(v.X)<<32 | uint64(v.Y)) * 0x9e3779b97f4a7c15
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}
