package cql2

import (
	"errors"
	"strings"
	"testing"
)

func TestATextReadsAsItsCanonicalForm(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a=1", "a = 1"},
		{"a<>1 AnD b>=2.0 or c<'it''s'", "a <> 1 AND b >= 2.0 OR c < 'it''s'"},
		{"a = 1 AND (b = 2 OR c = 3)", "a = 1 AND (b = 2 OR c = 3)"},
		{"not a = 1 and not (b = 2 or c = 3)", "NOT a = 1 AND NOT (b = 2 OR c = 3)"},
		{"NOT NOT a = 1", "NOT NOT a = 1"},
		{"a like 'x%' and b not like '_y'", "a LIKE 'x%' AND b NOT LIKE '_y'"},
		{"a between 1 and 2 and b not between -1.5 and +2", "a BETWEEN 1 AND 2 AND b NOT BETWEEN -1.5 AND 2"},
		{"a in (1,2 , 3) or b not in ('x')", "a IN (1, 2, 3) OR b NOT IN ('x')"},
		{"a is null or b is not null", "a IS NULL OR b IS NOT NULL"},
		{"NOT (a IS NULL)", "a IS NOT NULL"},
		{"(a = 1) IS NULL", "(a = 1) IS NULL"},
		{"a = 1+2*3", "a = 1 + 2 * 3"},
		{"a = (1+2)*3", "a = (1 + 2) * 3"},
		{"a = 1-2-3", "a = 1 - 2 - 3"},
		{"a = 1-(2-3)", "a = 1 - (2 - 3)"},
		{"a = 8 div 3 % 2", "a = 8 DIV 3 % 2"},
		{"a = b/(c/d)", "a = b / (c / d)"},
		{"a = -b", "a = -1 * b"},
		{"a = -b^2", "a = (-1 * b) ^ 2"},
		{"a = -2^2", "a = -2 ^ 2"},
		{"a = (2^3)^2", "a = (2 ^ 3) ^ 2"},
		{"a = b--1", "a = b - -1"},
		{"a=1e3", "a = 1000.0"}, {"a=.5E-7", "a = 5e-08"}, {"a=5.", "a = 5.0"}, {"a=1e22", "a = 1e+22"},
		{"a=9223372036854775807", "a = 9223372036854775807"}, {"a=-9223372036854775808", "a = -9223372036854775808"}, {"a=9223372036854775808", "a = 9.223372036854776e+18"},
		{"open = true", "open = TRUE"}, {"TRUE", "TRUE"}, {"open", "open"},
		{`"a b" = 1 and "AND" = 2 and "plain" = 3 and "x""y" = 4`, `"a b" = 1 AND "AND" = 2 AND plain = 3 AND "x""y" = 4`},
		{"名称 = '南宁' AND eo:cloud_cover < 1 AND a.b = 2", "名称 = '南宁' AND eo:cloud_cover < 1 AND a.b = 2"},
		{"date = DATE('2026-07-01') AND point = 1", "date = DATE('2026-07-01') AND point = 1"},
		{"t > timestamp('2026-07-01T08:00:00+08:00')", "t > TIMESTAMP('2026-07-01T00:00:00.000Z')"},
		{"t > TIMESTAMP('2026-07-01T00:00:00.1239Z')", "t > TIMESTAMP('2026-07-01T00:00:00.123Z')"},
		{"casei(a) = casei('Ü')", "CASEI(a) = CASEI('Ü')"},
		{"accenti(casei(a)) like accenti(casei('É%'))", "ACCENTI(CASEI(a)) LIKE ACCENTI(CASEI('É%'))"},
		{"division('450100') and Foo()", "division('450100') AND foo()"},
		{"s_intersects(geom, POINT(108.3 22.8))", "S_INTERSECTS(geom, POINT(108.3 22.8))"},
		{"S_INTERSECTS(geom, point z (108.3 22.8 77))", "S_INTERSECTS(geom, POINT(108.3 22.8))"},
		{"S_INTERSECTS(geom, LINESTRING(1 2 3,-4 5e1 6))", "S_INTERSECTS(geom, LINESTRING(1 2,-4 50))"},
		{"S_INTERSECTS(geom, POLYGON((0 0,9 0,9 9,0 0),(2 1,3 1,3 2,2 1)))", "S_INTERSECTS(geom, POLYGON((0 0,9 0,9 9,0 0),(2 1,3 1,3 2,2 1)))"},
		{"S_INTERSECTS(geom, MULTIPOINT((1 2),(3 4)))", "S_INTERSECTS(geom, MULTIPOINT((1 2),(3 4)))"},
		{"S_INTERSECTS(geom, MULTIPOINT(1 2,3 4))", "S_INTERSECTS(geom, MULTIPOINT((1 2),(3 4)))"},
		{"S_INTERSECTS(geom, MULTILINESTRING((1 2,3 4),(5 6,7 8)))", "S_INTERSECTS(geom, MULTILINESTRING((1 2,3 4),(5 6,7 8)))"},
		{"S_INTERSECTS(geom, MULTIPOLYGON(((0 0,9 0,9 9,0 0)),((20 0,29 0,29 9,20 0),(22 1,23 1,23 2,22 1))))", "S_INTERSECTS(geom, MULTIPOLYGON(((0 0,9 0,9 9,0 0)),((20 0,29 0,29 9,20 0),(22 1,23 1,23 2,22 1))))"},
		{"S_INTERSECTS(geom, GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(1 2,3 4)))", "S_INTERSECTS(geom, GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(1 2,3 4)))"},
		{"S_INTERSECTS(geom, BBOX(1,2,3,4))", "S_INTERSECTS(geom, POLYGON((1 2,3 2,3 4,1 4,1 2)))"},
		{"S_INTERSECTS(geom, BBOX(1,2,0,3,4,9))", "S_INTERSECTS(geom, POLYGON((1 2,3 2,3 4,1 4,1 2)))"},
		{"S_INTERSECTS(geom, BBOX(170,2,-170,4))", "S_INTERSECTS(geom, MULTIPOLYGON(((170 2,180 2,180 4,170 4,170 2)),((-180 2,-170 2,-170 4,-180 4,-180 2))))"},
		{"S_INTERSECTS(geom, BBOX(180,2,-170,4))", "S_INTERSECTS(geom, GEOMETRYCOLLECTION(LINESTRING(180 2,180 4),POLYGON((-180 2,-170 2,-170 4,-180 4,-180 2))))"},
		{"S_INTERSECTS(geom, BBOX(1,2,1,4))", "S_INTERSECTS(geom, LINESTRING(1 2,1 4))"},
		{"S_INTERSECTS(geom, BBOX(1,2,1,2))", "S_INTERSECTS(geom, POINT(1 2))"},
		{"T_FinishedBy(t, interval('2026-07-01','..'))", "T_FINISHEDBY(t, INTERVAL('2026-06-30T16:00:00.000Z', '..'))"},
		{"t_during(t, interval('..','2026-07-01'))", "T_DURING(t, INTERVAL('..', '2026-07-01T15:59:59.999Z'))"},
		{"t_during(interval(a, b), interval('..', c))", "T_DURING(INTERVAL(a, b), INTERVAL('..', c))"},
		{"t_during(interval('2026-07-01', b), interval(a, '2026-07-01T00:00:00Z'))", "T_DURING(INTERVAL('2026-07-01', b), INTERVAL(a, '2026-07-01T00:00:00.000Z'))"},
		{"\u3000a\n=\t1 ", "a = 1"},
	} {
		e, err := ParseText(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := Text(e); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
		if again, err := ParseText(Text(e)); err != nil || Text(again) != Text(e) {
			t.Errorf("%s reads back as %v, %v", Text(e), again, err)
		}
	}
}

func TestAnErrorOfATextPointsAtItsColumn(t *testing.T) {
	for _, c := range []struct {
		text   string
		column int
		says   string
	}{
		{"", 1, "the filter is empty"},
		{"名称 = ", 6, "expected a property, a value or a function"},
		{"名称 '南宁'", 4, "expected a comparison or IS NULL after the property"},
		{"name = 'x", 8, "not closed"},
		{"a = 1 b", 7, "expected AND, OR or the end"},
		{"a = 1 AND", 10, "unexpected the end"},
		{"a = 1 AND AND b = 2", 11, `"AND"`},
		{"(a = 1", 7, ") or an operator"},
		{"a = 1)", 6, "expected AND, OR or the end"},
		{"a == 1", 4, "unexpected ="},
		{"a != 1", 3, "write <> or NOT"},
		{"a = 1 && b = 2", 7, "write AND"},
		{"a = “x”", 5, "text stands between '"},
		{"f（a）", 2, "write ("},
		{"a IN [1, 2]", 6, "lists stand between ( and )"},
		{"a = 1;", 6, "leave it out"},
		{"S_INTERSECTS(geom, BBOX(1 2 3 4))", 27, ") or , after a number of the box"},
		{"a = NULL", 5, "IS NULL"},
		{"a IS 1", 6, "NULL after IS"},
		{"a NOT 1", 7, "LIKE, BETWEEN or IN after NOT"},
		{"a BETWEEN 1 OR 2", 13, "AND between the bounds"},
		{"a IN 1", 6, "( before the list of IN"},
		{"a IN (1 2)", 9, ") or ,"},
		{"a IN ()", 7, "expected a property, a value"},
		{"a = 1 = 2", 7, "AND, OR or the end"},
		{"a = 2^3^2", 8, "two powers in a row"},
		{"a = 1e999", 5, "too large"},
		{"t = DATE('2026-02-30')", 10, "is not a date"},
		{"t = DATE(x)", 10, "expected a date"},
		{"t = TIMESTAMP('2026-02-01')", 15, "is not a time"},
		{"T_DURING(t, INTERVAL('yesterday','..'))", 22, "no end of an interval"},
		{"T_DURING(t, INTERVAL('2026-07-02','2026-07-01'))", 13, "ends before it starts"},
		{"S_INTERSECTS(geom, POINT(1))", 27, "expected a number"},
		{"S_INTERSECTS(geom, POINT(1 2)", 30, "after the arguments"},
		{"S_INTERSECTS(geom, POINT EMPTY)", 26, "empty"},
		{"S_INTERSECTS(geom, BBOX(1,2,3))", 20, "a box of 3 numbers"},
		{"S_INTERSECTS(geom, BBOX(1,4,3,2))", 20, "south"},
		{"a = 1 AND A_CONTAINS(ids, ('x', 'y'))", 11, "no array functions"},
		{"a = 'x\x00'", 0, "NUL"},
		{"a = '\xc4\xe3'", 0, "UTF-8"},
		{strings.Repeat("(", 500) + "a = 1" + strings.Repeat(")", 500), 0, "nested more than"},
		{strings.Repeat("NOT ", 1000) + "a = 1", 0, "nested more than"},
		{"a = 1" + strings.Repeat("+1", 200), 0, "nested more than"},
		{"a IN (" + strings.Repeat("1,", MaxNodes) + "1)", 0, "more than 10000 parts"},
		{strings.Repeat("a", MaxBytes+1), 0, "longer than"},
		{"S_EQUALS(geom," + strings.Repeat("GEOMETRYCOLLECTION(", 1000), 0, "nested more than 20 deep"},
		{"b OR NOT CASEI(a, b) = 'x'", 10, "CASEI has 2 arguments"},
		{"a = POINT(1 2)()", 15, "expected AND"},
	} {
		_, err := ParseText(c.text)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%.60s: %v", c.text, err)
			continue
		}
		if !strings.Contains(e.Error(), c.says) || c.column > 0 && e.Column != c.column || e.Path != "" {
			t.Errorf("%.60s: %v (column %d); want column %d, %q", c.text, e, e.Column, c.column, c.says)
		}
	}
}
