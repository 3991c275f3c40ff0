package api

import (
	"math"
	"strconv"
	"strings"

	"github.com/paulmach/orb"
)

// parseBBox reads west,south,east,north in CRS84 degrees, or with a height
// after south and north (/req/core/fc-bbox-definition). Heights are not
// indexed: a height range is checked and has no further effect.
//
// West of more than east crosses the antimeridian and gives two boxes, the one
// on its western side first.
func parseBBox(s string) ([]orb.Bound, *paramError) {
	const form = "west,south,east,north in degrees, e.g. 107.5,22.3,109,23.5"
	parts := strings.Split(s, ",")
	if len(parts) != 4 && len(parts) != 6 {
		return nil, &paramError{strconv.Itoa(len(parts)) + " numbers", form + "; or six numbers with heights"}
	}
	v := make([]float64, len(parts))
	for i, part := range parts {
		part = strings.TrimSpace(part)
		f, err := strconv.ParseFloat(part, 64)
		if err != nil || strings.Trim(part, "+-.0123456789eE") != "" || math.IsInf(f, 0) {
			return nil, &paramError{strconv.Quote(shorten(part)) + " is not a number", form}
		}
		v[i] = f
	}
	w, south, e, north := v[0], v[1], v[2], v[3]
	if len(v) == 6 {
		if v[2] > v[5] {
			return nil, &paramError{"the lower height is above the upper", "west,south,low,east,north,high"}
		}
		e, north = v[3], v[4]
	}
	switch {
	case math.Abs(w) > 180 || math.Abs(e) > 180:
		return nil, &paramError{"a longitude outside -180 to 180", form}
	case math.Abs(south) > 90 || math.Abs(north) > 90:
		return nil, &paramError{"a latitude outside -90 to 90", form + " (longitude first)"}
	case south > north:
		return nil, &paramError{"south is north of north", form}
	case w > e:
		return []orb.Bound{
			{Min: orb.Point{w, south}, Max: orb.Point{180, north}},
			{Min: orb.Point{-180, south}, Max: orb.Point{e, north}},
		}, nil
	}
	return []orb.Bound{{Min: orb.Point{w, south}, Max: orb.Point{e, north}}}, nil
}
