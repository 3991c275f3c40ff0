package cql2

import (
	"slices"
	"strings"
)

// truth is what a condition is of a row: false, true, or unknown, as in SQL.
type truth uint8

const (
	no truth = iota
	yes
	unknown
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// A checked expression becomes a function of the row; the second result is false for
// null.
type (
	predicate func(Row) truth
	textOf    func(Row) (string, bool)
	numberOf  func(Row) (float64, bool)
	integerOf func(Row) (int64, bool)
	timeOf    func(Row) (span, bool)
	shapeOf   func(Row) *Shape // nil for null
)

// condition makes the function of a checked expression that is a condition.
func condition(e Expr) predicate {
	switch e := e.(type) {
	case *Literal:
		is := truthOf(e.Value.(bool))
		return func(Row) truth { return is }
	case *Property:
		return func(r Row) truth {
			b, ok := r.Value(e.Name).(bool)
			if !ok {
				return unknown
			}
			return truthOf(b)
		}
	}
	c := e.(*Call)
	switch c.Op {
	case And:
		return junction(c.Args, no)
	case Or:
		return junction(c.Args, yes)
	case Not:
		inner := condition(c.Args[0])
		return func(r Row) truth { return negated[inner(r)] }
	case IsNull:
		return isNull(c.Args[0])
	case Like:
		return like(c.Args[0], c.Args[1].(*Literal).Value.(string))
	case Between:
		return junction([]Expr{&Call{Op: GreaterOrEqual, Args: []Expr{c.Args[0], c.Args[1]}}, &Call{Op: LessOrEqual, Args: []Expr{c.Args[0], c.Args[2]}}}, no)
	case In:
		return in(c.Args[0], c.Args[1:])
	case Equal, NotEqual, Less, Greater, LessOrEqual, GreaterOrEqual:
		return compare(c.Op, c.Args[0], c.Args[1])
	case SDWithin:
		return near(c.Args[0], c.Args[1], c.Args[2])
	}
	if holds, ok := relations[c.Op]; ok {
		a, b := temporal(c.Args[0]), temporal(c.Args[1])
		return func(r Row) truth {
			x, ok := a(r)
			if !ok {
				return unknown
			}
			y, ok := b(r)
			if !ok {
				return unknown
			}
			return truthOf(holds(x, y))
		}
	}
	return relate(c.Op, c.Args[0], c.Args[1])
}

var negated = [...]truth{no: yes, yes: no, unknown: unknown}

// junction is AND, which one false decides, or OR, which one true decides.
func junction(args []Expr, decides truth) predicate {
	all := make([]predicate, len(args))
	for i, a := range args {
		all[i] = condition(a)
	}
	return func(r Row) truth {
		result := negated[decides]
		for _, p := range all {
			switch p(r) {
			case decides:
				return decides
			case unknown:
				result = unknown
			}
		}
		return result
	}
}

func isNull(e Expr) predicate {
	var null func(Row) bool
	switch e := e.(type) {
	case *Property:
		null = func(r Row) bool { return absent(r.Value(e.Name)) }
	default:
		switch family(e.Type()) {
		case Boolean:
			f := condition(e)
			null = func(r Row) bool { return f(r) == unknown }
		case String:
			null = lacks(textual(e))
		case Number:
			null = lacks(numeric(e))
		case Timestamp, Interval:
			null = lacks(temporal(e))
		default:
			f := shape(e)
			null = func(r Row) bool { return f(r) == nil }
		}
	}
	return func(r Row) truth { return truthOf(null(r)) }
}

func lacks[T any](f func(Row) (T, bool)) func(Row) bool {
	return func(r Row) bool {
		_, ok := f(r)
		return !ok
	}
}

// absent reports whether a row's value is null; a nil *Shape is.
func absent(v any) bool {
	s, shape := v.(*Shape)
	return v == nil || shape && s == nil
}

// orders are the comparisons by what a three-way comparison gives.
var orders = map[Op]func(int) bool{
	Equal:          func(c int) bool { return c == 0 },
	NotEqual:       func(c int) bool { return c != 0 },
	Less:           func(c int) bool { return c < 0 },
	Greater:        func(c int) bool { return c > 0 },
	LessOrEqual:    func(c int) bool { return c <= 0 },
	GreaterOrEqual: func(c int) bool { return c >= 0 },
}

func compare(op Op, a, b Expr) predicate {
	holds := orders[op]
	switch family(a.Type()) {
	case Boolean:
		x, y, equal := condition(a), condition(b), op == Equal
		return func(r Row) truth {
			u, v := x(r), y(r)
			if u == unknown || v == unknown {
				return unknown
			}
			return truthOf((u == v) == equal)
		}
	case String:
		return comparisonOf(textual(a), textual(b), strings.Compare, holds)
	case Timestamp:
		return comparisonOf(temporal(a), temporal(b), span.compare, holds)
	}
	if a.Type() == Integer && b.Type() == Integer {
		return comparisonOf(integer(a), integer(b), order, holds)
	}
	return comparisonOf(numeric(a), numeric(b), order, holds)
}

func comparisonOf[T any](a, b func(Row) (T, bool), compare func(T, T) int, holds func(int) bool) predicate {
	return func(r Row) truth {
		x, ok := a(r)
		if !ok {
			return unknown
		}
		y, ok := b(r)
		if !ok {
			return unknown
		}
		return truthOf(holds(compare(x, y)))
	}
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// in is an equality with one of several. Texts and numbers are looked up; a whole number
// is among whole ones only, as it is not compared with others exactly.
func in(e Expr, list []Expr) predicate {
	switch {
	case e.Type() == String && constants(list, String):
		return among(textual(e), list, textual)
	case e.Type() == Integer && constants(list, Integer):
		return among(integer(e), list, integer)
	case e.Type() == Number && constants(list, Integer, Number):
		return among(numeric(e), list, numeric)
	}
	all := make([]Expr, len(list))
	for i, candidate := range list {
		all[i] = &Call{Op: Equal, Args: []Expr{e, candidate}}
	}
	return junction(all, yes)
}

func constants(list []Expr, types ...Type) bool {
	return !slices.ContainsFunc(list, func(e Expr) bool {
		_, literal := e.(*Literal)
		return !literal || !slices.Contains(types, e.Type())
	})
}

func among[T comparable, F ~func(Row) (T, bool)](value F, list []Expr, of func(Expr) F) predicate {
	set := make(map[T]bool, len(list))
	for _, e := range list {
		v, _ := of(e)(nil)
		set[v] = true
	}
	return func(r Row) truth {
		v, ok := value(r)
		if !ok {
			return unknown
		}
		return truthOf(set[v])
	}
}

func property[T any](name string) func(Row) (T, bool) {
	return func(r Row) (T, bool) {
		v, ok := r.Value(name).(T)
		return v, ok
	}
}

func constant[T any](v T) func(Row) (T, bool) {
	return func(Row) (T, bool) { return v, true }
}

func temporal(e Expr) timeOf {
	switch e := e.(type) {
	case *Literal:
		s, _ := spanOf(e.Value)
		return constant(s)
	case *Property:
		return func(r Row) (span, bool) { return spanOf(r.Value(e.Name)) }
	}
	args := e.(*Call).Args
	from, to := endOf(args[0]), endOf(args[1])
	return func(r Row) (span, bool) {
		a, ok := from(r)
		if !ok {
			return span{}, false
		}
		b, ok := to(r)
		return span{a.start, b.end}, ok
	}
}

// endOf is an end of an interval, or all of time where it is open.
func endOf(e Expr) timeOf {
	if l, ok := e.(*Literal); ok && l.Value == ".." {
		return constant(always)
	}
	return temporal(e)
}

func shape(e Expr) shapeOf {
	if l, ok := e.(*Literal); ok {
		s := l.Value.(*Shape)
		return func(Row) *Shape { return s }
	}
	name := e.(*Property).Name
	return func(r Row) *Shape {
		s, _ := r.Value(name).(*Shape)
		return s
	}
}
