package cql2

import (
	"encoding/json"
)

// Filter is a filter that has been checked against the queryables of a layer. It never
// changes and may be used by many goroutines at once.
type Filter struct {
	root   Expr
	text   string
	chosen predicate
}

// Macro is a function that stands for an expression of the language. It gets its
// arguments checked; what it yields is checked in turn. Its error may be an *Error,
// which gets the place of the call.
type Macro func(args []Expr) (Expr, error)

// Compile checks an expression, which it leaves alone, and makes a filter of it.
// Macros are the functions that it may use besides those of the language, by their
// names in lower case. The error is an *Error.
func Compile(e Expr, q Queryables, macros map[string]Macro) (*Filter, error) {
	c := checker{queryables: q, macros: macros}
	root, err := c.condition(e)
	if err == nil {
		err = asError(whole(root)) // macros may have made it larger
	}
	if err != nil {
		return nil, err
	}
	return &Filter{root: root, text: text(root), chosen: condition(root)}, nil
}

func asError(e *Error) error {
	if e == nil {
		return nil
	}
	return e
}

// Root returns the checked expression, which must not be changed: every node has its
// type, macros are expanded and what is constant is computed.
func (f *Filter) Root() Expr { return f.root }

// String returns the canonical text: what reads back as the same filter. Filters with
// the same text choose the same.
func (f *Filter) String() string { return f.text }

// Match reports whether a row is chosen: whether the filter is true of it, and neither
// false nor unknown.
func (f *Filter) Match(r Row) bool { return f.chosen(r) == yes }

// MarshalJSON writes the canonical text.
func (f *Filter) MarshalJSON() ([]byte, error) { return json.Marshal(f.text) }

// JSON returns the filter in the JSON encoding.
func (f *Filter) JSON() []byte { return AppendJSON(nil, f.root) }

// Text returns the canonical text of an expression.
func Text(e Expr) string { return text(e) }
