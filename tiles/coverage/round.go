package coverage

// isStar reports whether the middle of a ring's vertices sees all of it, and it
// is wound like an exterior: then it turns around the middle once, without going
// back. Most buildings and parcels are such rings.
func isStar(ring []Point) bool {
	n := int64(len(ring))
	if n < 3 {
		return false
	}
	var sum Point
	for _, p := range ring {
		sum.X += p.X
		sum.Y += p.Y
	}
	// Quarters of units: the middle of a small ring is on no grid point.
	middle := Point{4 * sum.X / n, 4 * sum.Y / n}
	from := func(p Point) Point { return Point{4*p.X - middle.X, 4*p.Y - middle.Y} }
	last, rounds := from(ring[n-1]), 0
	for _, p := range ring {
		p = from(p)
		if last.X*p.Y <= last.Y*p.X {
			return false
		}
		if last.Y < 0 && p.Y >= 0 {
			rounds++
		}
		last = p
	}
	return rounds == 1
}

// isSimple reports whether a ring neither crosses nor touches itself. It compares
// each edge with each but its neighbours, most of them by their boxes only: a ring
// that turns back touches the edge after the next.
func isSimple(ring []Point) bool {
	n := len(ring)
	if n < 3 {
		return false
	}
	a := ring[n-1]
	for i, b := range ring {
		minX, maxX, minY, maxY := min(a.X, b.X), max(a.X, b.X), min(a.Y, b.Y), max(a.Y, b.Y)
		// The edges that come later and are no neighbours of this one.
		last := n - 1
		if i == 0 {
			last--
		}
		for j := i + 1; j < last; j++ {
			p, q := ring[j], ring[j+1]
			if p.X > maxX && q.X > maxX || p.X < minX && q.X < minX || p.Y > maxY && q.Y > maxY || p.Y < minY && q.Y < minY {
				continue
			}
			if !apart(side(a, b, p), side(a, b, q)) && !apart(side(p, q, a), side(p, q, b)) {
				return false
			}
		}
		a = b
	}
	return true
}
