// Package cql2 is the Common Query Language of OGC 21-065r2 in its two encodings:
// text and JSON.
//
// ParseText and ParseJSON read a filter into one tree of expressions. Compile checks
// the tree against the queryables of a layer and yields a Filter, which has one
// canonical text and tells of a Row whether it is chosen. Stores translate the tree
// that Filter.Root returns into SQL where they can give exactly the same answer.
//
// docs/cql2.md describes the language as it is spoken here. Errors are *Error, which
// say where, what is wrong and what was expected.
//
// It is a leaf: it imports nothing of onemap, and everything may import it.
package cql2
