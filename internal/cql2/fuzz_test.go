package cql2

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// examples are filters of every form that OGC 21-065r2 shows, beside those of the other tests.
var examples = []string{
	"avg(windSpeed) < 4", "city='Toronto'", "balance-150.0>0", "updated >= date('1970-01-01')", "geometry IS NOT NULL", "name LIKE 'mi%' AND depth NOT BETWEEN 100.0 and 150.0",
	"cityName IN ('Toronto','Frankfurt','Tokyo','New York')", "category NOT IN (1,2,3,4)", "CASEI(road_class) IN (CASEI('Οδος'),CASEI('Straße'))", "ACCENTI(etat_vol) = ACCENTI('débárquér')",
	"S_INTERSECTS(geometry,POINT(36.319836 32.288087))", "S_CROSSES(LINESTRING(43.72992 -79.2998, 43.73005 -79.2991, 43.73006 -79.2984),POLYGON((43.7286 -79.2986, 43.7311 -79.2996, 43.7323 -79.2972, 43.7286 -79.2986)))",
	"T_INTERSECTS(event_time, INTERVAL('1969-07-16T05:32:00Z', '1969-07-24T16:50:35Z'))", "T_DURING(INTERVAL(touchdown, liftOff), INTERVAL('1969-07-16T13:32:00Z', '1969-07-24T16:50:35Z'))",
	"S_WITHIN(road,Buffer(geometry,10,'m'))", "vehicle_height > (bridge_clearance-1)", "eo:cloud_cover BETWEEN 0.1 AND 0.2 AND eo:instrument LIKE 'OLI%' OR landsat:wrs_row=28",
	"(floors>5 AND material='brick') OR swimming_pool=true", "NOT (floors<5) OR swimming_pool=true", "T_EQUALS(\"updated_at\", DATE('1851-04-29'))", "(NOT \"name\" LIKE 'foo%' AND \"value\" > 10)",
	"S_EQUALS(POLYGON ((-0.333333 89.0, -102.723546 -0.5, -179.0 -89.0, -1.9 89.0, -0.0 89.0, 2.00001 -1.9, -0.333333 89.0)), \"geometry\")",
	"S_WITHIN(POLYGON Z ((-49.88024 0.5 -75993.341684, -1.5 -0.99999 -100000.0, 0.0 0.5 -0.333333, -49.88024 0.5 -75993.341684)), \"geometry\")",
	"S_DISJOINT(geometry, BBOX(160.6,-55.95,-170,-25.89))", "T_STARTS(INTERVAL(starts_at, ends_at), INTERVAL('1991-10-07T08:21:06.393262Z', '..'))", "foo = -bar ^ 2 DIV 3 % 4", "updated BETWEEN TIMESTAMP('2012-08-10T05:30:00.0000Z') AND DATE('2020-01-01')",
}

// sameAgain checks that an expression reads back from both encodings as it is.
func sameAgain(t interface{ Fatalf(string, ...any) }, e Expr) {
	text := Text(e)
	again, err := ParseText(text)
	if err != nil {
		t.Fatalf("%s does not read back: %v", text, err)
	}
	if Text(again) != text {
		t.Fatalf("%s\nreads back as %s", text, Text(again))
	}
	raw := AppendJSON(nil, e)
	fromJSON, err := ParseJSON(raw)
	if err != nil {
		t.Fatalf("%s\ndoes not read back from %s: %v", text, raw, err)
	}
	if Text(fromJSON) != text {
		t.Fatalf("%s\nreads back from JSON as %s", text, Text(fromJSON))
	}
	f, err := Compile(e, queryables, macros)
	if err != nil {
		return
	}
	sameFilter(t, f, again)
	sameFilter(t, f, fromJSON)
	canonical, err := ParseText(f.String())
	if err != nil {
		t.Fatalf("%s can't be read: %v", f, err)
	}
	sameFilter(t, f, canonical)
}

func sameFilter(t interface{ Fatalf(string, ...any) }, f *Filter, e Expr) {
	g, err := Compile(e, queryables, macros)
	if err != nil {
		t.Fatalf("%s is refused where %s is not: %v", Text(e), f, err)
	}
	if g.String() != f.String() || g.chosen(sample) != f.chosen(sample) {
		t.Fatalf("%s (%d) and %s (%d)", f, f.chosen(sample), g, g.chosen(sample))
	}
}

func TestTheExamplesOfTheStandardAreRead(t *testing.T) {
	for _, text := range examples {
		e, err := ParseText(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		sameAgain(t, e)
	}
}

func FuzzText(f *testing.F) {
	for _, text := range examples {
		f.Add(text)
	}
	for _, texts := range holds {
		for _, text := range texts {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := ParseText(text); err == nil {
			sameAgain(t, e)
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, text := range examples {
		e, err := ParseText(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(AppendJSON(nil, e))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := ParseJSON(raw); err == nil {
			sameAgain(t, e)
		}
	})
}

func TestEveryFilterReadsBackFromBothEncodings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { sameAgain(t, drawCondition(t, 4)) })
}

// drawCondition makes a condition that fits the queryables.
func drawCondition(t *rapid.T, depth int) Expr {
	call := func(op Op, args ...Expr) Expr { return &Call{Op: op, Args: args} }
	forms := 9
	if depth > 0 {
		forms = 12
	}
	switch rapid.IntRange(0, forms-1).Draw(t, "condition") {
	case 0:
		ops := []Op{Equal, NotEqual, Less, Greater, LessOrEqual, GreaterOrEqual}
		operand := rapid.SampledFrom([]func(*rapid.T, int) Expr{drawNumber, drawText, drawInstant}).Draw(t, "family")
		return call(rapid.SampledFrom(ops).Draw(t, "op"), operand(t, depth), operand(t, depth))
	case 1:
		return call(Like, drawText(t, depth), &Literal{Value: strings.TrimRight(strings.ReplaceAll(rapid.StringN(0, 9, -1).Draw(t, "pattern"), "\x00", ""), `\`)})
	case 2:
		return call(Between, drawNumber(t, depth), drawNumber(t, depth), drawNumber(t, depth))
	case 3:
		return call(In, drawText(t, depth), drawText(t, depth), drawText(t, depth))
	case 4:
		operand := rapid.SampledFrom([]func(*rapid.T, int) Expr{drawNumber, drawText, drawInstant, drawTime, drawShape}).Draw(t, "operand")
		return call(IsNull, operand(t, depth))
	case 5:
		spatial := []Op{SIntersects, SEquals, SDisjoint, STouches, SWithin, SOverlaps, SCrosses, SContains}
		return call(rapid.SampledFrom(spatial).Draw(t, "spatial"), drawShape(t, depth), drawShape(t, depth))
	case 6:
		temporal := []Op{TAfter, TBefore, TContains, TDisjoint, TDuring, TEquals, TFinishedBy, TFinishes, TIntersects, TMeets, TMetBy, TOverlappedBy, TOverlaps, TStartedBy, TStarts}
		return call(rapid.SampledFrom(temporal).Draw(t, "temporal"), drawTime(t, depth), drawTime(t, depth))
	case 7:
		return call(SDWithin, drawShape(t, depth), drawShape(t, depth), &Literal{Value: rapid.Float64Range(0, 1e6).Draw(t, "metres")})
	case 8:
		return rapid.SampledFrom([]Expr{&Literal{Value: true}, &Property{Name: "b"}, &Property{Name: "nob"}}).Draw(t, "boolean")
	case 9:
		return call(Not, drawCondition(t, depth-1))
	case 10:
		return call(rapid.SampledFrom([]Op{Equal, NotEqual}).Draw(t, "op"), drawCondition(t, depth-1), drawCondition(t, depth-1))
	}
	return call(rapid.SampledFrom([]Op{And, Or}).Draw(t, "junction"), drawCondition(t, depth-1), drawCondition(t, depth-1), drawCondition(t, depth-1))
}

func drawNumber(t *rapid.T, depth int) Expr {
	forms := 3
	if depth > 0 {
		forms = 4
	}
	switch rapid.IntRange(0, forms-1).Draw(t, "number") {
	case 0:
		return &Literal{Value: rapid.Int64().Draw(t, "integer")}
	case 1:
		return &Literal{Value: rapid.Float64().Draw(t, "double")}
	case 2:
		return &Property{Name: rapid.SampledFrom([]string{"i", "j", "n", "m", "no", "noi"}).Draw(t, "property")}
	}
	op := rapid.SampledFrom([]Op{Plus, Minus, Times, Over, Modulo, Div, Power}).Draw(t, "arithmetic")
	return &Call{Op: op, Args: []Expr{drawNumber(t, depth-1), drawNumber(t, depth-1)}}
}

func drawText(t *rapid.T, depth int) Expr {
	switch rapid.IntRange(0, 2).Draw(t, "text") {
	case 0:
		return &Literal{Value: strings.ReplaceAll(rapid.String().Draw(t, "literal"), "\x00", "")}
	case 1:
		return &Property{Name: rapid.SampledFrom([]string{"s", "e", "名称", "nothing"}).Draw(t, "property")}
	}
	if depth == 0 {
		return &Property{Name: "s"}
	}
	return &Call{Op: rapid.SampledFrom([]Op{CaseI, AccentI}).Draw(t, "fold"), Args: []Expr{drawText(t, depth-1)}}
}

func drawInstant(t *rapid.T, _ int) Expr {
	at := time.UnixMilli(rapid.Int64Range(-2e12, 4e12).Draw(t, "at")).UTC()
	return rapid.SampledFrom([]Expr{&Literal{Value: at}, &Literal{Value: Day(at.Format(time.DateOnly))}, &Property{Name: "d"}, &Property{Name: "t"}, &Property{Name: "never"}}).Draw(t, "instant")
}

func drawTime(t *rapid.T, depth int) Expr {
	if rapid.Bool().Draw(t, "is an instant") {
		return drawInstant(t, depth)
	}
	end := func() Expr {
		if rapid.Bool().Draw(t, "is open") {
			return &Literal{Value: ".."}
		}
		return drawInstant(t, depth)
	}
	e, err := interval(place{}, end(), end())
	if err != nil {
		return &Property{Name: "u"}
	}
	return e
}

func drawShape(t *rapid.T, _ int) Expr {
	x, y := rapid.Float64Range(100, 110).Draw(t, "x"), rapid.Float64Range(20, 30).Draw(t, "y")
	texts := []string{"POINT(%[1]v %[2]v)", "LINESTRING(%[1]v %[2]v,105 25)", "POLYGON((%[1]v %[2]v,111 %[2]v,111 31,%[1]v %[2]v))", "MULTIPOINT((%[1]v %[2]v),(1 2))", "GEOMETRYCOLLECTION(POINT(%[1]v %[2]v),LINESTRING(1 2,3 4))"}
	text := fmt.Sprintf(rapid.SampledFrom(texts).Draw(t, "wkt"), x, y)
	return rapid.SampledFrom([]Expr{&Literal{Value: NewShape(mustGeometry(text))}, &Property{Name: "geom"}, &Property{Name: "nowhere"}}).Draw(t, "shape")
}
