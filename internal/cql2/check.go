package cql2

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// checker gives every node its type and computes what is constant. It makes new nodes
// and leaves the tree that it is given alone.
type checker struct {
	queryables Queryables
	macros     map[string]Macro
	expanding  int
}

// maxExpansions bounds macros that yield macros.
const maxExpansions = 10

var typeNames = map[Type]string{Boolean: "a condition", String: "text", Integer: "a number", Number: "a number",
	Date: "a date", Timestamp: "a time", Interval: "an interval", Geometry: "a geometry"}

// family groups the types that may be compared with each other.
func family(t Type) Type {
	switch t {
	case Integer:
		return Number
	case Date, Timestamp:
		return Timestamp
	}
	return t
}

// condition checks what must be true or false.
func (c *checker) condition(e Expr) (Expr, error) {
	e, err := c.check(e)
	if err != nil {
		return nil, err
	}
	if e.Type() != Boolean {
		remedy := "a condition is expected here, such as a comparison"
		if _, ok := e.(*Property); ok {
			remedy = "expected a comparison or IS NULL after the property"
		}
		return nil, wrong(e, text(e)+" is "+typeNames[e.Type()]+", not a condition", remedy)
	}
	return e, nil
}

// want checks what must be of a family of types.
func (c *checker) want(e Expr, t Type, by Op) (Expr, error) {
	e, err := c.check(e)
	if err != nil {
		return nil, err
	}
	if family(e.Type()) != t {
		remedy := ""
		if _, ok := e.(*Literal); ok && t == Geometry && e.Type() == String {
			remedy = "a geometry stands without quotation marks, such as POINT(108.3 22.8)"
		}
		return nil, wrong(e, fmt.Sprintf("%s takes %s, and %s is %s", nameOf(by), typeNames[t], shorten(text(e)), typeNames[e.Type()]), remedy)
	}
	return e, nil
}

func (c *checker) check(e Expr) (Expr, error) {
	switch e := e.(type) {
	case *Literal:
		return c.literal(e)
	case *Property:
		t, ok := c.queryables[e.Name]
		if !ok {
			return nil, c.unknownProperty(e)
		}
		return &Property{Name: e.Name, of: t, place: e.place}, nil
	case *Call:
		return c.call(e)
	}
	return nil, &Error{Reason: "a part of the filter is missing"}
}

func (c *checker) unknownProperty(p *Property) error {
	names := slices.Sorted(maps.Keys(c.queryables))
	remedy := "the layer has " + strings.Join(names, ", ")
	if s := similar(p.Name, names); s != "" {
		remedy = "did you mean " + s + "? " + remedy
	} else {
		remedy = "text stands between '; " + remedy
	}
	return wrong(p, "the layer has no property "+p.Name, remedy)
}

func (c *checker) literal(l *Literal) (Expr, error) {
	l = &Literal{Value: l.Value, place: l.place}
	switch v := l.Value.(type) {
	case bool:
		l.of = Boolean
	case string:
		l.of = String
		if err := readable(v); err != nil {
			return nil, wrong(l, err.Reason, err.Remedy)
		}
	case int64:
		l.of = Integer
	case float64:
		l.of = Number
	case Day:
		l.of = Date
	case time.Time:
		l.of = Timestamp
	case Period:
		l.of = Interval
	case *Shape:
		l.of = Geometry
		return l, c.sound(l)
	default:
		return nil, &Error{Column: l.column, Path: l.path, Reason: fmt.Sprintf("a literal can't be a %T", v)}
	}
	return l, nil
}

func (c *checker) call(e *Call) (Expr, error) {
	if !e.Op.known() {
		return c.expand(e)
	}
	if err := e.arity(); err != nil {
		return nil, err
	}
	n := &Call{Op: e.Op, of: Boolean, place: e.place}
	switch e.Op {
	case And, Or:
		return c.junction(n, e)
	case Not:
		return c.negation(n, e)
	case Equal, NotEqual, Less, Greater, LessOrEqual, GreaterOrEqual, Between, In:
		return c.comparison(n, e)
	case Like:
		return c.like(n, e)
	case IsNull:
		a, err := c.check(e.Args[0])
		n.Args = []Expr{a}
		return n, err
	case Plus, Minus, Times, Over, Modulo, Div, Power:
		n.of = Number
		return c.same(n, e, Number)
	case CaseI, AccentI:
		n.of = String
		return c.same(n, e, String)
	case SDWithin:
		return c.near(n, e)
	case MakeInterval:
		n.of = Interval
		return c.interval(n, e)
	}
	if strings.HasPrefix(string(e.Op), "s_") {
		return c.same(n, e, Geometry)
	}
	return c.temporal(n, e)
}

// same checks arguments of one family and computes the call where they are constant.
func (c *checker) same(n, e *Call, t Type) (Expr, error) {
	constant := true
	for _, a := range e.Args {
		a, err := c.want(a, t, e.Op)
		if err != nil {
			return nil, err
		}
		_, literal := a.(*Literal)
		constant = constant && literal
		n.Args = append(n.Args, a)
	}
	if constant && n.of != Boolean {
		if v := constantOf(n); v != nil {
			return c.literal(&Literal{Value: v, place: n.place})
		}
	}
	return n, nil
}

// constantOf computes a number or a text; nil where it is null.
func constantOf(e Expr) any {
	if e.Type() == String {
		if s, ok := textual(e)(nil); ok {
			return s
		}
	} else if f, ok := numeric(e)(nil); ok {
		return f
	}
	return nil
}

func (c *checker) junction(n, e *Call) (Expr, error) {
	for _, a := range e.Args {
		a, err := c.condition(a)
		if err != nil {
			return nil, err
		}
		if inner, ok := a.(*Call); ok && inner.Op == n.Op {
			n.Args = append(n.Args, inner.Args...)
		} else {
			n.Args = append(n.Args, a)
		}
	}
	return n, nil
}

func (c *checker) negation(n, e *Call) (Expr, error) {
	a, err := c.condition(e.Args[0])
	if err != nil {
		return nil, err
	}
	if inner, ok := a.(*Call); ok && inner.Op == Not {
		return inner.Args[0], nil
	}
	n.Args = []Expr{a}
	return n, nil
}

// comparison checks =, <>, <, >, <=, >=, BETWEEN and IN: all that is compared must be
// of one family. A text that spells a date or a time is one where that is wanted.
func (c *checker) comparison(n, e *Call) (Expr, error) {
	for _, a := range e.Args {
		a, err := c.check(a)
		if err != nil {
			return nil, err
		}
		n.Args = append(n.Args, a)
	}
	if slices.ContainsFunc(n.Args, isInstant) {
		for i, a := range n.Args {
			read, err := c.instant(a)
			if err != nil {
				return nil, err
			}
			n.Args[i] = read
		}
	}
	first := n.Args[0]
	for _, a := range n.Args {
		switch t := family(a.Type()); {
		case t == Geometry:
			return nil, wrong(a, "geometries are not compared with "+nameOf(e.Op), "use S_EQUALS, S_INTERSECTS or another of S_…")
		case t == Interval:
			return nil, wrong(a, "intervals are not compared with "+nameOf(e.Op), "use T_EQUALS, T_INTERSECTS or another of T_…")
		case t == Boolean && e.Op != Equal && e.Op != NotEqual && e.Op != In:
			return nil, wrong(a, "true and false have no order", "use = or <>")
		case t != family(first.Type()):
			return nil, mismatch(first, a)
		}
	}
	return n, nil
}

// mismatch says of two values that one can't be compared with the other.
func mismatch(a, b Expr) error {
	return wrong(b, fmt.Sprintf("%s is %s, and %s is %s", shorten(text(a)), typeNames[a.Type()], shorten(text(b)), typeNames[b.Type()]), toCompare(a, b))
}

// toCompare says what to compare a value with, where it is not the other.
func toCompare(a, b Expr) string {
	l, ok := b.(*Literal)
	switch {
	case ok && family(a.Type()) == Number && l.of == String:
		if _, number := parseNumber(l.Value.(string)); number {
			return "write " + l.Value.(string) + " without quotation marks"
		}
	case ok && a.Type() == String && family(l.of) == Number:
		return "write '" + text(l) + "' between quotation marks"
	case isInstant(a):
		return instantForms
	}
	return "compare it with " + typeNames[a.Type()]
}

const instantForms = "such as DATE('2026-07-01') or TIMESTAMP('2026-07-01T08:00:00Z')"

func isInstant(e Expr) bool { return family(e.Type()) == Timestamp }

// instant reads a text literal as a date or a time.
func (c *checker) instant(e Expr) (Expr, error) {
	l, ok := e.(*Literal)
	if !ok || l.of != String {
		return e, nil
	}
	v, ok := parseEnd(l.Value.(string))
	if !ok || v == ".." {
		return nil, wrong(l, shorten(text(l))+" is neither a date nor a time", instantForms)
	}
	return c.literal(&Literal{Value: v, place: l.place})
}

func (c *checker) like(n, e *Call) (Expr, error) {
	if _, err := c.same(n, e, String); err != nil {
		return nil, err
	}
	pattern, ok := n.Args[1].(*Literal)
	if !ok {
		return nil, wrong(n.Args[1], "the pattern of LIKE is no text", "a text such as 'South%', also within CASEI or ACCENTI")
	}
	p, ok := compileLike(pattern.Value.(string))
	if len(p) > MaxPattern {
		return nil, wrong(pattern, fmt.Sprintf("the pattern has more than %d characters", MaxPattern), "a shorter one")
	}
	if !ok {
		return nil, wrong(pattern, `the pattern ends in a \ that escapes nothing`, `a \ itself is written \\`)
	}
	return n, nil
}

func (c *checker) near(n, e *Call) (Expr, error) {
	for i, t := range []Type{Geometry, Geometry, Number} {
		a, err := c.want(e.Args[i], t, e.Op)
		if err != nil {
			return nil, err
		}
		n.Args = append(n.Args, a)
	}
	l, ok := n.Args[2].(*Literal)
	if !ok {
		return nil, wrong(n.Args[2], "the distance of S_DWITHIN is no constant", "a number of metres")
	}
	if f, _ := numeric(l)(nil); f < 0 {
		return nil, wrong(l, "the distance of S_DWITHIN is negative", "a number of metres")
	}
	return n, nil
}

func (c *checker) temporal(n, e *Call) (Expr, error) {
	for _, a := range e.Args {
		a, err := c.check(a)
		if err == nil {
			a, err = c.instant(a)
		}
		if err != nil {
			return nil, err
		}
		if !isInstant(a) && a.Type() != Interval {
			return nil, wrong(a, fmt.Sprintf("%s takes dates, times and intervals, and %s is %s", nameOf(e.Op), shorten(text(a)), typeNames[a.Type()]), "")
		}
		n.Args = append(n.Args, a)
	}
	return n, nil
}

func (c *checker) interval(n, e *Call) (Expr, error) {
	for _, a := range e.Args {
		a, err := c.check(a)
		if err != nil {
			return nil, err
		}
		if l, ok := a.(*Literal); !ok || l.Value != ".." {
			if a, err = c.instant(a); err != nil {
				return nil, err
			}
			if !isInstant(a) {
				return nil, wrong(a, fmt.Sprintf("an interval has a date or a time at its ends, and %s is %s", shorten(text(a)), typeNames[a.Type()]), "")
			}
		}
		n.Args = append(n.Args, a)
	}
	made, err := interval(n.place, n.Args[0], n.Args[1])
	if err != nil {
		return nil, err
	}
	if l, ok := made.(*Literal); ok {
		return c.literal(l)
	}
	return n, nil
}

// expand replaces the call of a macro by what it stands for.
func (c *checker) expand(e *Call) (Expr, error) {
	macro, ok := c.macros[strings.ToLower(string(e.Op))]
	if !ok {
		return nil, c.unknownFunction(e)
	}
	if c.expanding++; c.expanding > maxExpansions {
		return nil, wrong(e, "the function stands for itself", "")
	}
	defer func() { c.expanding-- }()
	var args []Expr
	for _, a := range e.Args {
		a, err := c.check(a)
		if err != nil {
			return nil, err
		}
		args = append(args, a)
	}
	made, err := macro(args)
	if err == nil {
		made, err = c.check(made)
	}
	if err == nil {
		return made, nil
	}
	at := &Error{}
	if !errors.As(err, &at) {
		at = &Error{Reason: err.Error()}
	}
	if at.Column == 0 && at.Path == "" {
		placed := *at
		placed.Column, placed.Path, placed.Near = e.column, e.path, shorten(text(e))
		return nil, &placed
	}
	return nil, at
}

func (c *checker) unknownFunction(e *Call) error {
	var names []string
	for _, f := range functions {
		names = append(names, nameOf(f))
	}
	names = append(names, slices.Sorted(maps.Keys(c.macros))...)
	remedy := "the functions are " + strings.Join(names, ", ")
	if s := similar(string(e.Op), names); s != "" {
		remedy = "did you mean " + s + "? " + remedy
	}
	return &Error{Column: e.column, Path: e.path, Near: string(e.Op), Reason: "there is no function " + string(e.Op), Remedy: remedy}
}
