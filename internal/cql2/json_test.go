package cql2

import (
	"errors"
	"strings"
	"testing"
)

func TestAFilterInJSONIsTheSameFilterInText(t *testing.T) {
	for _, c := range []struct{ json, text string }{
		{`{"op":"=","args":[{"property":"a"},1]}`, "a = 1"},
		{`{"op":"and","args":[{"op":"<","args":[{"property":"a"},1.5]},{"op":"not","args":[{"op":"isNull","args":[{"property":"b"}]}]}]}`, "a < 1.5 AND b IS NOT NULL"},
		{`{"op":"or","args":[{"op":"=","args":[{"property":"a"},true]},{"op":"<>","args":[{"property":"b"},"it's <b>"]},{"op":">=","args":[{"property":"c"},-3]}]}`, "a = TRUE OR b <> 'it''s <b>' OR c >= -3"},
		{`{"op":"in","args":[{"property":"a"},["x","y"]]}`, "a IN ('x', 'y')"},
		{`{"op":"not","args":[{"op":"in","args":[{"property":"a"},[1]]}]}`, "a NOT IN (1)"},
		{`{"op":"between","args":[{"property":"a"},1,2]}`, "a BETWEEN 1 AND 2"},
		{`{"op":"like","args":[{"op":"casei","args":[{"property":"名称"}]},{"op":"casei","args":["A%"]}]}`, "CASEI(名称) LIKE CASEI('A%')"},
		{`{"op":"=","args":[{"property":"a"},{"op":"+","args":[{"op":"*","args":[2,{"property":"b"}]},{"op":"div","args":[7,3]}]}]}`, "a = 2 * b + 7 DIV 3"},
		{`{"op":"=","args":[{"property":"d"},{"date":"2026-07-01"}]}`, "d = DATE('2026-07-01')"},
		{`{"op":"<","args":[{"property":"t"},{"timestamp":"2026-07-01T00:00:00.000Z"}]}`, "t < TIMESTAMP('2026-07-01T00:00:00.000Z')"},
		{`{"op":"t_during","args":[{"property":"t"},{"interval":["2026-07-01T00:00:00.000Z",".."]}]}`, "T_DURING(t, INTERVAL('2026-07-01T00:00:00.000Z', '..'))"},
		{`{"op":"t_finishedBy","args":[{"interval":[{"property":"a"},"2026-07-01"]},{"interval":["..",{"property":"b"}]}]}`, "T_FINISHEDBY(INTERVAL(a, '2026-07-01'), INTERVAL('..', b))"},
		{`{"op":"s_within","args":[{"property":"geom"},{"type":"Point","coordinates":[108.3,22.8]}]}`, "S_WITHIN(geom, POINT(108.3 22.8))"},
		{`{"op":"s_within","args":[{"property":"geom"},{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}]}`, "S_WITHIN(geom, MULTIPOINT((1 2),(3 4)))"},
		{`{"op":"s_within","args":[{"property":"geom"},{"type":"LineString","coordinates":[[1,2],[3,4]]}]}`, "S_WITHIN(geom, LINESTRING(1 2,3 4))"},
		{`{"op":"s_within","args":[{"property":"geom"},{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9],[0,0]],[[2,1],[3,1],[3,2],[2,1]]]}]}`, "S_WITHIN(geom, POLYGON((0 0,9 0,9 9,0 0),(2 1,3 1,3 2,2 1)))"},
		{`{"op":"s_within","args":[{"property":"geom"},{"type":"MultiLineString","coordinates":[[[1,2],[3,4]],[[5,6],[7,8]]]}]}`, "S_WITHIN(geom, MULTILINESTRING((1 2,3 4),(5 6,7 8)))"},
		{`{"op":"s_within","args":[{"property":"geom"},{"type":"MultiPolygon","coordinates":[[[[0,0],[9,0],[9,9],[0,0]]],[[[20,0],[29,0],[29,9],[20,0]]]]}]}`, "S_WITHIN(geom, MULTIPOLYGON(((0 0,9 0,9 9,0 0)),((20 0,29 0,29 9,20 0))))"},
		{`{"op":"s_within","args":[{"property":"geom"},{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]}]}]}`, "S_WITHIN(geom, GEOMETRYCOLLECTION(POINT(1 2)))"},
		{`{"op":"division","args":["450100"]}`, "division('450100')"},
		{`true`, "TRUE"}, {`{"property":"open"}`, "open"},
	} {
		e, err := ParseJSON([]byte(c.json))
		if err != nil {
			t.Errorf("%s: %v", c.json, err)
			continue
		}
		if got := Text(e); got != c.text {
			t.Errorf("%s\n got %s\nwant %s", c.json, got, c.text)
		}
		if got := string(AppendJSON(nil, e)); got != c.json {
			t.Errorf("written as\n %s, want\n %s", got, c.json)
		}
		if again, err := ParseText(c.text); err != nil || string(AppendJSON(nil, again)) != c.json {
			t.Errorf("%s: %v, %v", c.text, err, again)
		}
	}
	for json, text := range map[string]string{
		`{"op":"S_INTERSECTS","args":[{"property":"geom"},{"bbox":[1,2,3,4]}]}`:                               "S_INTERSECTS(geom, POLYGON((1 2,3 2,3 4,1 4,1 2)))",
		`{"op":"s_intersects","args":[{"property":"geom"},{"type":"Point","coordinates":[1,2,3],"bbox":[]}]}`: "S_INTERSECTS(geom, POINT(1 2))",
		`{"op":"t_after","args":[{"property":"t"},{"interval":["2026-07-01","2026-07-01"]}]}`:                 "T_AFTER(t, INTERVAL('2026-06-30T16:00:00.000Z', '2026-07-01T15:59:59.999Z'))",
		` {"op":"=","args":[1.0,1E2]}`: "1.0 = 100.0",
	} {
		if e, err := ParseJSON([]byte(json)); err != nil || Text(e) != text {
			t.Errorf("%s: %v, %v", json, err, e)
		}
	}
}

func TestAnErrorOfJSONNamesThePath(t *testing.T) {
	for _, c := range []struct{ json, path, says string }{
		{`{`, "", "not JSON"},
		{`true true`, "", "not JSON"},
		{`null`, "", "isNull"},
		{`[]`, "", "a list"},
		{`{}`, "", "not a part of a filter"},
		{`{"op":"and","args":[true,{"op":"=","args":[{"property":1},2]}]}`, "args[1].args[0].property", "a property has a name"},
		{`{"op":"=","args":[1,null]}`, "args[1]", "null"},
		{`{"op":"=","args":{"a":1}}`, "args", "not a list"},
		{`{"op":"=","args":[1,2],"x":3}`, "x", "unknown member"},
		{`{"op":"=","args":[1,[2]]}`, "args[1]", "a list"},
		{`{"op":"in","args":[1,2]}`, "", "IN takes a value and a list"},
		{`{"op":"in","args":[1,[]]}`, "", "IN takes a value and a list"},
		{`{"op":"=","args":[{"date":"2026-13-01"},1]}`, "args[0].date", "not a date"},
		{`{"op":"=","args":[{"timestamp":"2026-12-01"},1]}`, "args[0].timestamp", "not a time"},
		{`{"op":"t_after","args":[1,{"interval":["x",".."]}]}`, "args[1].interval[0]", "no end"},
		{`{"op":"t_after","args":[1,{"interval":[".."]}]}`, "args[1].interval", "two ends"},
		{`{"op":"t_after","args":[1,{"interval":["2026-02-01","2026-01-01"]}]}`, "args[1]", "ends before"},
		{`{"op":"s_equals","args":[1,{"type":"Point","coordinates":[1]}]}`, "args[1].coordinates", "a position of 1"},
		{`{"op":"s_equals","args":[1,{"type":"Point","coordinates":["1",2]}]}`, "args[1].coordinates[0]", "not a number"},
		{`{"op":"s_equals","args":[1,{"type":"Polygon","coordinates":[]}]}`, "args[1].coordinates", "empty"},
		{`{"op":"s_equals","args":[1,{"type":"MultiPolygon","coordinates":[[]]}]}`, "args[1].coordinates[0]", "empty"},
		{`{"op":"not","args":[]}`, "", "NOT has 0 arguments"},
		{`{"op":"or","args":[true]}`, "", "OR has 1 arguments (expected 2)"},
		{`{"op":"f g","args":[]}`, "op", "not the name of a function"},
		{`{"op":"point","args":[1]}`, "op", "not the name of a function"},
		{`{"op":"interval","args":[1]}`, "op", "not the name of a function"},
		{`{"op":"t_after","args":[1,{"interval":[5,{"property":"a"}]}]}`, "args[1].interval[0]", "no end"},
		{`{"op":"s_equals","args":[1,` + strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 30) + strings.Repeat("]}", 30) + `]}`, "", "nested more than 20 deep"},
		{`{"op":"a_contains","args":[{"property":"ids"},["x"]]}`, "", "no array functions"},
		{`{"op":"s_equals","args":[1,{"type":"Circle"}]}`, "args[1].type", "not a type of geometry"},
		{`{"op":"s_equals","args":[1,{"type":"GeometryCollection","geometries":[1]}]}`, "args[1].geometries[0].type", "not a type of geometry"},
		{`{"op":"s_equals","args":[1,{"bbox":[1,2,3]}]}`, "args[1]", "a box of 3"},
		{`{"op":"=","args":[1,1e999]}`, "args[1]", "too large"},
		{`{"op":"=","args":["\u0000",1]}`, "args[0]", "NUL"},
		{strings.Repeat(`{"op":"not","args":[`, 300) + "true" + strings.Repeat("]}", 300), "", "nested"},
		{strings.Repeat(`{"op":"not","args":[`, 150) + "true" + strings.Repeat("]}", 150), "", "nested"},
		{strings.Repeat("[", 100000), "", "not JSON"},
	} {
		_, err := ParseJSON([]byte(c.json))
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%.80s: %v", c.json, err)
			continue
		}
		if !strings.Contains(e.Error(), c.says) || c.path != "" && e.Path != c.path || e.Column != 0 {
			t.Errorf("%.80s: %v (path %q); want path %q, %q", c.json, e, e.Path, c.path, c.says)
		}
	}
}
