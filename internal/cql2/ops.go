package cql2

import (
	"slices"
	"strings"
)

// opOf returns the operator or function that a name means, in any case; what is not
// ours keeps its name in lower case.
func opOf(name string) Op {
	low := strings.ToLower(name)
	if op, ok := opsByLowerName[low]; ok {
		return op
	}
	return Op(low)
}

// functions are written as functions in the text encoding, in upper case.
var functions = []Op{CaseI, AccentI,
	SIntersects, SEquals, SDisjoint, STouches, SWithin, SOverlaps, SCrosses, SContains, SDWithin,
	TAfter, TBefore, TContains, TDisjoint, TDuring, TEquals, TFinishedBy, TFinishes, TIntersects, TMeets, TMetBy, TOverlappedBy, TOverlaps, TStartedBy, TStarts}

var opsByLowerName = func() map[string]Op {
	m := map[string]Op{}
	for _, op := range append([]Op{And, Or, Not, Equal, NotEqual, Less, Greater, LessOrEqual, GreaterOrEqual, Like, Between, In, IsNull, Plus, Minus, Times, Over, Modulo, Div, Power}, functions...) {
		m[strings.ToLower(string(op))] = op
	}
	return m
}()

// known reports whether the language itself has the operator.
func (op Op) known() bool {
	return op == MakeInterval || op != "" && opsByLowerName[strings.ToLower(string(op))] == op
}

// nameOf is how an operator is called in messages.
func nameOf(op Op) string { return strings.ToUpper(string(op)) }

// isFunctionName reports whether a name can be that of a function in the text encoding.
func isFunctionName(s string) bool {
	l := lexer{rest: s, column: 1}
	t, err := l.next()
	return err == nil && t.kind == word && t.text == s && !slices.ContainsFunc(slices.Concat(reserved, literalWords, geometryWords), t.keyword)
}

// literalWords begin literals in the text encoding, as geometryWords do.
var literalWords = []string{"DATE", "TIMESTAMP", "INTERVAL", "BBOX"}

const noArrays = "no property is an array, so that there are no array functions"

func isArrayFunction(name string) bool {
	return slices.Contains([]string{"a_equals", "a_contains", "a_containedby", "a_overlaps"}, strings.ToLower(name))
}
