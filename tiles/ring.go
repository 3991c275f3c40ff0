package tiles

// cleanRing, in place, opens a ring, drops repeated points and spikes (there and back on
// the same way), and returns nil if no area is left. It removes nothing that a
// neighbour sharing the border would not remove as well.
func cleanRing(ps []point) []point {
	out := ps[:0]
	for _, p := range ps {
		out = append(out, p)
		for n := len(out); n >= 2; n = len(out) {
			if out[n-1] == out[n-2] {
				out = out[:n-1]
			} else if n >= 3 && spike(out[n-3], out[n-2], out[n-1]) {
				out[n-2] = out[n-1]
				out = out[:n-1]
			} else {
				break
			}
		}
	}
	// The same at the seam, where the ring's end meets its start.
	for len(out) >= 2 {
		n := len(out)
		switch {
		case out[0] == out[n-1]:
			out = out[:n-1]
		case n >= 3 && spike(out[n-2], out[n-1], out[0]):
			out = out[:n-1]
		case n >= 3 && spike(out[n-1], out[0], out[1]):
			out = out[1:]
		default:
			if n < 3 || doubleArea(out) == 0 {
				return nil
			}
			return out
		}
	}
	return nil
}

// spike reports whether the way from a by b to c turns back onto itself in b.
func spike(a, b, c point) bool {
	ux, uy := float64(b.X-a.X), float64(b.Y-a.Y)
	vx, vy := float64(c.X-b.X), float64(c.Y-b.Y)
	return ux*vy == uy*vx && ux*vx+uy*vy < 0
}

// doubleArea is twice the area by the surveyor's formula, positive if the ring
// runs clockwise as seen on the screen. It is exact for small rings and right in
// sign for large ones (64 bits don't hold the world's square at zoom 22).
func doubleArea(ps []point) float64 {
	var sum float64
	o := ps[0]
	for i := 1; i+1 < len(ps); i++ {
		ax, ay := float64(ps[i].X-o.X), float64(ps[i].Y-o.Y)
		bx, by := float64(ps[i+1].X-o.X), float64(ps[i+1].Y-o.Y)
		sum += ax*by - ay*bx
	}
	return sum
}

// wound returns the ring with the winding of MVT 2.1, 4.3.4.4: positive area for
// an exterior, negative for a hole. It may reverse ps in place.
func wound(ps []point, exterior bool) []point {
	if (doubleArea(ps) > 0) != exterior {
		for i, j := 0, len(ps)-1; i < j; i, j = i+1, j-1 {
			ps[i], ps[j] = ps[j], ps[i]
		}
	}
	return ps
}

// extremes returns the first and the last of some points, by x and then y: the
// ends of a ring that fell together into a line.
func extremes(ps []point) (a, b point) {
	a, b = ps[0], ps[0]
	for _, p := range ps[1:] {
		if p.X < a.X || p.X == a.X && p.Y < a.Y {
			a = p
		}
		if p.X > b.X || p.X == b.X && p.Y > b.Y {
			b = p
		}
	}
	return a, b
}

// sliver is the smallest polygon that stands for what fell together into the
// line from a to b: one unit wide across the line's main direction, one unit
// square if a is b.
func sliver(a, b point) []point {
	dx, dy := b.X-a.X, b.Y-a.Y
	switch {
	case dx == 0 && dy == 0:
		return []point{a, {X: a.X + 1, Y: a.Y}, {X: a.X + 1, Y: a.Y + 1}, {X: a.X, Y: a.Y + 1}}
	case dx >= max(dy, -dy): // b is never west of a
		return wound([]point{a, b, {X: b.X, Y: b.Y + 1}, {X: a.X, Y: a.Y + 1}}, true)
	default:
		return wound([]point{a, b, {X: b.X + 1, Y: b.Y}, {X: a.X + 1, Y: a.Y}}, true)
	}
}
