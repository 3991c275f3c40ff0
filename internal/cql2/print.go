package cql2

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// text is the canonical text of an expression, which reads back as the same tree.
func text(e Expr) string { return string(appendText(nil, e, loosest)) }

// How tightly an expression holds together. What stands where something tighter must
// stand is put in parentheses.
const (
	loosest = iota
	disjunction
	conjunction
	negation
	comparison
	sum
	product
	power
	atom
)

func tightness(e Expr) int {
	c, ok := e.(*Call)
	if !ok {
		return atom
	}
	switch c.Op {
	case Or:
		return disjunction
	case And:
		return conjunction
	case Not:
		if inner, ok := c.Args[0].(*Call); ok && slices.Contains([]Op{Like, Between, In, IsNull}, inner.Op) {
			return comparison
		}
		return negation
	case Equal, NotEqual, Less, Greater, LessOrEqual, GreaterOrEqual, Like, Between, In, IsNull:
		return comparison
	case Plus, Minus:
		return sum
	case Times, Over, Modulo, Div:
		return product
	case Power:
		return power
	}
	return atom
}

func appendText(b []byte, e Expr, least int) []byte {
	own := tightness(e)
	if own < least {
		return append(appendText(append(b, '('), e, loosest), ')')
	}
	switch e := e.(type) {
	case *Literal:
		return appendLiteral(b, e.Value)
	case *Property:
		return appendName(b, e.Name)
	case *Call:
		return appendCall(b, e, own)
	}
	return b
}

func appendCall(b []byte, c *Call, own int) []byte {
	not := ""
	if c.Op == Not {
		if own == negation {
			return appendText(append(b, "NOT "...), c.Args[0], negation)
		}
		c, not = c.Args[0].(*Call), "NOT "
	}
	switch c.Op {
	case And, Or:
		return appendList(b, c.Args, " "+strings.ToUpper(string(c.Op))+" ", own+1)
	case Equal, NotEqual, Less, Greater, LessOrEqual, GreaterOrEqual:
		return appendList(b, c.Args, " "+string(c.Op)+" ", sum)
	case Plus, Minus, Times, Over, Modulo, Div:
		b = appendText(b, c.Args[0], own)
		b = append(append(append(b, ' '), strings.ToUpper(string(c.Op))...), ' ')
		return appendText(b, c.Args[1], own+1)
	case Power:
		return appendList(b, c.Args, " ^ ", atom)
	case IsNull:
		return append(appendText(b, c.Args[0], sum), " IS "+not+"NULL"...)
	case Like:
		return appendList(b, c.Args, " "+not+"LIKE ", sum)
	case Between:
		b = append(appendText(b, c.Args[0], sum), " "+not+"BETWEEN "...)
		return appendList(b, c.Args[1:], " AND ", sum)
	case In:
		b = append(appendText(b, c.Args[0], sum), " "+not+"IN ("...)
		return append(appendList(b, c.Args[1:], ", ", sum), ')')
	case MakeInterval:
		b = append(b, "INTERVAL("...)
		for i, a := range c.Args {
			if i > 0 {
				b = append(b, ", "...)
			}
			if l, ok := a.(*Literal); ok {
				b = appendQuoted(b, endText(l.Value))
			} else {
				b = appendText(b, a, sum)
			}
		}
		return append(b, ')')
	}
	name := string(c.Op)
	if slices.Contains(functions, c.Op) {
		name = strings.ToUpper(name)
	}
	return append(appendList(append(b, name+"("...), c.Args, ", ", loosest), ')')
}

func appendList(b []byte, args []Expr, between string, least int) []byte {
	for i, a := range args {
		if i > 0 {
			b = append(b, between...)
		}
		b = appendText(b, a, least)
	}
	return b
}

func appendLiteral(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendQuoted(b, v)
	case bool:
		return append(b, strings.ToUpper(strconv.FormatBool(v))...)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendDouble(b, v)
	case Day:
		return append(appendQuoted(append(b, "DATE("...), string(v)), ')')
	case time.Time:
		return append(appendQuoted(append(b, "TIMESTAMP("...), instantText(v)), ')')
	case Period:
		b = append(appendQuoted(append(b, "INTERVAL("...), openText(v.Start)), ", "...)
		return append(appendQuoted(b, openText(v.End)), ')')
	case *Shape:
		return appendWKT(b, v.g)
	}
	return b
}

func appendQuoted(b []byte, s string) []byte {
	return append(append(append(b, '\''), strings.ReplaceAll(s, "'", "''")...), '\'')
}

// appendDouble writes a double so that it reads back as one, and not as an integer.
func appendDouble(b []byte, f float64) []byte {
	start := len(b)
	b = strconv.AppendFloat(b, f, 'g', -1, 64)
	if !strings.ContainsAny(string(b[start:]), ".e") && !math.IsInf(f, 0) {
		b = append(b, ".0"...)
	}
	return b
}

// appendName writes a property's name, between quotation marks where it would be
// something else without them.
func appendName(b []byte, name string) []byte {
	l := lexer{rest: name, column: 1}
	if t, err := l.next(); err == nil && t.kind == word && t.text == name && !slices.ContainsFunc(reserved, t.keyword) {
		return append(b, name...)
	}
	return append(append(append(b, '"'), strings.ReplaceAll(name, `"`, `""`)...), '"')
}

func instantText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func openText(t time.Time) string {
	if t.IsZero() {
		return ".."
	}
	return instantText(t)
}

// endText is a literal end of an interval as it stands between quotation marks.
func endText(v any) string {
	switch v := v.(type) {
	case Day:
		return string(v)
	case time.Time:
		return instantText(v)
	}
	return ".."
}
