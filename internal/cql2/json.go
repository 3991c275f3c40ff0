package cql2

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// ParseJSON reads a filter in the JSON encoding. The error is an *Error.
func ParseJSON(raw []byte) (Expr, error) {
	if err := readable(string(raw)); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = fmt.Errorf("something follows the filter")
		}
	}
	if err != nil {
		return nil, &Error{Reason: "not JSON: " + err.Error(), Remedy: "see RFC 8259"}
	}
	p := jsonParser{}
	e := p.expr(v, "")
	if p.err == nil {
		p.err = whole(e)
	}
	if p.err != nil {
		return nil, p.err
	}
	return e, nil
}

// jsonParser reads what a decoder made of a document: a method a form. After an error
// nothing that it returns counts.
type jsonParser struct {
	depth int
	err   *Error
}

func (p *jsonParser) fail(path string, near any, reason, remedy string) {
	if p.err == nil {
		b, _ := json.Marshal(near)
		p.err = &Error{Path: path, Near: shorten(string(b)), Reason: reason, Remedy: remedy}
	}
}

const jsonForms = `{"op": …, "args": […]}, {"property": …}, a value, {"date": …}, {"timestamp": …}, {"interval": […]}, {"bbox": […]} or a GeoJSON geometry`

func (p *jsonParser) expr(v any, path string) Expr {
	if p.depth++; p.depth > 2*MaxDepth {
		p.fail(path, nil, fmt.Sprintf("the filter is nested more than %d deep", MaxDepth), "ask for less at a time")
	}
	defer func() { p.depth-- }()
	if p.err != nil {
		return nil
	}
	at := place{path: path}
	switch v := v.(type) {
	case bool:
		return &Literal{Value: v, place: at}
	case string:
		p.readable(v, path)
		return &Literal{Value: v, place: at}
	case json.Number:
		n, ok := parseNumber(v.String())
		if !ok {
			p.fail(path, v, "the number is too large", "at most about 1.8E308")
		}
		return &Literal{Value: n, place: at}
	case map[string]any:
		return p.object(v, path)
	case nil:
		p.fail(path, v, "null is no value to compare with", `{"op": "isNull", "args": […]}`)
	default:
		p.fail(path, v, "a list where a value stands", jsonForms)
	}
	return nil
}

func (p *jsonParser) readable(s, path string) {
	if err := readable(s); err != nil {
		p.fail(path, s, err.Reason, err.Remedy)
	}
}

func (p *jsonParser) object(o map[string]any, path string) Expr {
	at := place{path: path}
	if t, ok := o["type"].(string); ok && o["op"] == nil {
		g := p.geometry(o, t, path, 0)
		if p.err != nil {
			return nil
		}
		return &Literal{Value: NewShape(g), place: at}
	}
	if op, ok := o["op"].(string); ok {
		p.only(o, path, "op", "args")
		return p.call(op, o["args"], path)
	}
	if len(o) != 1 {
		p.fail(path, o, "not a part of a filter", jsonForms)
		return nil
	}
	for form, v := range o {
		path := join(path, form)
		switch form {
		case "property":
			name := p.text(v, path, "a property has a name")
			return &Property{Name: name, place: at}
		case "date":
			d, ok := parseDay(p.text(v, path, "a date is text"))
			if !ok {
				p.fail(path, v, "not a date", "such as 2026-07-01")
			}
			return &Literal{Value: d, place: at}
		case "timestamp":
			t, ok := parseInstant(p.text(v, path, "a time is text"))
			if !ok {
				p.fail(path, v, "not a time", "RFC 3339, such as 2026-07-01T08:00:00Z")
			}
			return &Literal{Value: t, place: at}
		case "interval":
			return p.interval(v, at, path)
		case "bbox":
			numbers := p.numbers(p.list(v, path), path)
			if p.err != nil {
				return nil
			}
			box, err := boxLiteral(at, numbers)
			if err != nil {
				p.err = err
				return nil
			}
			return box
		}
	}
	p.fail(path, o, "not a part of a filter", jsonForms)
	return nil
}

func (p *jsonParser) call(op string, args any, path string) Expr {
	c := &Call{Op: opOf(op), place: place{path: path}}
	list := []any{}
	if args != nil {
		list = p.list(args, join(path, "args"))
	}
	switch {
	case isArrayFunction(op):
		p.fail(path, op, noArrays, "")
		return c
	case c.Op == MakeInterval, !c.Op.known() && !isFunctionName(op):
		p.fail(join(path, "op"), op, "not the name of a function", jsonForms)
		return c
	}
	at := join(path, "args")
	if c.Op == In {
		var candidates []any
		if len(list) == 2 {
			candidates, _ = list[1].([]any)
		}
		if len(candidates) == 0 {
			p.fail(path, args, "IN takes a value and a list of values", `{"op": "in", "args": [{"property": "a"}, [1, 2]]}`)
			return c
		}
		c.Args = p.exprs(list[:1], at)
		c.Args = append(c.Args, p.exprs(candidates, at+"[1]")...)
		return c
	}
	c.Args = p.exprs(list, at)
	return c
}

func (p *jsonParser) exprs(list []any, path string) []Expr {
	var all []Expr
	for i, v := range list {
		all = append(all, p.expr(v, fmt.Sprintf("%s[%d]", path, i)))
	}
	return all
}

func (p *jsonParser) interval(v any, at place, path string) Expr {
	ends := p.list(v, path)
	if len(ends) != 2 {
		p.fail(path, v, "an interval has two ends", `such as {"interval": ["2026-07-01", ".."]}`)
		return nil
	}
	var both [2]Expr
	for i, end := range ends {
		at := fmt.Sprintf("%s[%d]", path, i)
		s, ok := end.(string)
		if !ok {
			both[i] = p.expr(end, at)
			continue
		}
		value, ok := parseEnd(s)
		if !ok {
			p.fail(at, s, "no end of an interval", `a date, a time (RFC 3339), ".." or a property`)
		}
		both[i] = &Literal{Value: value, place: place{path: at}}
	}
	if p.err != nil {
		return nil
	}
	e, err := interval(at, both[0], both[1])
	if err != nil {
		p.err = err
	}
	return e
}

func (p *jsonParser) only(o map[string]any, path string, members ...string) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains(members, name) {
			p.fail(join(path, name), o[name], "unknown member "+name, "the members are "+strings.Join(members, ", "))
		}
	}
}

func (p *jsonParser) text(v any, path, reason string) string {
	s, ok := v.(string)
	if !ok {
		p.fail(path, v, reason, "a JSON string")
	}
	p.readable(s, path)
	return s
}

func (p *jsonParser) list(v any, path string) []any {
	l, ok := v.([]any)
	if !ok {
		p.fail(path, v, "not a list", "a JSON array")
	}
	return l
}

func (p *jsonParser) numbers(list []any, path string) []float64 {
	all := make([]float64, 0, len(list))
	for i, v := range list {
		n, ok := v.(json.Number)
		f, err := n.Float64()
		if !ok || err != nil {
			p.fail(fmt.Sprintf("%s[%d]", path, i), v, "not a number", "longitude and latitude in degrees")
		}
		all = append(all, f)
	}
	return all
}

func join(path, member string) string {
	if path == "" {
		return member
	}
	return path + "." + member
}
