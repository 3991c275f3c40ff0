package api

import (
	"math"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"onemap/internal/crs"
)

// parseBBox reads west,south,east,north in CRS84 degrees, or what another reference
// system calls its least and greatest coordinates, or with a height
// after the second and the fourth (/req/core/fc-bbox-definition). Heights are not
// indexed: a height range is checked and has no further effect.
//
// West of more than east crosses the antimeridian and gives two boxes, the one
// on its western side first.
func parseBBox(s string, system *crs.System) ([]orb.Bound, *paramError) {
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
	if system != crs.CRS84 {
		if !system.Geographic && (w > e || south > north) {
			return nil, &paramError{"a least coordinate is more than the greatest", "the lower corner, then the upper, with the axes in the order of bbox-crs"}
		}
		w, south, e, north = system.BoxToCRS84([4]float64{w, south, e, north})
		if math.IsNaN(w + south + e + north) {
			return nil, &paramError{"a box that is nowhere in its reference system", form}
		}
		if !system.Geographic {
			w, south, e, north = max(-180, w), max(-90, south), min(180, e), min(90, north)
		}
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
