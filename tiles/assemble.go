package tiles

import "slices"

// assemble makes polygons of clean rings that are wound by their role, exteriors
// before holes: each hole goes to the exterior around it.
//
// Rounding can pinch a ring so that it touches itself: a bay closes, an isthmus
// becomes a point. Such a ring is divided there, and what the pieces are is told
// by their winding.
func assemble(rings [][]point) [][][]point {
	var out [][][]point
	var holes []piece
	for _, r := range rings {
		whole := doubleArea(r) > 0
		for _, p := range divide(r) {
			if doubleArea(p) > 0 {
				out = append(out, [][]point{p})
			} else {
				holes = append(holes, piece{p, whole})
			}
		}
	}
	for _, h := range holes {
		owner := 0
		if len(out) > 1 || h.ofExterior {
			owner = slices.IndexFunc(out, func(p [][]point) bool { return within(h.ring, p[0]) })
		}
		switch {
		case owner >= 0 && owner < len(out):
			out[owner] = append(out[owner], h.ring)
		case h.ofExterior: // a lobe of an exterior that crosses itself
			out = append(out, [][]point{wound(h.ring, true)})
		}
	}
	return out
}

// piece is a ring wound like a hole.
type piece struct {
	ring       []point
	ofExterior bool
}

// divide splits a ring where it comes back to a vertex, into rings that pass each
// of their vertices once. Pieces without area are dropped.
func divide(ring []point) [][]point {
	if passesOnce(ring) {
		return [][]point{ring}
	}
	var out [][]point
	keep := func(r []point) {
		if r = cleanRing(slices.Clone(r)); r != nil {
			out = append(out, r)
		}
	}
	at := make(map[point]int, len(ring))
	var open []point
	for _, p := range ring {
		if i, was := at[p]; was {
			keep(open[i:])
			for _, q := range open[i:] {
				delete(at, q)
			}
			open = open[:i]
		}
		at[p] = len(open)
		open = append(open, p)
	}
	keep(open)
	return out
}

func passesOnce(ring []point) bool {
	if len(ring) <= 100 { // where comparing all is faster than hashing
		for i, p := range ring {
			if slices.Contains(ring[:i], p) {
				return false
			}
		}
		return true
	}
	seen := make(map[point]struct{}, len(ring))
	for _, p := range ring {
		seen[p] = struct{}{}
	}
	return len(seen) == len(ring)
}

// within reports whether a ring that does not cross another lies inside it: the
// first vertex that is not on the other's border decides.
func within(ring, other []point) bool {
	for _, p := range ring {
		in, on := false, false
		for i, j := 0, len(other)-1; i < len(other); j, i = i, i+1 {
			a, b := other[j], other[i]
			side := (b.X-a.X)*(p.Y-a.Y) - (b.Y-a.Y)*(p.X-a.X)
			if side == 0 && min(a.X, b.X) <= p.X && p.X <= max(a.X, b.X) && min(a.Y, b.Y) <= p.Y && p.Y <= max(a.Y, b.Y) {
				on = true
				break
			}
			if (a.Y > p.Y) != (b.Y > p.Y) && (side > 0) == (b.Y > a.Y) {
				in = !in
			}
		}
		if !on {
			return in
		}
	}
	return true
}
