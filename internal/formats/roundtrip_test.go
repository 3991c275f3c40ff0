package formats_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twpayne/go-geom"
	"pgregory.net/rapid"

	"onemap/internal/formats"
	"onemap/internal/ingest"
	"onemap/layers"
	"onemap/layers/gpkg"
)

func all() []formats.Format {
	return formats.All(func(ctx context.Context, path string) (formats.GeoPackageFile, error) { return gpkg.Create(ctx, path) })
}

func named(t testing.TB, name string) formats.Format {
	t.Helper()
	i := slices.IndexFunc(all(), func(f formats.Format) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("there is no format %s", name)
	}
	return all()[i]
}

func each(features []*layers.Feature) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		for _, f := range features {
			if !yield(f, nil) {
				return
			}
		}
	}
}

// example is a layer with features of every kind of value.
type example struct {
	layer    *layers.Layer
	features []*layers.Feature
}

// types that every format tells from each other.
var types = []layers.DataType{layers.String, layers.Integer, layers.Number, layers.Boolean, layers.DateType, layers.DateTime, layers.JSON}

func drawExample(t *rapid.T, kinds []layers.GeometryType) example {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"名称", "名称一", "信息资源代码", "name", "Population2020", "population2021", "b", "值", "ß"}), 1, 6, strings.ToLower).Draw(t, "names")
	l := &layers.Layer{ID: "example", Title: layers.Text{Zh: "示例图层"}, Sharing: layers.Unconditional, UpdateCycle: layers.Daily,
		Synthetic: rapid.Bool().Draw(t, "synthetic"), Schematic: rapid.Bool().Draw(t, "schematic"), Geometry: rapid.SampledFrom(kinds).Draw(t, "geometry")}
	for _, n := range names {
		l.Schema = append(l.Schema, layers.Attribute{Name: n, Type: rapid.SampledFrom(types).Draw(t, "type")})
	}
	e := example{layer: l}
	for i := range rapid.IntRange(0, 8).Draw(t, "features") {
		f := &layers.Feature{ID: fmt.Sprintf("f%d", i), Num: int64(i + 1), Version: 1, Updated: time.UnixMilli(1_700_000_000_000).UTC(), Properties: map[string]any{}}
		f.Geometry = drawGeometry(t, l.Geometry)
		for _, a := range l.Schema {
			if v := drawValue(t, a.Type); v != nil {
				f.Properties[a.Name] = v
			}
		}
		e.features = append(e.features, f)
	}
	return e
}

func drawValue(t *rapid.T, kind layers.DataType) any {
	if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
		return nil
	}
	switch kind {
	case layers.Integer:
		return rapid.OneOf(rapid.Int64(), rapid.Int64Range(-99, 99), rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64})).Draw(t, "integer")
	case layers.Number:
		return rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 0.1, -1.5, 1e300, 5e-324, 1e21, 123456789.125})).Draw(t, "number")
	case layers.Boolean:
		return rapid.Bool().Draw(t, "boolean")
	case layers.DateType:
		return layers.Date(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 90_000).Draw(t, "day")).Format(time.DateOnly))
	case layers.DateTime:
		return time.UnixMilli(rapid.Int64Range(-2_000_000_000_000, 4_000_000_000_000).Draw(t, "instant")).UTC()
	case layers.JSON:
		return json.RawMessage(rapid.SampledFrom([]string{`{"a":1}`, `[1,"二"]`, `true`}).Draw(t, "json"))
	}
	return rapid.SampledFrom([]string{"甲", "a,b", `say "no"`, "line\nline", "；", "  x", "演示数据", "0450", "𠮷"}).Draw(t, "string")
}

func drawFlat(t *rapid.T, n int) []float64 {
	flat := make([]float64, 0, 2*n)
	for range n {
		flat = append(flat, rapid.Float64Range(-180, 180).Draw(t, "lon"), rapid.Float64Range(-90, 90).Draw(t, "lat"))
	}
	return flat
}

// drawRing is a rectangle, clockwise or not: every format has polygons in its own
// direction.
func drawRing(t *rapid.T) []float64 {
	x, y := rapid.Float64Range(100, 110).Draw(t, "x"), rapid.Float64Range(20, 25).Draw(t, "y")
	if rapid.Bool().Draw(t, "clockwise") {
		return []float64{x, y, x, y + 0.5, x + 0.5, y + 0.5, x + 0.5, y, x, y}
	}
	return []float64{x, y, x + 0.5, y, x + 0.5, y + 0.5, x, y + 0.5, x, y}
}

func drawGeometry(t *rapid.T, kind layers.GeometryType) geom.T {
	if rapid.IntRange(0, 4).Draw(t, "no geometry") == 0 {
		return nil
	}
	if kind == layers.AnyGeometry {
		kind = rapid.SampledFrom([]layers.GeometryType{layers.Point, layers.LineString, layers.Polygon, layers.MultiPoint, layers.MultiLineString, layers.MultiPolygon}).Draw(t, "kind")
	}
	switch kind {
	case layers.Point:
		return geom.NewPointFlat(geom.XY, drawFlat(t, 1))
	case layers.LineString:
		return geom.NewLineStringFlat(geom.XY, drawFlat(t, 3))
	case layers.MultiPoint:
		return geom.NewMultiPointFlat(geom.XY, drawFlat(t, 2))
	case layers.MultiLineString:
		return geom.NewMultiLineStringFlat(geom.XY, drawFlat(t, 5), []int{4, 10})
	case layers.Polygon:
		return geom.NewPolygonFlat(geom.XY, drawRing(t), []int{10})
	}
	return geom.NewMultiPolygonFlat(geom.XY, append(drawRing(t), 1, 1, 2, 1, 2, 2, 1, 1), [][]int{{10}, {18}})
}

func TestWhatAFormatWritesIsReadBackEqual(t *testing.T) {
	dir := t.TempDir()
	kinds := []layers.GeometryType{layers.Point, layers.LineString, layers.Polygon, layers.MultiPoint, layers.MultiLineString, layers.MultiPolygon, layers.AnyGeometry}
	for _, name := range []string{"geojson", "geojsonseq", "ndjson", "csv", "gpkg"} {
		format := named(t, name)
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				e := drawExample(t, kinds)
				var b bytes.Buffer
				n, err := format.Copy(context.Background(), &b, formats.Options{Layer: e.layer, Now: time.Now()}, each(e.features))
				if err != nil || n != int64(len(e.features)) {
					t.Fatalf("%d features, %v", n, err)
				}
				if notice := formats.Notice(e.layer); len(e.features) > 0 && !strings.Contains(b.String(), notice) {
					t.Errorf("it does not say %q", notice)
				}
				path := filepath.Join(dir, "example"+format.Suffix)
				if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
				if len(e.features) > 0 {
					compareRows(t, e, path)
				}
			})
		})
	}
}

// compareRows reads a file as an import does.
func compareRows(t *rapid.T, e example, path string) {
	sets, done, err := ingest.Open(context.Background(), path, ingest.Columns{})
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	i := 0
	for row, err := range sets[0].Rows(context.Background()) {
		if err != nil || row.Err != nil || i == len(e.features) {
			t.Fatalf("row %d: %v, %v", i, err, row.Err)
		}
		want := e.features[i]
		id, got := row.ID, map[string]any{}
		for _, p := range row.Properties {
			a, ok := e.layer.Schema.Attribute(p.Name)
			switch {
			case p.Name == "id" && !ok:
				id, _ = p.Value.(string)
			case !ok:
				t.Fatalf("an attribute %q", p.Name)
			case p.Value != nil:
				if s, isText := p.Value.(string); isText && a.Type == layers.JSON {
					p.Value = json.RawMessage(s)
				}
				if got[p.Name], err = a.Coerce(p.Value); err != nil {
					t.Fatalf("%s: %v", p.Name, err)
				}
			}
		}
		if id != want.ID || !reflect.DeepEqual(plain(got), plain(want.Properties)) {
			t.Fatalf("got  %s %v\nwant %s %v", id, got, want.ID, want.Properties)
		}
		if !reflect.DeepEqual(row.Geometry, want.Geometry) {
			t.Fatalf("got %v, want %v", row.Geometry, want.Geometry)
		}
		i++
	}
	if i != len(e.features) {
		t.Fatalf("%d of %d features", i, len(e.features))
	}
}

// plain is values with JSON as text: its bytes count, not their type.
func plain(properties map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range properties {
		if raw, ok := v.(json.RawMessage); ok {
			v = string(raw)
		}
		out[k] = v
	}
	return out
}
