package api

import (
	"errors"
	"net/url"

	"onemap/internal/cql2"
	"onemap/internal/crs"
	"onemap/layers"
)

// The encodings of a filter, as filter-lang names them.
const (
	langText = "cql2-text"
	langJSON = "cql2-json"
)

// filter reads what a request says in CQL2: filter, filter-lang and filter-crs
// (/req/filter/filter-param, -lang-param, -crs-param). It returns the expression, nil if
// none was sent, and the parameters that say so.
func (p *params) filter() (e cql2.Expr, query string) {
	text, sent := p.one("filter")
	lang, named := p.one("filter-lang")
	system := p.system("filter-crs")
	parse, q := cql2.ParseText, url.Values{"filter": {text}}
	switch {
	case named && lang == langJSON:
		parse, q = func(s string) (cql2.Expr, error) { return cql2.ParseJSON([]byte(s)) }, url.Values{"filter": {text}, "filter-lang": {lang}}
	case named && lang != langText && lang != langDraft:
		p.add("filter-lang", lang, "not a language for filters", langText+" or "+langJSON)
		return nil, ""
	}
	if !sent {
		return nil, ""
	}
	e, err := parse(text)
	if err != nil {
		p.addAll(layers.UnfitFilter(err))
		return nil, ""
	}
	if system != crs.CRS84 {
		q.Set("filter-crs", system.URI)
		e = cql2.Map(e, func(e cql2.Expr) cql2.Expr {
			l, ok := e.(*cql2.Literal)
			if !ok {
				return e
			}
			if shape, ok := l.Value.(*cql2.Shape); ok {
				placed := *l
				placed.Value = cql2.NewShape(moved(shape.Geometry(), system.ToCRS84))
				return &placed
			}
			return e
		})
	}
	return e, q.Encode()
}

// addAll adds what is wrong according to a layer.
func (p *params) addAll(err error) {
	var e *layers.Error
	if errors.As(err, &e) {
		p.violations = append(p.violations, e.Violations...)
	}
}
