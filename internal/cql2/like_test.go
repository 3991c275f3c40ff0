package cql2

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAPatternMatchesAsARegularExpressionDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[ab宁%_]{0,12}`).Draw(t, "text")
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "宁", "%", "_", `\%`, `\_`, `\a`}), 0, 10).Draw(t, "pattern")
		expression := "(?s)^"
		for _, p := range parts {
			switch p {
			case "%":
				expression += ".*"
			case "_":
				expression += "."
			default:
				expression += regexp.QuoteMeta(strings.TrimPrefix(p, `\`))
			}
		}
		p, ok := compileLike(strings.Join(parts, ""))
		want := regexp.MustCompile(expression + "$").MatchString(s)
		if !ok || p.matches(s) != want {
			t.Fatalf("%q LIKE %q: %v, want %v", s, strings.Join(parts, ""), !want, want)
		}
	})
}
