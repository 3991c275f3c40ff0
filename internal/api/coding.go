package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"onemap/tiles"
)

// codingOf chooses the content coding that the client likes best by Accept-Encoding
// (RFC 9110, 12.5.3); of those that it likes as well, the first that we list. plain
// says that the tile may come without one too.
func codingOf(r *http.Request) (c tiles.Coding, plain bool, err error) {
	weights := codingWeights(r.Header.Values("Accept-Encoding"))
	rest, all := weights.of("*")
	weigh := func(c tiles.Coding) float64 {
		if w, named := weights.of(string(c)); named {
			return w
		}
		return rest
	}
	best, most := tiles.Identity, weigh(tiles.Identity)
	for i := len(tiles.Codings) - 1; i >= 0; i-- {
		if w := weigh(tiles.Codings[i]); w > 0 && w >= most {
			best, most = tiles.Codings[i], w
		}
	}
	_, named := weights.of(string(tiles.Identity))
	plain = weigh(tiles.Identity) > 0 || !all && !named // it is acceptable unless it is refused
	if most == 0 && !plain {
		return "", false, &httpError{status: http.StatusNotAcceptable,
			detail: "the header Accept-Encoding refuses every coding that tiles have: allow zstd, br, gzip or identity"}
	}
	return best, plain, nil
}

// weights are the codings that Accept-Encoding names. They are few, and looked for in
// each request: a map would take longer.
type weights []weight

type weight struct {
	coding string
	value  float64
}

// of returns the weight that was named last.
func (ws weights) of(coding string) (value float64, named bool) {
	for _, one := range slices.Backward(ws) {
		if one.coding == coding {
			return one.value, true
		}
	}
	return 0, false
}

// codingWeights reads Accept-Encoding. A weight that can't be read is 0.
func codingWeights(values []string) weights {
	found := make(weights, 0, 8)
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, param, _ := strings.Cut(part, ";")
		name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "x-") // x-gzip is gzip (8.4.1.3)
		value := 1.0
		if q, isQ := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(param, " ", "")), "q="); isQ {
			var err error
			if value, err = strconv.ParseFloat(q, 64); err != nil || !(value >= 0 && value <= 1) {
				value = 0
			}
		}
		if name != "" {
			found = append(found, weight{name, value})
		}
	}
	return found
}
