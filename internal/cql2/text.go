package cql2

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ParseText reads a filter in the text encoding. The error is an *Error.
func ParseText(s string) (Expr, error) {
	if err := readable(s); err != nil {
		return nil, err
	}
	p := &parser{lex: lexer{rest: s, column: 1}}
	p.advance()
	p.advance()
	if p.now.kind == end {
		p.fail(p.now, "the filter is empty", "such as: name = '南宁'")
	}
	e := p.or()
	if p.now.kind != end {
		p.expected("AND, OR or the end")
	}
	if p.err == nil {
		p.err = p.lex.failed
	}
	if p.err == nil {
		p.err = whole(e)
	}
	if p.err != nil {
		return nil, p.err
	}
	return e, nil
}

// readable checks what no part of a filter may break.
func readable(s string) *Error {
	switch {
	case len(s) > MaxBytes:
		return tooLarge(place{}, fmt.Sprintf("the filter is longer than %d bytes", MaxBytes))
	case !utf8.ValidString(s):
		return &Error{Reason: "the filter is not valid UTF-8", Remedy: "encode it as UTF-8"}
	case strings.ContainsRune(s, 0):
		return &Error{Reason: "the filter holds a NUL character", Remedy: "leave it out"}
	}
	return nil
}

// parser is a recursive descent over the grammar of OGC 21-065r2, annex B, a method a
// rule. Predicates and values share their rules, as a function may be either: the type
// check tells them apart. After an error it sees only the end.
type parser struct {
	lex       lexer
	now, then token
	depth     int
	err       *Error
}

func (p *parser) advance() token {
	t := p.now
	p.now = p.then
	if p.err == nil {
		var err *Error
		if p.then, err = p.lex.next(); err != nil {
			p.then = token{kind: end, column: err.Column}
			p.lex.rest = ""
			p.lex.failed = err
		}
	}
	return t
}

func (p *parser) fail(at token, reason, remedy string) {
	if p.err == nil {
		p.err = &Error{Column: at.column, Near: at.String(), Reason: reason, Remedy: remedy}
		if at.kind == end && p.lex.failed != nil {
			p.err = p.lex.failed
		}
	}
	p.stop()
}

func (p *parser) stop() {
	p.now, p.then = token{kind: end, column: p.now.column}, token{kind: end, column: p.now.column}
}

// expected fails at the present token.
func (p *parser) expected(what string) {
	p.fail(p.now, "unexpected "+p.now.String(), "expected "+what)
}

// want takes a symbol that must come.
func (p *parser) want(s, after string) {
	if !p.now.is(s) {
		p.expected(s + " " + after)
		return
	}
	p.advance()
}

// took takes a keyword if it comes.
func (p *parser) took(keyword string) bool {
	if !p.now.keyword(keyword) {
		return false
	}
	p.advance()
	return true
}

// deeper guards the stack. Each level of the tree costs two at most: its parentheses
// and itself.
func (p *parser) deeper() bool {
	if p.depth++; p.depth > 2*MaxDepth+10 {
		p.fail(p.now, fmt.Sprintf("the filter is nested more than %d deep", MaxDepth), "ask for less at a time")
		return false
	}
	return true
}

func (p *parser) or() Expr  { return p.chain(Or, "OR", p.and) }
func (p *parser) and() Expr { return p.chain(And, "AND", p.not) }

func (p *parser) chain(op Op, keyword string, operand func() Expr) Expr {
	at := p.now
	all := []Expr{operand()}
	for p.took(keyword) {
		all = append(all, operand())
	}
	if len(all) == 1 {
		return all[0]
	}
	return call(at, op, all...)
}

func (p *parser) not() Expr {
	at := p.now
	if !p.took("NOT") {
		return p.predicate()
	}
	defer func() { p.depth-- }()
	if !p.deeper() {
		return nil
	}
	return call(at, Not, p.not())
}

func (p *parser) predicate() Expr {
	at := p.now
	left := p.sum()
	if p.now.kind == symbol {
		switch op := Op(p.now.text); op {
		case Equal, NotEqual, Less, Greater, LessOrEqual, GreaterOrEqual:
			p.advance()
			return call(at, op, left, p.sum())
		}
	}
	if p.took("IS") {
		negated := p.took("NOT")
		if !p.took("NULL") {
			p.expected("NULL after IS")
		}
		return negate(at, negated, call(at, IsNull, left))
	}
	negated := p.took("NOT")
	switch {
	case p.took("LIKE"):
		return negate(at, negated, call(at, Like, left, p.sum()))
	case p.took("BETWEEN"):
		low := p.sum()
		if !p.took("AND") {
			p.expected("AND between the bounds of BETWEEN")
		}
		return negate(at, negated, call(at, Between, left, low, p.sum()))
	case p.took("IN"):
		p.want("(", "before the list of IN")
		args := append([]Expr{left}, p.list(p.sum)...)
		p.want(")", "or , after a value of the list")
		return negate(at, negated, call(at, In, args...))
	case negated:
		p.expected("LIKE, BETWEEN or IN after NOT")
	case p.now.kind == word && !slices.ContainsFunc(reserved, p.now.keyword), p.now.kind == quotedText, p.now.kind == numeral, p.now.kind == quotedWord:
		if _, ok := left.(*Property); ok {
			p.expected("a comparison or IS NULL after the property")
		}
	}
	return left
}

func (p *parser) list(item func() Expr) []Expr {
	all := []Expr{item()}
	for p.now.is(",") {
		p.advance()
		all = append(all, item())
	}
	return all
}

func (p *parser) sum() Expr {
	at := p.now
	left := p.product()
	for p.now.is("+") || p.now.is("-") {
		op := Op(p.advance().text)
		left = call(at, op, left, p.product())
	}
	return left
}

func (p *parser) product() Expr {
	at := p.now
	left := p.power()
	for p.now.is("*") || p.now.is("/") || p.now.is("%") || p.now.keyword("DIV") {
		op := Op(strings.ToLower(p.advance().text))
		left = call(at, op, left, p.power())
	}
	return left
}

func (p *parser) power() Expr {
	at := p.now
	left := p.signed()
	if !p.now.is("^") {
		return left
	}
	p.advance()
	left = call(at, Power, left, p.signed())
	if p.now.is("^") {
		p.fail(p.now, "two powers in a row", "put one of them in parentheses")
	}
	return left
}

// signed is a value with its sign, which binds more tightly than ^.
func (p *parser) signed() Expr {
	at := p.now
	switch {
	case p.now.is("-"):
		p.advance()
		if p.now.kind == numeral {
			n := p.number("-")
			n.column = at.column
			return n
		}
		return call(at, Times, &Literal{Value: int64(-1), place: place{column: at.column}}, p.value())
	case p.now.is("+"):
		if p.advance(); p.now.kind != numeral {
			p.expected("a number after +")
		}
	}
	return p.value()
}

func (p *parser) number(sign string) *Literal {
	t := p.advance()
	v, ok := parseNumber(sign + t.text)
	if !ok {
		p.fail(t, "the number is too large", "at most about 1.8E308")
	}
	return &Literal{Value: v, place: place{column: t.column}}
}

// parseNumber reads a whole number of 64 bits as such, and else a double.
func parseNumber(s string) (any, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// reserved are the words that are no names unless they stand between ".
var reserved = []string{"AND", "OR", "NOT", "LIKE", "BETWEEN", "IN", "IS", "NULL", "TRUE", "FALSE", "DIV"}

func (p *parser) value() Expr {
	defer func() { p.depth-- }()
	if !p.deeper() {
		return nil
	}
	t := p.now
	at := place{column: t.column}
	switch {
	case t.kind == numeral:
		return p.number("")
	case t.kind == quotedText:
		p.advance()
		return &Literal{Value: t.text, place: at}
	case t.kind == quotedWord:
		p.advance()
		return &Property{Name: t.text, place: at}
	case t.is("("):
		p.advance()
		e := p.or()
		p.want(")", "or an operator")
		return e
	case t.keyword("TRUE"), t.keyword("FALSE"):
		p.advance()
		return &Literal{Value: t.keyword("TRUE"), place: at}
	case t.keyword("NULL"):
		p.fail(t, "null is no value to compare with", "write IS NULL or IS NOT NULL")
		return nil
	case t.kind == word && slices.ContainsFunc(reserved, t.keyword):
		p.fail(t, "unexpected "+t.text, fmt.Sprintf("expected a property, a value or a function; a property of that name is written %q", t.text))
		return nil
	case t.kind == word && p.startsGeometry():
		return p.geometry()
	case t.kind == word && p.then.is("("):
		return p.function()
	case t.kind == word:
		p.advance()
		return &Property{Name: t.text, place: at}
	}
	p.expected("a property, a value or a function")
	return nil
}

// function is name(…): one of the language's own words, in any case, or another's.
func (p *parser) function() Expr {
	name := p.advance()
	p.advance()
	if isArrayFunction(name.text) {
		p.fail(name, noArrays, "")
	}
	var e Expr
	switch strings.ToUpper(name.text) {
	case "DATE":
		e = p.instant(name, func(s string) (any, bool) { d, ok := parseDay(s); return d, ok }, "a date such as '2026-07-01'")
	case "TIMESTAMP":
		e = p.instant(name, func(s string) (any, bool) { t, ok := parseInstant(s); return t, ok }, "a time such as '2026-07-01T08:00:00Z'")
	case "INTERVAL":
		from := p.intervalEnd()
		p.want(",", "between the ends of the interval")
		e = p.interval(name, from, p.intervalEnd())
	case "BBOX":
		e = p.bbox(name)
	default:
		var args []Expr
		if !p.now.is(")") {
			args = p.list(p.or)
		}
		e = call(name, opOf(name.text), args...)
	}
	p.want(")", "after the arguments of "+name.text)
	return e
}

func (p *parser) instant(name token, parse func(string) (any, bool), what string) Expr {
	t := p.now
	if t.kind != quotedText {
		p.expected(what)
		return nil
	}
	v, ok := parse(t.text)
	if !ok {
		p.fail(t, t.String()+" is not "+what, "see RFC 3339")
	}
	p.advance()
	return &Literal{Value: v, place: place{column: name.column}}
}

// intervalEnd is a quoted instant, '..', or an expression that yields an instant.
func (p *parser) intervalEnd() Expr {
	t := p.now
	if t.kind != quotedText {
		return p.sum()
	}
	p.advance()
	v, ok := parseEnd(t.text)
	if !ok {
		p.fail(t, t.String()+" is no end of an interval", "a date, a time (RFC 3339), '..' or a property")
	}
	return &Literal{Value: v, place: place{column: t.column}}
}

func (p *parser) interval(name token, from, to Expr) Expr {
	if p.err != nil {
		return nil
	}
	e, err := interval(place{column: name.column}, from, to)
	if err != nil {
		p.err = err
		p.stop()
	}
	return e
}

func call(at token, op Op, args ...Expr) Expr {
	return &Call{Op: op, Args: args, place: place{column: at.column}}
}

func negate(at token, negated bool, e Expr) Expr {
	if negated {
		return call(at, Not, e)
	}
	return e
}

// parseDay reads YYYY-MM-DD.
func parseDay(s string) (Day, bool) {
	_, err := time.Parse(time.DateOnly, s)
	return Day(s), err == nil
}

// parseInstant reads RFC 3339, to the millisecond.
func parseInstant(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC().Truncate(time.Millisecond), err == nil && t.UTC().Year() >= 0 && t.UTC().Year() <= 9999
}

// parseEnd reads what may stand between quotation marks as the end of an interval.
func parseEnd(s string) (any, bool) {
	if s == ".." {
		return s, true
	}
	if d, ok := parseDay(s); ok {
		return d, true
	}
	t, ok := parseInstant(s)
	return t, ok
}

// interval is the value of two literals, and else a call.
func interval(at place, from, to Expr) (Expr, *Error) {
	first, starts, err := endOfTime(from)
	if err != nil {
		return nil, err
	}
	second, ends, err := endOfTime(to)
	if err != nil {
		return nil, err
	}
	if !starts || !ends {
		return &Call{Op: MakeInterval, Args: []Expr{from, to}, place: at}, nil
	}
	var p Period
	if first.start > math.MinInt64 {
		p.Start = time.UnixMilli(first.start).UTC()
	}
	if second.end < math.MaxInt64 {
		p.End = time.UnixMilli(second.end).UTC()
	}
	if first.start > second.end {
		return nil, &Error{Column: at.column, Path: at.path, Reason: "the interval ends before it starts", Remedy: "turn its ends round"}
	}
	return &Literal{Value: p, place: at}, nil
}

// endOfTime is the span of a literal end of an interval; false if it is no literal.
func endOfTime(e Expr) (span, bool, *Error) {
	l, ok := e.(*Literal)
	if !ok {
		return span{}, false, nil
	}
	if l.Value == ".." {
		return always, true, nil
	}
	s, ok := spanOf(l.Value)
	if _, period := l.Value.(Period); !ok || period {
		return span{}, false, wrong(l, "no end of an interval", "a date, a time (RFC 3339), '..' or a property")
	}
	return s, true, nil
}
