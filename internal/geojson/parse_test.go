package geojson

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkt"

	"onemap/layers"
)

func TestAFeatureIsReadWithItsNumbersAsTheyWereSent(t *testing.T) {
	f, err := ParseFeature([]byte(` {"type":"Feature","id":12,"geometry":{"type":"Point","coordinates":[ 108.3 , 22.8,70 ]},
		"properties":{"n":9007199254740993,"x":0.1,"none":null,"Name":"邕江"},"foreign":{"a":[1]}} `))
	if err != nil {
		t.Fatal(err)
	}
	if f.ID != "12" || !f.HasGeometry || f.Properties["n"] != json.Number("9007199254740993") || f.Properties["Name"] != "邕江" {
		t.Errorf("got %+v", f)
	}
	if v, sent := f.Properties["none"]; v != nil || !sent {
		t.Error("a null property was dropped")
	}
	if p, ok := f.Geometry.(*geom.Point); !ok || p.Layout() != geom.XYZ || p.Z() != 70 {
		t.Errorf("the geometry is %v", f.Geometry)
	}
}

func TestAbsentAndNullGeometriesAreToldApart(t *testing.T) {
	for raw, want := range map[string]bool{`{"type":"Feature"}`: false, `{"type":"Feature","geometry":null}`: true} {
		if f, err := ParseFeature([]byte(raw)); err != nil || f.HasGeometry != want || f.Geometry != nil {
			t.Errorf("%s: %+v, %v", raw, f, err)
		}
	}
	f, err := ParsePatch([]byte(`{"properties":{"a":null}}`))
	if err != nil || f.HasGeometry || !f.HasProperties || len(f.Properties) != 1 {
		t.Errorf("a patch became %+v, %v", f, err)
	}
}

func TestEveryGeometryTypeReadsBackAsItWasWritten(t *testing.T) {
	for _, text := range []string{
		"POINT (1 2)", "POINT Z (1 2 3)", "POINT ZM (1 2 3 4)", "POINT EMPTY", "LINESTRING (1 2, 3 4)", "LINESTRING EMPTY",
		"POLYGON ((0 0, 3 0, 3 3, 0 0), (1 1, 2 1, 2 2, 1 1))", "POLYGON EMPTY", "MULTIPOINT ((1 2), (3 4))", "MULTIPOINT EMPTY",
		"MULTILINESTRING ((1 2, 3 4), (5 6, 7 8))", "MULTILINESTRING EMPTY", "MULTIPOLYGON EMPTY",
		"MULTIPOLYGON (((0 0, 3 0, 3 3, 0 0), (1 1, 2 1, 2 2, 1 1)), ((5 5, 6 5, 6 6, 5 5)))",
		"GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (1 2, 3 4), GEOMETRYCOLLECTION (POINT (5 6)))", "GEOMETRYCOLLECTION EMPTY",
	} {
		want, err := wkt.Unmarshal(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got, err := ParseGeometry(AppendGeometry(nil, want))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		written, _ := wkt.Marshal(want)
		if s, _ := wkt.Marshal(got); s != written {
			t.Errorf("%s became %s", written, s)
		}
	}
}

func TestErrorsNameThePathOfWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ raw, field string }{
		{``, "$"}, {`[]`, "$"}, {`null`, "$"}, {`{"type":"Feature"`, "$"}, {`{"type":"Feature"} x`, "$"},
		{`{"TYPE":"Feature"}`, "type"}, {`{"type":"Point"}`, "type"},
		{`{"type":"Feature","id":true}`, "id"}, {`{"type":"Feature","id":[1]}`, "id"},
		{`{"type":"Feature","properties":[1]}`, "properties"}, {`{"type":"Feature","properties":"x"}`, "properties"},
		{`{"type":"Feature","geometry":7}`, "geometry"}, {`{"type":"Feature","geometry":{}}`, "geometry.type"},
		{`{"type":"Feature","geometry":{"type":"Circle"}}`, "geometry.type"},
		{`{"type":"Feature","geometry":{"type":"Point"}}`, "geometry.coordinates"},
		{`{"type":"Feature","geometry":{"type":"Point","coordinates":[1]}}`, "geometry.coordinates"},
		{`{"type":"Feature","geometry":{"type":"Point","coordinates":[1,"2"]}}`, "geometry.coordinates"},
		{`{"type":"Feature","geometry":{"type":"Point","coordinates":[1,1e999]}}`, "geometry.coordinates"},
		{`{"type":"Feature","geometry":{"type":"Point","coordinates":{}}}`, "geometry.coordinates"},
		{`{"type":"Feature","geometry":{"type":"LineString","coordinates":[[1,2],[3,4,5]]}}`, "geometry.coordinates[1]"},
		{`{"type":"Feature","geometry":{"type":"LineString","coordinates":[[1,2],[]]}}`, "geometry.coordinates[1]"},
		{`{"type":"Feature","geometry":{"type":"LineString","coordinates":[1,2]}}`, "geometry.coordinates[0]"},
		{`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1,2],[3,null]]]}}`, "geometry.coordinates[0][1]"},
		{`{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[[[[1,2]]],[[[1,[2]]]]]}}`, "geometry.coordinates[1][0][0]"},
		{`{"type":"Feature","geometry":{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},null]}}`, "geometry.geometries[1]"},
		{`{"type":"Feature","geometry":{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1]}]}}`, "geometry.geometries[0].coordinates"},
		{`{"type":"Feature","properties":{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}}`, "$"},
	} {
		_, err := ParseFeature([]byte(c.raw))
		var e *layers.Error
		if !errors.As(err, &e) || e.Code != layers.Invalid || len(e.Violations) != 1 || e.Violations[0].Field != c.field {
			t.Errorf("%s\ngot  %v\nwant a violation at %s", c.raw, err, c.field)
		}
	}
}

func TestACollectionIsSplitIntoItsFeatures(t *testing.T) {
	fs, isCollection, err := ParseCollection([]byte(`{"type":"FeatureCollection","features":[{"type":"Feature","id":"a"}, {"type":"Feature","id":"b"}]}`))
	if err != nil || !isCollection || len(fs) != 2 {
		t.Fatalf("%d, %v, %v", len(fs), isCollection, err)
	}
	if f, err := ParseFeature(fs[1]); err != nil || f.ID != "b" {
		t.Errorf("%+v, %v", f, err)
	}
	if fs, isCollection, err := ParseCollection([]byte(`{"type":"Feature"}`)); err != nil || isCollection || len(fs) != 1 {
		t.Errorf("a single feature: %d, %v, %v", len(fs), isCollection, err)
	}
	for _, raw := range []string{`{"type":"FeatureCollection"}`, `{"type":"FeatureCollection","features":{}}`, `{"type":"x"}`, `7`} {
		if _, _, err := ParseCollection([]byte(raw)); layers.CodeOf(err) != layers.Invalid {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func FuzzWhatIsAcceptedIsWrittenAndReadTheSame(f *testing.F) {
	f.Add([]byte(`{"type":"Feature","id":1,"geometry":{"type":"Polygon","coordinates":[[[1,2],[3,4],[5,6],[1,2]]]},"properties":{"a":[{"b":1e9}]}}`))
	f.Add([]byte(`{"type":"Feature","geometry":{"type":"GeometryCollection","geometries":[{"type":"MultiPoint","coordinates":[]}]}}`))
	f.Add([]byte(`{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[[],[[]],[[[1,2,3]]]]}}`))
	f.Add([]byte(`{"type":"Feature","geometry":{"type":"Point","coordinates":[]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := ParseFeature(raw)
		if err != nil {
			if layers.CodeOf(err) != layers.Invalid {
				t.Fatalf("%v is not the sender's error", err)
			}
			return
		}
		written := AppendGeometry(nil, got.Geometry)
		again, err := ParseGeometry(written)
		if err != nil {
			t.Fatalf("%s can't be read back: %v", written, err)
		}
		if s := AppendGeometry(nil, again); string(s) != string(written) {
			t.Fatalf("%s became %s", written, s)
		}
	})
}
