package geojson

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkt"

	"onemap/layers"
)

func TestAFeatureKeepsTheSchemasOrderAndFullPrecision(t *testing.T) {
	schema := layers.Schema{
		{Name: "名称", Type: layers.String}, {Name: "a", Type: layers.Integer}, {Name: "level_m", Type: layers.Number}, {Name: "ok", Type: layers.Boolean},
		{Name: "day", Type: layers.DateType}, {Name: "at", Type: layers.DateTime}, {Name: "extra", Type: layers.JSON}, {Name: "none", Type: layers.String},
	}
	at := time.Date(2026, 7, 1, 8, 0, 0, 250e6, layers.Beijing)
	f := &layers.Feature{
		ID: "井\"1", Num: 9, Version: 7, Updated: at, Geometry: geom.NewPointFlat(geom.XY, []float64{108.1234567890123, 22.8}),
		Properties: map[string]any{
			"名称": "邕江\n", "a": int64(math.MaxInt64), "level_m": 0.30000000000000004, "ok": true, "day": layers.Date("2026-07-01"), "at": at,
			"extra": json.RawMessage("{\"b\": [1,\n 2]}"),
		},
	}
	want := `{"type":"Feature","id":"井\"1","geometry":{"type":"Point","coordinates":[108.1234567890123,22.8]},` +
		`"properties":{"名称":"邕江\n","a":9223372036854775807,"level_m":0.30000000000000004,"ok":true,"day":"2026-07-01","at":"2026-07-01T00:00:00.25Z","extra":{"b":[1,2]},"none":null},` +
		`"onemap":{"num":9,"version":7,"updated":"2026-07-01T00:00:00.25Z"}}`
	if got := string(AppendFeature(nil, schema, f)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEveryGeometryTypeIsWritten(t *testing.T) {
	for _, c := range []struct{ wkt, want string }{
		{"POINT (1 2)", `{"type":"Point","coordinates":[1,2]}`},
		{"POINT Z (1 2 3)", `{"type":"Point","coordinates":[1,2,3]}`},
		{"POINT M (1 2 3)", `{"type":"Point","coordinates":[1,2]}`},
		{"POINT ZM (1 2 3 4)", `{"type":"Point","coordinates":[1,2,3,4]}`},
		{"POINT EMPTY", `{"type":"Point","coordinates":[]}`},
		{"LINESTRING (1 2, 0.0000001 4)", `{"type":"LineString","coordinates":[[1,2],[1e-07,4]]}`},
		{"POLYGON ((0 0, 3 0, 3 3, 0 0), (1 1, 2 1, 2 2, 1 1))", `{"type":"Polygon","coordinates":[[[0,0],[3,0],[3,3],[0,0]],[[1,1],[2,1],[2,2],[1,1]]]}`},
		{"POLYGON EMPTY", `{"type":"Polygon","coordinates":[]}`},
		{"MULTIPOINT ((1 2), (3 4))", `{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}`},
		{"MULTILINESTRING ((1 2, 3 4), (5 6, 7 8))", `{"type":"MultiLineString","coordinates":[[[1,2],[3,4]],[[5,6],[7,8]]]}`},
		{"MULTIPOLYGON (((0 0, 3 0, 3 3, 0 0), (1 1, 2 1, 2 2, 1 1)), ((5 5, 6 5, 6 6, 5 5)))",
			`{"type":"MultiPolygon","coordinates":[[[[0,0],[3,0],[3,3],[0,0]],[[1,1],[2,1],[2,2],[1,1]]],[[[5,5],[6,5],[6,6],[5,5]]]]}`},
		{"GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (1 2, 3 4))",
			`{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},{"type":"LineString","coordinates":[[1,2],[3,4]]}]}`},
	} {
		g, err := wkt.Unmarshal(c.wkt)
		if err != nil {
			t.Fatalf("%s: %v", c.wkt, err)
		}
		if got := string(AppendGeometry(nil, g)); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.wkt, got, c.want)
		}
	}
	if got := string(AppendGeometry(nil, nil)); got != "null" {
		t.Errorf("a null geometry became %s", got)
	}
}

func TestWhateverIsStoredBecomesValidJSON(t *testing.T) {
	for _, v := range []any{"a\x00\x1f\"\\\t\r\xff甲", math.NaN(), math.Inf(-1), 1e300, 5e-324, json.RawMessage("{broken"), json.RawMessage(nil), struct{}{}} {
		b := AppendValue([]byte("x"), v)
		if b[0] != 'x' || !json.Valid(b[1:]) {
			t.Errorf("%#v became %s", v, b[1:])
		}
	}
}

func FuzzAStringReadsBackAsItWas(f *testing.F) {
	f.Add("邕江\n\"\\\x7f\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var got, want string
		if err := json.Unmarshal(AppendString(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		std, _ := json.Marshal(s)
		if _ = json.Unmarshal(std, &want); got != want {
			t.Errorf("%q became %q, want %q", s, got, want)
		}
	})
}

func BenchmarkAppendFeature(b *testing.B) {
	schema := layers.Schema{{Name: "name", Type: layers.String}, {Name: "level", Type: layers.Number}}
	f := &layers.Feature{ID: "g1", Geometry: geom.NewPointFlat(geom.XY, []float64{108.1, 22.8}), Properties: map[string]any{"name": "示例站01", "level": 71.25}, Updated: time.Now()}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendFeature(buf[:0], schema, f)
	}
}
