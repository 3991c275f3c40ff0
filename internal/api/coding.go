package api

import (
	"net/http"
	"strconv"
	"strings"

	"onemap/tiles"
)

// codingOf chooses the content coding that the client likes best by Accept-Encoding
// (RFC 9110, 12.5.3); of those that it likes as well, the first that we list. plain
// says that the tile may come without one too.
func codingOf(r *http.Request) (c tiles.Coding, plain bool, err error) {
	weights := codingWeights(r.Header.Values("Accept-Encoding"))
	weigh := func(c tiles.Coding) float64 {
		w, named := weights[string(c)]
		if !named {
			w = weights["*"]
		}
		return w
	}
	best, most := tiles.Identity, weigh(tiles.Identity)
	for i := len(tiles.Codings) - 1; i >= 0; i-- {
		if w := weigh(tiles.Codings[i]); w > 0 && w >= most {
			best, most = tiles.Codings[i], w
		}
	}
	_, all := weights["*"]
	_, named := weights[string(tiles.Identity)]
	plain = weigh(tiles.Identity) > 0 || !all && !named // it is acceptable unless it is refused
	if most == 0 && !plain {
		return "", false, &httpError{status: http.StatusNotAcceptable,
			detail: "the header Accept-Encoding refuses every coding that tiles have: allow zstd, br, gzip or identity"}
	}
	return best, plain, nil
}

// codingWeights reads Accept-Encoding. A weight that can't be read is 0.
func codingWeights(values []string) map[string]float64 {
	weights := map[string]float64{}
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, param, _ := strings.Cut(part, ";")
		name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "x-") // x-gzip is gzip (8.4.1.3)
		weight := 1.0
		if q, isQ := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(param, " ", "")), "q="); isQ {
			var err error
			if weight, err = strconv.ParseFloat(q, 64); err != nil || !(weight >= 0 && weight <= 1) {
				weight = 0
			}
		}
		if name != "" {
			weights[name] = weight
		}
	}
	return weights
}
