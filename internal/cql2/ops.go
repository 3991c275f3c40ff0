package cql2

import "strings"

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
