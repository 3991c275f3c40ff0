package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"onemap/layers"
)

// params reads a request's query parameters and collects everything that is
// wrong with them, so that the sender hears it at once. A parameter that the
// resource does not know is an error (/req/core/query-param-unknown): a
// misspelt filter must not return everything.
type params struct {
	values     url.Values
	known      []string
	violations []layers.Violation
}

func newParams(r *http.Request) *params {
	p := &params{}
	if r.URL.RawQuery == "" {
		return p
	}
	var err error
	if p.values, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		p.add("", "", "the query string is broken: a % or ; stands alone", "escape it, e.g. % as %25")
	}
	return p
}

func (p *params) add(field, value, reason, remedy string) {
	p.violations = append(p.violations, layers.Violation{Field: field, Value: shorten(value), Reason: reason, Remedy: remedy})
}

// addAll adds what a parser found, under the parameter's name.
func (p *params) addErr(field, value string, err *paramError) {
	p.add(field, value, err.reason, err.remedy)
}

// paramError is why a parameter's value can't be read.
type paramError struct{ reason, remedy string }

// one returns the parameter's value and whether it was sent.
func (p *params) one(name string) (string, bool) {
	p.known = append(p.known, name)
	values, sent := p.values[name]
	if len(values) > 1 {
		p.add(name, strings.Join(values, " and "), "given more than once", "send it once")
	}
	if !sent {
		return "", false
	}
	return values[0], true
}

// limit reads a number from 1 upwards; over the most it is the most
// (/req/core/fc-limit-response-1).
func (p *params) limit(standard, most int) int {
	s, sent := p.one("limit")
	if !sent {
		return standard
	}
	n, err := strconv.Atoi(s)
	if digits := strings.Trim(s, "0123456789") == "" && s != ""; digits && err != nil {
		return most // more digits than an int has
	}
	if err != nil || n < 1 {
		p.add("limit", s, "not a number from 1 upwards", "1 to "+strconv.Itoa(most))
		return standard
	}
	return min(n, most)
}

// err returns an Invalid error if anything was wrong.
func (p *params) err() error {
	for _, name := range sortedKeys(p.values) {
		if !slices.Contains(p.known, name) {
			remedy := "this resource takes no parameters"
			if len(p.known) > 0 {
				remedy = "one of " + strings.Join(p.known, ", ")
			}
			p.add(name, p.values.Get(name), "unknown parameter", remedy)
		}
	}
	if len(p.violations) == 0 {
		return nil
	}
	return invalid("the query parameters can't be used", p.violations...)
}

// noParams is for resources that take none. What is read is JSON, also with f.
func noParams(r *http.Request) error {
	p := newParams(r)
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		p.negotiate(r, offerJSON)
	}
	return p.err()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
