package cql2

import (
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// textual makes the function of a checked text.
func textual(e Expr) textOf {
	switch e := e.(type) {
	case *Literal:
		return constant(e.Value.(string))
	case *Property:
		return property[string](e.Name)
	}
	c := e.(*Call)
	inner, change := textual(c.Args[0]), lower
	if c.Op == AccentI {
		change = plain
	}
	return func(r Row) (string, bool) {
		s, ok := inner(r)
		if !ok {
			return "", false
		}
		return change(s), true
	}
}

var lowerers = sync.Pool{New: func() any { c := cases.Lower(language.Und); return &c }}

// lower is CASEI: the full lower case of the composed form.
func lower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	c := lowerers.Get().(*cases.Caser)
	defer lowerers.Put(c)
	return c.String(norm.NFC.String(s))
}

// plain is ACCENTI: the composed form without the combining diacritical marks U+0300
// to U+036F.
func plain(s string) string {
	if isASCII(s) {
		return s
	}
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if r >= 0x300 && r <= 0x36F {
			return -1
		}
		return r
	}, norm.NFD.String(s)))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
