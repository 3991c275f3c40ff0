package tiles

import (
	"math/bits"
	"strconv"
	"strings"

	"onemap/layers"
)

// What a variant adds features up to.
const (
	AggGrid = "grid" // a square for each cell that holds something
	AggHeat = "heat" // a weighted point for each, for MapLibre's heatmap
)

// cellsOf has how many cells a tile's side has, unless told and at most. A square is
// one that one can see and point at, and points are so close that a heat map looks the
// same as one of all features. More would be tiles of over 500 kB, a grid's with sums.
var cellsOf = map[string]struct{ usual, most int }{AggGrid: {32, 64}, AggHeat: {128, 128}}

// Cells is the variant that adds up what is in each cell, of so many along a tile's
// side: a power of two.
func Cells(agg string, side int) Variant { return Variant{agg: agg, side: side} }

func parseCells(param func(name string) (value string, sent bool)) (v Variant, wrong []layers.Violation) {
	agg, derived := param("agg")
	cell, sent := param("cell")
	refuse := func(field, value, reason, remedy string) (Variant, []layers.Violation) {
		return Variant{}, []layers.Violation{{Field: field, Value: value, Reason: reason, Remedy: remedy}}
	}
	side, known := cellsOf[agg]
	switch {
	case derived && !known:
		return refuse("agg", agg, "no way to add features up", AggGrid+" or "+AggHeat)
	case !derived && sent:
		return refuse("cell", cell, "there are no cells without agg", "agg="+AggGrid+" or agg="+AggHeat+" with it")
	case !derived:
		return Variant{}, nil
	case !sent:
		return Cells(agg, side.usual), nil
	}
	var allowed []string
	for n := 1; n <= side.most; n *= 2 {
		if allowed = append(allowed, strconv.Itoa(n)); cell == strconv.Itoa(n) {
			return Cells(agg, n), nil
		}
	}
	return refuse("cell", cell, "not a number of cells along a tile's side", "one of "+strings.Join(allowed, ", "))
}

// level is that of the cells in the tiles of a zoom.
func (v Variant) level(z int) int { return z + bits.Len(uint(v.side)) - 1 }

// format is what the cells of a layer carry: to a heat map their weight is enough.
func (v Variant) format(f *format) *format {
	if v.agg == AggHeat {
		return &format{names: f.names, classBy: -1}
	}
	return f
}
