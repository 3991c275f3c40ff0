package main

import "fmt"

// The bars of tiles that nothing has cached.
const (
	barConns   = 8       // connections at which onemap is held against the push-down
	barP99     = 20      // ms, at one connection
	barLargest = 500_000 // bytes of a tile of one layer before compression
	barCached  = 0.7     // of the constant bytes' rate
	barMoving  = 0.6     // of the idle rate, while points move
	barFresh   = 100     // ms, p99, from an update until it is in a tile
)

// barRatio is how many times the push-down's rate onemap must reach; 0: there is no bar.
func barRatio(c cell) float64 {
	polygons := c.data == "polys"
	switch c.zoom {
	case 6, 8:
		return pick(c.data == points.name, 100, 10)
	case 10:
		return pick(polygons, 12, 8)
	case 12:
		return pick(polygons, 6, 3)
	case 14:
		return pick(polygons, 4, 2)
	}
	return 0
}

func pick(yes bool, a, b float64) float64 {
	if yes {
		return a
	}
	return b
}

// verdict says whether the bars of a cell are met, if it has any.
func verdict(c cell, onemap, pushDown result) string {
	switch {
	case c.conns == barConns && barRatio(c) > 0:
		return fmt.Sprintf("≥ %g ×: %s", barRatio(c), met(onemap.of(pushDown) >= barRatio(c)))
	case c.conns == 1:
		return fmt.Sprintf("p99 ≤ %d ms: %s", barP99, met(ms(onemap.p99) <= barP99))
	}
	return ""
}

func met(yes bool) string {
	if yes {
		return "met"
	}
	return "**missed**"
}
