package cql2

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/twpayne/go-geom"
)

func TestWhatDoesNotFitIsRefusedWithItsPlace(t *testing.T) {
	for _, c := range []struct {
		text   string
		column int
		says   string
	}{
		{"b AND i", 7, "i is a number, not a condition (expected a comparison or IS NULL after the property)"},
		{"'x'", 1, "'x' is text, not a condition"},
		{"i + 1", 1, "i + 1 is a number, not a condition"},
		{"NOT s", 5, "not a condition"},
		{"ss = 1", 1, "the layer has no property ss (did you mean s?"},
		{"quite = 'different'", 1, "the layer has b, d, e, geom"},
		{"s = \"Nanning\"", 5, "the layer has no property Nanning (text stands between '; the layer has b"},
		{"i = 'x'", 5, "i is a number, and 'x' is text (compare it with a number)"},
		{"i = '7'", 5, "write 7 without quotation marks"},
		{"s = 7", 5, "write '7' between quotation marks"},
		{"i IN (1, 'x')", 10, "'x' is text"},
		{"i BETWEEN 1 AND 'x'", 17, "'x' is text"},
		{"b = 1", 5, "b is a condition, and 1 is a number"},
		{"b < TRUE", 1, "true and false have no order"},
		{"d = 'yesterday'", 5, "'yesterday' is neither a date nor a time (such as DATE('2026-07-01')"},
		{"d = s", 5, "d is a date, and s is text"},
		{"d = 1", 5, "d is a date, and 1 is a number"},
		{"d > 2026-07-01", 5, "and 2018.0 is a number (such as DATE('2026-07-01')"},
		{"S_WITHIN(geom, 'POINT(1 2)')", 16, "a geometry stands without quotation marks"},
		{"d = INTERVAL('..', '2026-07-01')", 5, "use T_EQUALS, T_INTERSECTS"},
		{"geom = POINT(1 2)", 1, "use S_EQUALS, S_INTERSECTS"},
		{"s LIKE e", 8, "the pattern of LIKE is no text"},
		{"i LIKE '1%'", 1, "LIKE takes text, and i is a number"},
		{`s LIKE 'x\'`, 8, `the pattern ends in a \`},
		{"s LIKE '" + strings.Repeat("a", MaxPattern+1) + "'", 8, "more than 1000 characters"},
		{"s + 1 = 2", 1, "+ takes a number, and s is text"},
		{"CASEI(i) = '1'", 7, "CASEI takes text, and i is a number"},
		{"CASEI(s, e) = '1'", 1, "CASEI has 2 arguments (expected 1)"},
		{"S_INTERSECTS(geom)", 1, "S_INTERSECTS has 1 arguments (expected 2)"},
		{"S_INTERSECTS(geom, s)", 20, "S_INTERSECTS takes a geometry, and s is text"},
		{"S_INTERSECTS(geom, POINT(400 5))", 20, "outside of the world"},
		{"S_INTERSECTS(geom, POLYGON((0 0,1 0,1 1)))", 20, "not a valid geometry"},
		{"S_INTERSECTS(geom, POLYGON((0 0,1 1,1 0,0 1,0 0)))", 20, "not a valid geometry"},
		{"S_INTERSECTS(geom, LINESTRING(0 0))", 20, "not a valid geometry"},
		{"S_DWITHIN(geom, POINT(1 1), i)", 29, "no constant"},
		{"S_DWITHIN(geom, POINT(1 1), -1)", 29, "negative"},
		{"S_DWITHIN(geom, POINT(1 1), 'x')", 29, "S_DWITHIN takes a number"},
		{"T_BEFORE(t, i)", 13, "T_BEFORE takes dates, times and intervals, and i is a number"},
		{"T_BEFORE(t, 'soon')", 13, "neither a date nor a time"},
		{"T_DURING(t, INTERVAL(s, '..'))", 22, "an interval has a date or a time at its ends, and s is text"},
		{"INTERVAL(1, 2) IS NULL", 10, "no end of an interval"},
		{"foo(1)", 1, "there is no function foo (the functions are CASEI, ACCENTI"},
		{"S_INTERSECT(geom, geom)", 1, "did you mean S_INTERSECTS?"},
		{"again(1)", 1, "the function stands for itself"},
		{"wrong(i)", 1, "not like that"},
		{"twice(s)", 7, "+ takes a number, and s is text"},
	} {
		e, err := ParseText(c.text)
		if err == nil {
			_, err = Compile(e, queryables, macros)
		}
		var bad *Error
		if !errors.As(err, &bad) {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if !strings.Contains(bad.Error(), c.says) || bad.Column != c.column {
			t.Errorf("%s: %v (column %d); want column %d, %q", c.text, bad, bad.Column, c.column, c.says)
		}
	}
	if _, err := Compile(&Literal{Value: NewShape(geom.NewPointEmpty(geom.XY))}, queryables, nil); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty geometry: %v", err)
	}
	for _, e := range []Expr{&Literal{Value: 7}, &Call{Op: Equal, Args: []Expr{nil, nil}}, nil, &Literal{Value: "\xff"}} {
		if f, err := Compile(e, queryables, nil); err == nil {
			t.Errorf("%v is accepted as %s", e, f)
		}
	}
}

var macros = map[string]Macro{
	"again": func(args []Expr) (Expr, error) { return &Call{Op: "again", Args: args}, nil },
	"wrong": func([]Expr) (Expr, error) { return nil, fmt.Errorf("not like that") },
	"twice": func(args []Expr) (Expr, error) { return &Call{Op: Plus, Args: []Expr{args[0], args[0]}}, nil },
}

func TestConstantsAreComputedAndMacrosExpanded(t *testing.T) {
	for text, want := range map[string]string{
		"i = 1 + 2 * 3":                            "i = 7.0",
		"i = -(2)":                                 "i = -2.0",
		"i = 1 / 0":                                "i = 1 / 0",
		"CASEI(s) = CASEI('ÀB')":                   "CASEI(s) = 'àb'",
		"s LIKE ACCENTI(CASEI('É%'))":              "s LIKE 'e%'",
		"d = '2026-07-01'":                         "d = DATE('2026-07-01')",
		"t < '2026-07-01T08:00:00+08:00'":          "t < TIMESTAMP('2026-07-01T00:00:00.000Z')",
		"T_DURING(t, INTERVAL(d, '2026-07-01'))":   "T_DURING(t, INTERVAL(d, '2026-07-01'))",
		"T_BEFORE(t, '2026-07-01')":                "T_BEFORE(t, DATE('2026-07-01'))",
		"NOT NOT NOT b":                            "NOT b",
		"b AND (i = 1 AND (b OR i = 2 OR i = 3))":  "b AND i = 1 AND (b OR i = 2 OR i = 3)",
		"TWICE(i) = 2":                             "i + i = 2",
		"twice(1) = i":                             "2.0 = i",
		"DATE('2026-07-01') IS NULL OR b IN (b,b)": "DATE('2026-07-01') IS NULL OR b IN (b, b)",
	} {
		e, err := ParseText(text)
		if err != nil {
			t.Fatal(err)
		}
		before := Text(e)
		f, err := Compile(e, queryables, macros)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if f.String() != want || Text(f.Root()) != want {
			t.Errorf("%s is %s, want %s", text, f, want)
		}
		if raw, err := f.MarshalJSON(); err != nil || !strings.HasPrefix(string(raw), `"`) {
			t.Errorf("%s, %v", raw, err)
		}
		if Text(e) != before {
			t.Errorf("%s became %s", before, Text(e))
		}
	}
}

func TestAMappedExpressionKeepsItsPlaces(t *testing.T) {
	e, err := ParseText("b AND (i IS NULL OR TWICE(i) = 'a')")
	if err != nil {
		t.Fatal(err)
	}
	mapped := Map(e, func(e Expr) Expr {
		if p, ok := e.(*Property); ok && p.Name == "i" {
			j := *p
			j.Name = "j"
			return &j
		}
		return e
	})
	if got := Text(mapped); got != "b AND (j IS NULL OR twice(j) = 'a')" {
		t.Error(got)
	}
	if Text(e) != "b AND (i IS NULL OR twice(i) = 'a')" {
		t.Errorf("the expression became %s", Text(e))
	}
	if _, err := Compile(mapped, queryables, macros); err == nil || err.(*Error).Column != 32 {
		t.Errorf("the error is %v", err)
	}
}

func TestAFilterIsUsedByManyAtOnce(t *testing.T) {
	f := must(t, "CASEI(s) = 'straße' AND S_INTERSECTS(geom, BBOX(108,22,109,23)) AND S_DWITHIN(geom, POINT(108.3 22.8), 1)")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if !f.Match(sample) {
					t.Error("not chosen")
				}
			}
		})
	}
	all.Wait()
}
