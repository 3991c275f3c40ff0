package cql2

import "unicode/utf8"

// pattern is a LIKE pattern, a step for each character.
type pattern []step

type step struct {
	char rune // that must come,
	any  bool // or any character,
	run  bool // or any run of characters
}

// compileLike reads a pattern: % is any run, _ any character, \ takes the meaning from
// what follows. It is false where nothing follows.
func compileLike(s string) (pattern, bool) {
	var p pattern
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			p, escaped = append(p, step{char: r}), false
		case r == '\\':
			escaped = true
		case r == '%':
			if n := len(p); n == 0 || !p[n-1].run {
				p = append(p, step{run: true})
			}
		case r == '_':
			p = append(p, step{any: true})
		default:
			p = append(p, step{char: r})
		}
	}
	return p, !escaped
}

// matches goes through the text once, and back to after the last run where it fails:
// no pattern takes longer than its length times the text's.
func (p pattern) matches(s string) bool {
	at, i := 0, 0
	run, from := -1, 0 // the last run seen, and where its text may end next
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case at < len(p) && p[at].run:
			run, from = at, i
			at++
		case at < len(p) && (p[at].any || p[at].char == r):
			at++
			i += size
		case run >= 0:
			_, skip := utf8.DecodeRuneInString(s[from:])
			from += skip
			at, i = run+1, from
		default:
			return false
		}
	}
	for at < len(p) && p[at].run {
		at++
	}
	return at == len(p)
}

func like(e Expr, s string) predicate {
	value := textual(e)
	p, _ := compileLike(s)
	return func(r Row) truth {
		v, ok := value(r)
		if !ok {
			return unknown
		}
		return truthOf(p.matches(v))
	}
}
