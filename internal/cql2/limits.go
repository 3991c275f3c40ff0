package cql2

import (
	"fmt"
	"math"
)

// What a filter may take at most: enough for a list of a thousand ids and a detailed
// outline, too little to exhaust the stack.
const (
	MaxBytes = 1 << 20 // of the text or the JSON document
	MaxNodes = 10_000  // literals, properties and calls
	MaxDepth = 100     // of the tree
	// MaxPattern is how many characters the pattern of a LIKE has at most.
	MaxPattern = 1000
	// MaxCollections is how deep geometry collections may stand in each other.
	MaxCollections = 20
)

// whole checks a tree that a parser has built: its limits, and that every call has as
// many arguments as it needs. The parsers bound their own recursion.
func whole(root Expr) *Error {
	nodes := 0
	var walk func(e Expr, depth int) *Error
	walk = func(e Expr, depth int) *Error {
		if nodes++; nodes > MaxNodes {
			return tooLarge(e.where(), fmt.Sprintf("the filter has more than %d parts", MaxNodes))
		}
		if depth > MaxDepth {
			return tooLarge(e.where(), fmt.Sprintf("the filter is nested more than %d deep", MaxDepth))
		}
		if c, ok := e.(*Call); ok {
			if err := c.arity(); err != nil {
				return err
			}
			for _, a := range c.Args {
				if err := walk(a, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(root, 1)
}

func tooLarge(at place, reason string) *Error {
	return &Error{Column: at.column, Path: at.path, Reason: reason, Remedy: "ask for less at a time"}
}

// arguments are how many an operator takes, unless it takes two.
var arguments = map[Op]struct{ least, most int }{
	And: {2, math.MaxInt}, Or: {2, math.MaxInt}, Not: {1, 1}, Between: {3, 3}, In: {2, math.MaxInt}, IsNull: {1, 1}, CaseI: {1, 1}, AccentI: {1, 1}, SDWithin: {3, 3},
}

// arity checks the number of arguments of what the language itself has.
func (c *Call) arity() *Error {
	if !c.Op.known() {
		return nil
	}
	takes, ok := arguments[c.Op]
	if !ok {
		takes = struct{ least, most int }{2, 2}
	}
	if n := len(c.Args); n < takes.least || n > takes.most {
		return &Error{Column: c.column, Path: c.path, Near: nameOf(c.Op), Reason: fmt.Sprintf("%s has %d arguments", nameOf(c.Op), n), Remedy: fmt.Sprintf("expected %d", takes.least)}
	}
	return nil
}
