package sample

import (
	"regexp"
	"testing"
)

func TestCheckDigitsAgreeWithTheStandardsExamples(t *testing.T) {
	// GB 11714-1997 gives D2143569-X; 91350100M000100Y43 is the worked example
	// that GB 32100-2015's readers use.
	if got := organisationCheck("D2143569"); got != "X" {
		t.Errorf("D2143569 has check character %s", got)
	}
	if got := creditCheck("91350100M000100Y4"); got != "3" {
		t.Errorf("91350100M000100Y4 has check character %s", got)
	}
}

func TestCreditCodesAreWellFormedAndUnmistakablyInvented(t *testing.T) {
	shape := regexp.MustCompile(`^91` + demoAuthority + `DM\d{6}[0-9X][0-9A-HJ-NP-RTUWXY]$`)
	seen := map[string]bool{}
	for n := 1; n <= enterpriseCount; n++ {
		code := creditCode(n)
		if !shape.MatchString(code) || seen[code] {
			t.Fatalf("%d: %s", n, code)
		}
		if creditCheck(code[:17]) != code[17:] || organisationCheck(code[8:16]) != code[16:17] {
			t.Fatalf("%s: wrong check characters", code)
		}
		seen[code] = true
	}
}

func TestOneEnterpriseIsKnownToSixDepartmentsAtOnePlace(t *testing.T) {
	w := newTestWorld(t)
	known := map[string]int{}
	at := map[string][]float64{}
	for _, layer := range []string{"enterprises", "tax-credit", "social-insurance", "food-licences", "pollution-permits", "safety-enterprises"} {
		edits, err := w.Features(layer)
		if err != nil {
			t.Fatal(err)
		}
		if len(edits) < 1000 {
			t.Errorf("%s has %d features", layer, len(edits))
		}
		for _, e := range edits {
			code := e.Properties["credit_code"].(string)
			p := e.Geometry.FlatCoords()
			if layer == "enterprises" {
				at[code] = p
			} else if at[code] == nil || at[code][0] != p[0] || at[code][1] != p[1] {
				t.Fatalf("%s: %s is not where it is registered", layer, code)
			}
			known[code]++
		}
	}
	everywhere := 0
	for _, n := range known {
		if n == 6 {
			everywhere++
		}
	}
	if everywhere < showcase {
		t.Errorf("%d enterprises are in all six layers", everywhere)
	}
}
