package api

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// offer is a form that a resource can be had in.
type offer struct {
	name  string   // as f= has it
	media string   // media type
	also  []string // names and media types that mean it too
	title string
}

var (
	offerJSON    = offer{name: "json", media: mediaJSON, title: "JSON"}
	offerGeoJSON = offer{name: "geojson", media: mediaGeoJSON, also: []string{"json", mediaJSON}, title: "GeoJSON"}
)

// negotiate chooses the form of an answer. The parameter f wins over Accept, which a
// browser sets and a link can't. An Accept that fits nothing gets the first offer
// (RFC 9110, 12.5.1 allows it): most who send one don't mean it.
func (p *params) negotiate(r *http.Request, offers ...offer) offer {
	if name, sent := p.one("f"); sent {
		for _, o := range offers {
			if o.name == name || slices.Contains(o.also, name) {
				return o
			}
		}
		p.add("f", name, "not a format of this resource", "one of "+namesOf(offers))
		return offers[0]
	}
	best, most := offers[0], 0.0
	if accepted := r.Header.Values("Accept"); len(accepted) > 0 {
		ranges := mediaRanges(accepted)
		for _, o := range offers {
			if q := ranges.weigh(o); q > most {
				best, most = o, q
			}
		}
	}
	return best
}

func namesOf(offers []offer) string {
	names := make([]string, len(offers))
	for i, o := range offers {
		names[i] = o.name
	}
	return strings.Join(names, ", ")
}

// mediaRange is an element of Accept.
type mediaRange struct {
	media  string
	weight float64
}

// mediaRanges are those of an Accept, without what can't be read.
type mediaRangeList []mediaRange

func mediaRanges(values []string) mediaRangeList {
	var list mediaRangeList
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		media, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		m := mediaRange{media, 1}
		if q, sent := parameters["q"]; sent {
			if m.weight, err = strconv.ParseFloat(q, 64); err != nil || !(m.weight >= 0 && m.weight <= 1) {
				continue
			}
		}
		list = append(list, m)
	}
	return list
}

// weigh returns how well an offer is liked: by the most specific range that it is in
// (RFC 9110, 12.5.1). Of what is liked as well, what is named counts more than what a
// wildcard allows.
func (list mediaRangeList) weigh(o offer) float64 {
	const wildcard = 1e-6 // less than the three digits of a weight can tell
	best := 0.0
	for _, media := range append([]string{o.media}, o.also...) {
		media, _, _ = strings.Cut(media, ";")
		kind, _, isMedia := strings.Cut(media, "/")
		if !isMedia {
			continue
		}
		q, rank := 0.0, 0
		for _, m := range list {
			switch {
			case m.media == media && rank <= 3:
				q, rank = m.weight, 3
			case m.media == kind+"/*" && rank <= 2:
				q, rank = m.weight-wildcard, 2
			case m.media == "*/*" && rank <= 1:
				q, rank = m.weight-2*wildcard, 1
			}
		}
		best = max(best, q)
	}
	return best
}
