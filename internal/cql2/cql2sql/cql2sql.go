// Package cql2sql writes a filter as SQL, as far as a database answers it as the
// evaluator does. What it can't say it leaves out, so that the condition chooses too
// many rows and never too few; whether it chooses exactly the right ones it tells.
//
// Values are always bound. Stores import it.
package cql2sql

import (
	"strings"
	"time"

	"onemap/internal/cql2"
)

// SQL is a condition or a value. A Mark in the text stands for each argument.
type SQL struct {
	Text string
	Args []any
}

// Mark is where an argument belongs: a character that no name and no operator has.
const Mark = "\x00"

// Bind is a value that is bound.
func Bind(v any) SQL { return SQL{Mark, []any{v}} }

// Join puts parts together, with separators between them.
func Join(sep string, parts ...SQL) (out SQL) {
	for i, p := range parts {
		if i > 0 {
			out.Text += sep
		}
		out.Text += p.Text
		out.Args = append(out.Args, p.Args...)
	}
	return out
}

// In puts a part between two texts.
func (s SQL) In(before, after string) SQL { return SQL{before + s.Text + after, s.Args} }

// Dialect is what a database can say. Its methods return false for what it would not
// say just as the evaluator does.
type Dialect interface {
	// Column is a queryable, as what its type is compared as. Text that is ordered
	// compares by code point.
	Column(p *cql2.Property, ordered bool) (SQL, bool)
	// Value is a constant to be compared with a column of a type: a string, int64,
	// float64, bool, cql2.Day or time.Time.
	Value(v any) (SQL, bool)
	// Like compares a text with a pattern.
	Like(text SQL, pattern string) (s SQL, exact, ok bool)
	// Fold is CASEI or ACCENTI of a text.
	Fold(op cql2.Op, text SQL) (SQL, bool)
	// Compute is an operation on two numbers, in doubles.
	Compute(op cql2.Op, a, b SQL) (SQL, bool)
	// Relate is a spatial predicate of a call whose arguments are a property and a
	// literal, in this order or the other.
	Relate(c *cql2.Call) (s SQL, exact, ok bool)
	// Null tells of a column that the evaluator finds null.
	Null(p *cql2.Property) (s SQL, exact, ok bool)
	// Exact reports whether comparing a column chooses the right rows, or only no row
	// too few: what a department's column holds may be nothing to us.
	Exact(p *cql2.Property) bool
}

// Where returns a condition that is true of every row that the filter chooses, and
// whether of these alone. An empty one says nothing.
func Where(f *cql2.Filter, d Dialect) (s SQL, exact bool) {
	w := writer{d}
	return w.condition(f.Root(), false)
}

type writer struct{ Dialect }

// condition writes an expression, or what it is when it is negated.
func (w writer) condition(e cql2.Expr, negated bool) (SQL, bool) {
	c, ok := e.(*cql2.Call)
	if !ok {
		return w.boolean(e, negated)
	}
	switch c.Op {
	case cql2.Not:
		return w.condition(c.Args[0], !negated)
	case cql2.And, cql2.Or:
		return w.junction(c, negated)
	case cql2.Equal, cql2.NotEqual, cql2.Less, cql2.Greater, cql2.LessOrEqual, cql2.GreaterOrEqual:
		op := c.Op
		if negated {
			op = opposite[op]
		}
		return w.comparison(op, c.Args[0], c.Args[1])
	case cql2.Between:
		parts := []cql2.Expr{
			&cql2.Call{Op: cql2.GreaterOrEqual, Args: []cql2.Expr{c.Args[0], c.Args[1]}},
			&cql2.Call{Op: cql2.LessOrEqual, Args: []cql2.Expr{c.Args[0], c.Args[2]}},
		}
		return w.junction(&cql2.Call{Op: cql2.And, Args: parts}, negated)
	case cql2.In:
		return w.in(c, negated)
	case cql2.IsNull:
		return w.null(c, negated)
	case cql2.Like:
		return w.like(c, negated)
	}
	if strings.HasPrefix(string(c.Op), "s_") {
		s, exact, ok := w.Relate(c)
		return negate(s, exact, ok, negated)
	}
	return SQL{}, false
}

// negate is the negation of what is known exactly, and nothing of what is not.
func negate(s SQL, exact, ok, negated bool) (SQL, bool) {
	switch {
	case !ok || negated && !exact:
		return SQL{}, false
	case negated:
		return s.In("NOT (", ")"), true
	}
	return s, exact
}

var opposite = map[cql2.Op]cql2.Op{
	cql2.Equal: cql2.NotEqual, cql2.NotEqual: cql2.Equal, cql2.Less: cql2.GreaterOrEqual,
	cql2.GreaterOrEqual: cql2.Less, cql2.Greater: cql2.LessOrEqual, cql2.LessOrEqual: cql2.Greater,
}

// boolean is a property or a literal that is true or false by itself.
func (w writer) boolean(e cql2.Expr, negated bool) (SQL, bool) {
	return w.comparison(cql2.Equal, e, &cql2.Literal{Value: !negated})
}

// junction is AND, or OR, of which a negation makes the other.
func (w writer) junction(c *cql2.Call, negated bool) (SQL, bool) {
	all := (c.Op == cql2.And) != negated
	exact := true
	var parts []SQL
	for _, a := range c.Args {
		s, is := w.condition(a, negated)
		exact = exact && is
		switch {
		case s.Text != "":
			parts = append(parts, s.In("(", ")"))
		case !all:
			return SQL{}, false // or anything else
		}
	}
	sep := " OR "
	if all {
		sep = " AND "
	}
	return Join(sep, parts...), exact
}

// comparison compares two values of one kind.
func (w writer) comparison(op cql2.Op, a, b cql2.Expr) (SQL, bool) {
	if isTime(a) || isTime(b) {
		return w.instants(op, a, b)
	}
	if constant(a) && constant(b) {
		return SQL{}, false // nobody asks that in earnest
	}
	ordered := op != cql2.Equal && op != cql2.NotEqual
	x, ok := w.value(a, ordered)
	y, both := w.value(b, ordered)
	if !ok || !both {
		return SQL{}, false
	}
	return Join(" "+string(op)+" ", x, y), w.exact(a) && w.exact(b)
}

func isTime(e cql2.Expr) bool { return e.Type() == cql2.Date || e.Type() == cql2.Timestamp }

// reversed is the comparison with its sides changed.
var reversed = map[cql2.Op]cql2.Op{
	cql2.Equal: cql2.Equal, cql2.NotEqual: cql2.NotEqual, cql2.Less: cql2.Greater, cql2.Greater: cql2.Less,
	cql2.LessOrEqual: cql2.GreaterOrEqual, cql2.GreaterOrEqual: cql2.LessOrEqual,
}

// instants compares a column with a constant. As the column may be finer than a
// millisecond, only "from" and "before" are asked.
func (w writer) instants(op cql2.Op, a, b cql2.Expr) (SQL, bool) {
	p, ok := a.(*cql2.Property)
	l, constant := b.(*cql2.Literal)
	if !ok || !constant {
		p, ok = b.(*cql2.Property)
		l, constant = a.(*cql2.Literal)
		op = reversed[op]
	}
	if !ok || !constant {
		return SQL{}, false
	}
	from, after, ok := bounds(l.Value, p.Type())
	if !ok {
		return SQL{}, false
	}
	c, ok := w.Column(p, true)
	start, both := w.Value(from)
	end, all := w.Value(after)
	if !ok || !both || !all {
		return SQL{}, false
	}
	isFrom := func(bound SQL) SQL { return Join(" >= ", c, bound) }
	isBefore := func(bound SQL) SQL { return Join(" < ", c, bound) }
	exact := w.Exact(p)
	switch op {
	case cql2.Less:
		return isBefore(start), exact
	case cql2.GreaterOrEqual:
		return isFrom(start), exact
	case cql2.Greater:
		return isFrom(end), exact
	case cql2.LessOrEqual:
		return isBefore(end), exact
	case cql2.Equal:
		return Join(" AND ", isFrom(start), isBefore(end)), exact
	default:
		return Join(" OR ", isBefore(start), isFrom(end)), exact
	}
}

// Beijing is where dates are days.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// bounds returns where a constant starts, and the first moment after it, as a column of
// a type has them.
func bounds(v any, of cql2.Type) (from, after any, ok bool) {
	switch v := v.(type) {
	case cql2.Day:
		start, err := time.ParseInLocation(time.DateOnly, string(v), beijing)
		if err != nil {
			return nil, nil, false
		}
		next := start.AddDate(0, 0, 1)
		if of == cql2.Date {
			return v, cql2.Day(next.Format(time.DateOnly)), next.Year() < 10_000
		}
		return start.UTC(), next.UTC(), true
	case time.Time:
		if of == cql2.Date {
			start := v.In(beijing)
			next := start.AddDate(0, 0, 1)
			return cql2.Day(start.Format(time.DateOnly)), cql2.Day(next.Format(time.DateOnly)), start.Year() > 0 && next.Year() < 10_000
		}
		return v, v.Add(time.Millisecond), true
	}
	return nil, nil, false
}

func (w writer) in(c *cql2.Call, negated bool) (SQL, bool) {
	v, ok := w.value(c.Args[0], false)
	exact := w.exact(c.Args[0])
	if !ok || isTime(c.Args[0]) {
		return SQL{}, false
	}
	var list []SQL
	for _, a := range c.Args[1:] {
		one, ok := w.value(a, false)
		if !ok {
			return SQL{}, false
		}
		exact = exact && w.exact(a)
		list = append(list, one)
	}
	s := Join(" ", v, Join(", ", list...).In("IN (", ")"))
	if negated {
		s = Join(" ", v, Join(", ", list...).In("NOT IN (", ")"))
	}
	return s, exact
}

func (w writer) null(c *cql2.Call, negated bool) (SQL, bool) {
	p, ok := c.Args[0].(*cql2.Property)
	if !ok {
		return SQL{}, false
	}
	s, exact, ok := w.Null(p)
	if ok && negated && !exact { // what the column has not, nobody finds
		if c, ok := w.Column(p, false); ok {
			return c.In("", " IS NOT NULL"), false
		}
	}
	return negate(s, exact, ok, negated)
}

func (w writer) like(c *cql2.Call, negated bool) (SQL, bool) {
	text, ok := w.value(c.Args[0], true)
	pattern, constant := c.Args[1].(*cql2.Literal)
	if !ok || !constant {
		return SQL{}, false
	}
	s, exact, ok := w.Like(text, pattern.Value.(string))
	return negate(s, exact && w.exact(c.Args[0]), ok, negated)
}

// value writes what is no condition.
func (w writer) value(e cql2.Expr, ordered bool) (SQL, bool) {
	switch e := e.(type) {
	case *cql2.Literal:
		return w.Value(e.Value)
	case *cql2.Property:
		return w.Column(e, ordered)
	}
	c := e.(*cql2.Call)
	switch c.Op {
	case cql2.CaseI, cql2.AccentI:
		text, ok := w.value(c.Args[0], true)
		if !ok {
			return SQL{}, false
		}
		return w.Fold(c.Op, text)
	case cql2.Plus, cql2.Minus, cql2.Times, cql2.Over, cql2.Div, cql2.Modulo, cql2.Power:
		a, ok := w.value(c.Args[0], false)
		b, both := w.value(c.Args[1], false)
		if !ok || !both {
			return SQL{}, false
		}
		return w.Compute(c.Op, a, b)
	}
	return SQL{}, false
}

// constant reports whether an expression asks for no property.
func constant(e cql2.Expr) bool {
	switch e := e.(type) {
	case *cql2.Property:
		return false
	case *cql2.Call:
		for _, a := range e.Args {
			if !constant(a) {
				return false
			}
		}
	}
	return true
}

// exact reports whether a value is just the evaluator's.
func (w writer) exact(e cql2.Expr) bool {
	switch e := e.(type) {
	case *cql2.Property:
		return w.Exact(e)
	case *cql2.Call:
		for _, a := range e.Args {
			if !w.exact(a) {
				return false
			}
		}
	}
	return true
}
