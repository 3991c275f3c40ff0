package cql2

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind uint8

const (
	end kind = iota
	word
	quotedWord // "…"
	quotedText // '…'
	numeral    // without a sign
	symbol     // ( ) , + - * / % ^ = <> < > <= >=
)

// token is a piece of the text. Its text is a word without its quotation marks, a
// text with ” undone.
type token struct {
	kind   kind
	text   string
	column int // from 1, in characters
}

func (t token) is(s string) bool { return t.kind == symbol && t.text == s }

// keyword reports whether the token is a word of the language, in any case.
func (t token) keyword(s string) bool { return t.kind == word && strings.EqualFold(t.text, s) }

func (t token) String() string {
	switch t.kind {
	case end:
		return "the end"
	case quotedText:
		return "'" + shorten(t.text) + "'"
	case quotedWord:
		return `"` + shorten(t.text) + `"`
	default:
		return shorten(t.text)
	}
}

// lexer cuts a text into tokens.
type lexer struct {
	rest   string
	column int    // of rest
	failed *Error // why rest can not be cut further
}

// next returns the next token, or an error with its column.
func (l *lexer) next() (token, *Error) {
	spaces := strings.IndexFunc(l.rest, func(r rune) bool { return !unicode.IsSpace(r) })
	if spaces < 0 {
		spaces = len(l.rest)
	}
	l.take(spaces)
	if l.rest == "" {
		return token{kind: end, column: l.column}, nil
	}
	first, size := utf8.DecodeRuneInString(l.rest)
	column := l.column
	switch {
	case first == '\'' || first == '"':
		text, err := l.quoted(l.rest[0])
		if first == '"' {
			return token{quotedWord, text, column}, err
		}
		return token{quotedText, text, column}, err
	case startsWord(first):
		n := strings.IndexFunc(l.rest, func(r rune) bool { return !continuesWord(r) })
		if n < 0 {
			n = len(l.rest)
		}
		return token{word, l.take(n), column}, nil
	case isDigit(first) || first == '.' && len(l.rest) > 1 && isDigit(rune(l.rest[1])):
		return token{numeral, l.take(numeralLength(l.rest)), column}, nil
	}
	for _, s := range []string{"<>", "<=", ">="} {
		if strings.HasPrefix(l.rest, s) {
			return token{symbol, l.take(2), column}, nil
		}
	}
	if strings.ContainsRune("(),+-*/%^=<>", first) {
		return token{symbol, l.take(1), column}, nil
	}
	return token{}, &Error{Column: column, Near: l.rest[:size], Reason: fmt.Sprintf("the character %q means nothing here", first), Remedy: insteadOf(first)}
}

// take consumes n bytes.
func (l *lexer) take(n int) string {
	s := l.rest[:n]
	l.rest, l.column = l.rest[n:], l.column+utf8.RuneCountInString(s)
	return s
}

// quoted reads what stands between two marks; a doubled mark is one of the text.
func (l *lexer) quoted(mark byte) (string, *Error) {
	var b strings.Builder
	start := l.column
	l.take(1)
	for {
		n := strings.IndexByte(l.rest, mark)
		if n < 0 {
			return "", &Error{Column: start, Near: shorten(string(mark) + l.rest), Reason: "the quotation mark is not closed", Remedy: fmt.Sprintf("end it with %c; a %c inside is written twice", mark, mark)}
		}
		b.WriteString(l.take(n))
		if l.take(1); l.rest == "" || l.rest[0] != mark {
			return b.String(), nil
		}
		b.WriteString(l.take(1))
	}
}

func startsWord(r rune) bool { return unicode.IsLetter(r) || r == '_' || r == ':' }
func continuesWord(r rune) bool {
	return startsWord(r) || unicode.In(r, unicode.N, unicode.M) || r == '.'
}
func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// numeralLength is how long the number is that a text begins with: digits, a point,
// digits, and an exponent if it has digits.
func numeralLength(s string) int {
	digits := func(i int) int {
		for i < len(s) && isDigit(rune(s[i])) {
			i++
		}
		return i
	}
	n := digits(0)
	if n < len(s) && s[n] == '.' {
		n = digits(n + 1)
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if m := digits(e); m > e {
			n = m
		}
	}
	return n
}

// insteadOf names what was meant by marks that come with a Chinese keyboard or from
// another language.
func insteadOf(r rune) string {
	switch r {
	case '，', '、':
		return "write ,"
	case '（':
		return "write ("
	case '）':
		return "write )"
	case '‘', '’', '＇', '`':
		return "write '"
	case '“', '”', '＂':
		return `text stands between ', a name may stand between "`
	case '＝':
		return "write ="
	case '!':
		return "write <> or NOT"
	case '&':
		return "write AND"
	case '|':
		return "write OR"
	case '[', ']':
		return "lists stand between ( and )"
	case ';':
		return "leave it out"
	}
	return "text stands between '"
}
