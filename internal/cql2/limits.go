package cql2

import "fmt"

// What a filter may take at most: enough for a list of a thousand ids and a detailed
// outline, too little to exhaust the stack.
const (
	MaxBytes = 1 << 20 // of the text or the JSON document
	MaxNodes = 10_000  // literals, properties and calls
	MaxDepth = 100     // of the tree
)

// bounded checks the limits of a tree that a parser has built. The parsers bound their
// own recursion.
func bounded(root Expr) *Error {
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
