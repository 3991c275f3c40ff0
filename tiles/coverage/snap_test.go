package coverage

import (
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestAnEdgePassesASquareWithTwoOfItsSides looks at every edge near a square, at
// the places where it comes to a side's line and half way between these.
func TestAnEdgePassesASquareWithTwoOfItsSides(t *testing.T) {
	const far = 3
	half := big.NewRat(1, 2)
	within := func(from, to int64, at *big.Rat) bool {
		v := new(big.Rat).SetInt64(to - from)
		v.Mul(v, at).Add(v, new(big.Rat).SetInt64(from))
		return v.Cmp(new(big.Rat).Neg(half)) >= 0 && v.Cmp(half) < 0
	}
	for i := range 7 * 7 * 7 * 7 {
		a, b := Point{int64(i%7) - far, int64(i/7%7) - far}, Point{int64(i/49%7) - far, int64(i/343) - far}
		if !a.before(b) || max(min(a.Y, b.Y), a.X) > 0 || min(max(a.Y, b.Y), b.X) < 0 {
			continue
		}
		at := []*big.Rat{big.NewRat(0, 1), big.NewRat(1, 1)}
		for _, side := range []int64{-1, 1} {
			for _, c := range [][2]int64{{a.X, b.X}, {a.Y, b.Y}} {
				if d := c[1] - c[0]; d != 0 {
					if r := big.NewRat(side-2*c[0], 2*d); r.Sign() > 0 && r.Cmp(at[1]) < 0 {
						at = append(at, r)
					}
				}
			}
		}
		slices.SortFunc(at, (*big.Rat).Cmp)
		for i := range at[1:] {
			mid := new(big.Rat).Add(at[i], at[i+1])
			at = append(at, mid.Mul(mid, half))
		}
		want := slices.ContainsFunc(at, func(r *big.Rat) bool { return within(a.X, b.X, r) && within(a.Y, b.Y, r) })
		if got := passes(segment{a: a, b: b}, Point{}); got != want {
			t.Errorf("from %v to %v: %v, not %v", a, b, got, want)
		}
	}
}

func TestAHalfIsRoundedUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.OneOf(rapid.Int64Range(-9, 9), rapid.Int64Range(-2*maxCoordinate, 2*maxCoordinate)).Draw(t, "v")
		whole := rapid.OneOf(rapid.Uint64Range(2, 9), rapid.Uint64Range(2, 1<<60)).Draw(t, "whole")
		part := rapid.Uint64Range(1, whole-1).Draw(t, "part")
		// floor((2 v part + whole) / 2 whole)
		n := new(big.Int).Mul(big.NewInt(2*v), new(big.Int).SetUint64(part))
		n.Add(n, new(big.Int).SetUint64(whole))
		want := n.Div(n, new(big.Int).SetUint64(2*whole)).Int64() // Euclid's: down, as the divisor is positive
		if got := roundedShare(v, part, whole); got != want {
			t.Fatalf("%d, not %d", got, want)
		}
	})
}
