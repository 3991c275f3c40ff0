package layers

import "strings"

// DivisionLevel returns 1 (region), 2 (city), 3 (county) or 4 (township) for a
// division code of GB/T 2260 (six digits) or GB/T 10114 (nine digits), and 0
// for anything else.
func DivisionLevel(code string) int {
	if strings.Trim(code, "0123456789") != "" {
		return 0
	}
	switch {
	case len(code) == 9:
		return 4
	case len(code) != 6:
		return 0
	case code[2:] == "0000":
		return 1
	case code[4:] == "00":
		return 2
	default:
		return 3
	}
}

// divisionDigits is how many leading digits of a code name the division of a level.
var divisionDigits = [5]int{0, 2, 4, 6, 9}

// DivisionPrefix returns the leading digits that the codes of a division and of
// all divisions inside it share, or "" if the code is none.
func DivisionPrefix(code string) string {
	return code[:divisionDigits[DivisionLevel(code)]]
}

// DivisionAt returns the code of the division of the given level that contains
// the one with the given code, or "" if that one is larger.
func DivisionAt(code string, level int) string {
	own := DivisionLevel(code)
	if level < 1 || own < level {
		return ""
	}
	p := code[:divisionDigits[level]]
	if level < 4 {
		p += strings.Repeat("0", 6-len(p))
	}
	return p
}
