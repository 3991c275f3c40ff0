package api

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"onemap/internal/cql2"
	"onemap/layers"
)

// selected is what bbox, datetime, division, q, filter and the attributes ask for.
type selected struct {
	layers.Selection
	east *orb.Bound // the second box of a bbox that crosses the antimeridian
	expr cql2.Expr  // what Where was made of; nil: all
}

const maxText = 200 // characters of q

// selection reads the parameters that choose features. A parameter of our own
// wins over an attribute of the same name. joined is what must be true besides; nil: nothing.
func (p *params) selection(l *layers.Layer, joined cql2.Expr) selected {
	var s selected
	system := p.system("bbox-crs")
	if v, sent := p.one("bbox"); sent {
		boxes, err := parseBBox(v, system)
		if err != nil {
			p.addErr("bbox", v, err)
		} else {
			s.BBox = &boxes[0]
			if len(boxes) == 2 {
				s.east = &boxes[1]
			}
		}
	}
	if v, sent := p.one("datetime"); sent {
		interval, err := parseDatetime(v)
		if err != nil {
			p.addErr("datetime", v, err)
		} else if _, has := l.Schema.ByRole(layers.RoleTime); has {
			// Without a time every feature matches (/req/core/fc-time-response).
			s.Time = interval
		}
	}
	if v, sent := p.one("division"); sent {
		_, has := l.Schema.ByRole(layers.RoleDivision)
		switch {
		case layers.DivisionLevel(v) == 0:
			p.add("division", v, "not a division code", "six digits (GB/T 2260) or nine (GB/T 10114), e.g. 450100")
		case !has:
			p.add("division", v, "this layer's features carry no division", "leave it out")
		default:
			s.Division = v
		}
	}
	if v, sent := p.one("q"); sent {
		switch s.Text = strings.TrimSpace(v); {
		case utf8.RuneCountInString(s.Text) > maxText:
			p.add("q", v, "too long", "at most "+strconv.Itoa(maxText)+" characters")
		case !utf8.ValidString(s.Text) || strings.ContainsRune(s.Text, 0):
			p.add("q", v, "not text in UTF-8", "percent-encode UTF-8")
		}
	}
	filter, _ := p.filter()
	if s.expr = both(filter, joined); s.expr != nil {
		var err error
		if s.Where, err = l.Filter(s.expr); err != nil {
			p.addAll(err)
		}
	}
	for _, a := range l.Schema {
		if !p.reserved(a.Name) {
			p.equal(&s, a)
		}
	}
	return s
}

// reserved reports whether a name means a parameter of ours. It is asked when
// the resource has read all of its own.
func (p *params) reserved(name string) bool {
	for _, k := range p.known {
		if k == name {
			return true
		}
	}
	return false
}

// equal reads attribute=value; an empty value asks for null.
func (p *params) equal(s *selected, a layers.Attribute) {
	if a.Type == layers.JSON {
		return // not comparable, so not a parameter
	}
	text, sent := p.one(a.Name)
	if !sent {
		return
	}
	if text == "" {
		s.Filters = append(s.Filters, layers.Filter{Attribute: a.Name})
		return
	}
	v, err := a.Coerce(text)
	if err == nil && !utf8.ValidString(text) {
		p.add(a.Name, text, "not text in UTF-8", "percent-encode UTF-8")
		return
	}
	if err != nil {
		p.add(a.Name, text, "not of the attribute's type", "a value of type "+string(a.Type))
		return
	}
	s.Filters = append(s.Filters, layers.Filter{Attribute: a.Name, Value: v})
}

// sort reads sortby: attributes with commas between them, with "-" in front for
// descending.
func (p *params) sort(s layers.Schema) string {
	keys := p.list("sortby")
	for i := range keys {
		keys[i] = strings.TrimPrefix(keys[i], "+")
	}
	if len(keys) == 0 && p.values.Has("sortby") {
		p.add("sortby", "", "names no attribute", "one of "+strings.Join(s.Sortable(), ", ")+"; -name for descending")
	}
	q := layers.Query{Sort: strings.Join(keys, ",")}
	sorted, err := q.SortKeys(s)
	if err != nil {
		p.addAll(err)
	}
	for _, k := range sorted {
		if k.Type == layers.JSON {
			p.add("sortby", k.Name, "JSON is not sorted by", "one of "+strings.Join(s.Sortable(), ", "))
		}
	}
	return q.Sort
}
