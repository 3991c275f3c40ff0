package sample

import (
	"fmt"
	"strings"
)

// creditAlphabet are the characters of a unified social credit code in the order
// of their values (GB 32100-2015, table 2): no I, O, S, V, Z.
const creditAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// demoAuthority is the registering authority's division in invented codes. No
// division of GB/T 2260 starts with 99.
const demoAuthority = "990000"

// creditCode returns the n-th invented unified social credit code: well formed
// and with correct check digits, but of an authority that does not exist.
func creditCode(n int) string {
	organisation := fmt.Sprintf("DM%06d", n)
	code := "91" + demoAuthority + organisation + organisationCheck(organisation)
	return code + creditCheck(code)
}

// organisationCheck returns the check character of an eight-character
// organisation code (GB 11714-1997, modulus 11).
func organisationCheck(code string) string {
	weights := [8]int{3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += w * strings.IndexByte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", code[i])
	}
	v := 11 - sum%11 // 1 to 11
	return "0123456789X0"[v : v+1]
}

// creditCheck returns the eighteenth character for the first seventeen
// (GB 32100-2015, modulus 31).
func creditCheck(code string) string {
	sum, weight := 0, 1
	for i := range 17 {
		sum += weight * strings.IndexByte(creditAlphabet, code[i])
		weight = weight * 3 % 31
	}
	v := (31 - sum%31) % 31
	return creditAlphabet[v : v+1]
}
