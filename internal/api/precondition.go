package api

import (
	"net/http"
	"strings"

	"onemap/layers"
)

// precondition is what If-Match and If-None-Match ask of a write (RFC 9110, 13.1).
type precondition struct {
	match     []string // versions of If-Match, without quotes
	mustExist bool     // If-Match is there
	mustNot   bool     // If-None-Match: *
}

func preconditionOf(r *http.Request) (precondition, error) {
	var p precondition
	tags := entityTags(r.Header.Values("If-Match"))
	if len(r.Header.Values("If-Match")) > 0 {
		p.mustExist = true
		if len(tags) == 0 {
			return p, invalid("the If-Match header has no entity tag", layers.Violation{Field: "If-Match", Value: shorten(r.Header.Get("If-Match")), Reason: "not an entity tag", Remedy: `the ETag of the feature, in its quotes, or *`})
		}
	}
	for _, tag := range tags {
		if tag == "*" {
			p.match = nil
			break
		}
		p.match = append(p.match, opaque(tag))
	}
	switch tags := entityTags(r.Header.Values("If-None-Match")); {
	case len(tags) == 1 && tags[0] == "*":
		p.mustNot = true
	case len(tags) > 0:
		return p, invalid("If-None-Match with a version means nothing for a write", layers.Violation{Field: "If-None-Match", Value: shorten(r.Header.Get("If-None-Match")), Reason: "not *", Remedy: "* to create only, or If-Match for a version"})
	}
	return p, nil
}

// holds checks the feature that is there. A tag that a proxy has made weak, by
// compressing, still names the version, so it counts.
func (p precondition) holds(epoch string, f *layers.Feature) error {
	if len(p.match) == 0 {
		return nil
	}
	have := versionTag(epoch, f.Version)
	for _, want := range p.match {
		if want == have || strings.HasPrefix(want, have+"-") {
			return nil
		}
	}
	return layers.Errorf(layers.Precondition, "the feature has changed since: its version is %d now; read it again", f.Version)
}
