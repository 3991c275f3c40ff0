package cql2

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is what is wrong with a filter, where, and what would be right.
type Error struct {
	Column int    // of the text, from 1, in characters; 0 for JSON
	Path   string // of the JSON document, such as "args[1].property"; "" for text
	Near   string // the piece of the filter, shortened
	Reason string
	Remedy string
}

func (e *Error) Error() string {
	s := e.Reason
	if at := e.Where(); at != "" {
		s = at + ": " + s
	}
	if e.Remedy != "" {
		s += " (" + e.Remedy + ")"
	}
	return s
}

// Where says where the error is, such as "column 12" or "args[1]".
func (e *Error) Where() string {
	if e.Column > 0 {
		return fmt.Sprintf("column %d", e.Column)
	}
	return e.Path
}

const nearLength = 40 // characters

// shorten keeps what a message quotes small.
func shorten(s string) string {
	if utf8.RuneCountInString(s) <= nearLength {
		return s
	}
	return string([]rune(s)[:nearLength]) + "…"
}

// wrong is an error at a node.
func wrong(e Expr, reason, remedy string) *Error {
	at := e.where()
	return &Error{Column: at.column, Path: at.path, Near: shorten(text(e)), Reason: reason, Remedy: remedy}
}

// similar returns the candidate that is most like a name, or "" if none is.
func similar(name string, candidates []string) string {
	best, least := "", max(1, utf8.RuneCountInString(name)/3)+1
	for _, c := range candidates {
		if d := edits([]rune(strings.ToLower(name)), []rune(strings.ToLower(c))); d < least {
			best, least = c, d
		}
	}
	return best
}

// edits is the Levenshtein distance of two words.
func edits(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diagonal
			if x != y {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
