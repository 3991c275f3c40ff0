package formats_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twpayne/go-geom"
	"pgregory.net/rapid"

	"onemap/internal/formats"
	"onemap/layers"
)

// gdal runs one of GDAL's programs, which stands for everybody's client.
func gdal(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(args[0]); err != nil {
		t.Fatalf("%s is missing: `make test` installs it (Debian package gdal-bin)", args[0])
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// archive writes a layer as Shapefiles and returns the zip's path and its texts.
func archive(t *testing.T, e example) (path string, files map[string]string) {
	t.Helper()
	var b bytes.Buffer
	if _, err := formats.Shapefile.Copy(t.Context(), &b, formats.Options{Layer: e.layer, Now: time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)}, each(e.features)); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "a.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return path, files
}

// readFeature is what GDAL says of a feature.
type readFeature struct {
	Properties map[string]any
	Geometry   *struct {
		Type        string
		Coordinates any
	}
}

// readShapes reads all Shapefiles of an archive, by id.
func readShapes(t *testing.T, path string, files map[string]string) map[string]readFeature {
	t.Helper()
	all := map[string]readFeature{}
	for name := range files {
		if !strings.HasSuffix(name, ".shp") {
			continue
		}
		out := gdal(t, "ogr2ogr", "-f", "GeoJSON", "-lco", "COORDINATE_PRECISION=15", "/vsistdout/", "/vsizip/"+path+"/"+name)
		var c struct{ Features []readFeature }
		d := json.NewDecoder(strings.NewReader(out))
		d.UseNumber()
		if err := d.Decode(&c); err != nil {
			t.Fatal(err)
		}
		for _, f := range c.Features {
			all[fmt.Sprint(f.Properties["id"])] = f
		}
	}
	return all
}

// namesIn reads which field is which attribute from the text in the archive.
func namesIn(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	names := map[string]string{}
	_, list, ok := strings.Cut(files["example.fields.txt"], "字段 field")
	if !ok {
		t.Fatalf("no list of fields: %v", files)
	}
	for line := range strings.Lines(list) {
		if f := strings.Split(line, "\t"); len(f) == 5 {
			names[f[1]] = f[0]
		}
	}
	return names
}

func TestGDALReadsAShapefileWithEqualFeatures(t *testing.T) {
	kinds := []layers.GeometryType{layers.Point, layers.LineString, layers.Polygon, layers.MultiPoint, layers.MultiLineString, layers.MultiPolygon, layers.AnyGeometry, layers.AnyGeometry}
	examples := rapid.Custom(func(t *rapid.T) example { return drawExample(t, kinds) })
	for seed := range 25 {
		e := examples.Example(seed)
		path, files := archive(t, e)
		got, names := readShapes(t, path, files), namesIn(t, files)
		if len(got) != len(e.features) {
			t.Fatalf("seed %d: %d of %d features", seed, len(got), len(e.features))
		}
		for _, want := range e.features {
			f := got[want.ID]
			for _, a := range e.layer.Schema {
				v := f.Properties[names[a.Name]]
				if n, ok := v.(json.Number); ok && a.Type == layers.Boolean { // GDAL's, by version: T or 1
					v, _ = n.Int64()
				}
				if s, ok := v.(string); ok && a.Type == layers.JSON {
					v = json.RawMessage(s)
				}
				v, err := a.Coerce(v)
				w := want.Properties[a.Name]
				if s, ok := w.(string); ok {
					w = strings.TrimSpace(s) // GDAL leaves spaces at both ends out
				}
				if err != nil || fmt.Sprint(v) != fmt.Sprint(w) {
					t.Errorf("seed %d: %s.%s (%s): got %v, want %v: %v", seed, want.ID, a.Name, names[a.Name], v, w, err)
				}
			}
			if n := formats.Notice(e.layer); n != "" && f.Properties[names["notice"]] != n {
				t.Errorf("seed %d: it does not say %q: %v", seed, n, f.Properties)
			}
			if !sameShape(want.Geometry, f) {
				t.Errorf("seed %d: %s: got %+v, want %v", seed, want.ID, f.Geometry, want.Geometry)
			}
		}
	}
}

// sameShape compares coordinates. Shapefiles have single and multi as one type, and
// rings in their own direction.
func sameShape(want geom.T, got readFeature) bool {
	if want == nil || got.Geometry == nil {
		return want == nil && got.Geometry == nil
	}
	var runs [][]float64
	var walk func(v any)
	walk = func(v any) {
		list, _ := v.([]any)
		if len(list) == 0 {
			return
		}
		if _, isPosition := list[0].(json.Number); isPosition {
			for _, n := range list {
				f, _ := n.(json.Number).Float64()
				runs[len(runs)-1] = append(runs[len(runs)-1], f)
			}
			return
		}
		if first, _ := list[0].([]any); len(first) > 0 {
			if _, ofPositions := first[0].(json.Number); ofPositions {
				runs = append(runs, nil)
			}
		}
		for _, child := range list {
			walk(child)
		}
	}
	if got.Geometry.Type == "Point" {
		runs = append(runs, nil)
	}
	walk(got.Geometry.Coordinates)
	ends := want.Ends()
	for _, e := range want.Endss() {
		ends = append(ends, e...)
	}
	if _, ok := want.(*geom.MultiPoint); ok || len(ends) == 0 {
		ends = []int{len(want.FlatCoords())}
	}
	start := 0
	for i, end := range ends {
		if i >= len(runs) || !near(want.FlatCoords()[start:end], runs[i]) && !near(reversed(want.FlatCoords()[start:end]), runs[i]) {
			return false
		}
		start = end
	}
	return len(runs) == len(ends)
}

func near(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Abs(x-y) < 1e-12 })
}

func reversed(flat []float64) (out []float64) {
	for i := len(flat) - 2; i >= 0; i -= 2 {
		out = append(out, flat[i], flat[i+1])
	}
	return out
}

func oneAttribute(kind layers.DataType) *layers.Layer {
	return &layers.Layer{ID: "example", Title: layers.Text{Zh: "示例"}, Geometry: layers.AnyGeometry, Schema: layers.Schema{{Name: "值", Type: kind}}}
}

func TestAShapefileHasAFileForEachTypeOfShapeAndSaysItsEncoding(t *testing.T) {
	l := oneAttribute(layers.String)
	l.Synthetic = true
	e := example{l, []*layers.Feature{
		{ID: "nowhere"},
		{ID: "high", Geometry: geom.NewPointFlat(geom.XYZ, []float64{108, 22, 75.5}), Properties: map[string]any{"值": "南宁"}},
		{ID: "measured", Geometry: geom.NewLineStringFlat(geom.XYM, []float64{108, 22, 1, 109, 23, 2})},
		{ID: "hole", Geometry: geom.NewPolygonFlat(geom.XY, []float64{0, 0, 9, 0, 9, 9, 0, 9, 0, 0, 1, 1, 2, 1, 2, 2, 1, 2, 1, 1}, []int{10, 20})},
		{ID: "empty", Geometry: geom.NewPointEmpty(geom.XY)},
	}}
	path, files := archive(t, e)
	var names []string
	for n := range files {
		names = append(names, n)
	}
	slices.Sort(names)
	var want []string
	for _, kind := range []string{"line_m", "point_z", "polygon"} {
		for _, suffix := range []string{"cpg", "dbf", "prj", "shp", "shx"} {
			want = append(want, "example_"+kind+"."+suffix)
		}
	}
	slices.Sort(want)
	if want = append([]string{"example.fields.txt"}, want...); !reflect.DeepEqual(names, want) {
		t.Errorf("got  %v\nwant %v", names, want)
	}
	if files["example_point_z.cpg"] != "UTF-8" || !strings.Contains(files["example.fields.txt"], "演示数据，非真实情况") {
		t.Errorf("got %v", files["example.fields.txt"])
	}
	got := readShapes(t, path, files)
	if len(got) != 5 || got["nowhere"].Geometry != nil || got["empty"].Geometry != nil || fmt.Sprint(got["high"].Geometry.Coordinates) != "[108.0 22.0 75.5]" {
		t.Errorf("got %+v", got)
	}
	if info := gdal(t, "ogrinfo", "-ro", "-al", "/vsizip/"+path+"/example_line_m.shp"); !strings.Contains(info, "LINESTRING M (108 22 1,109 23 2)") {
		t.Errorf("the measures are lost:\n%s", info)
	}
	if rings := got["hole"].Geometry.Coordinates.([]any); len(rings) != 2 {
		t.Errorf("the hole is lost: %v", rings)
	}
}

func TestAShapefileSaysWhatItHadToCut(t *testing.T) {
	long := strings.Repeat("广西壮族自治区", 20)
	_, files := archive(t, example{oneAttribute(layers.String), []*layers.Feature{{ID: "a", Properties: map[string]any{"值": long}}, {ID: "b", Properties: map[string]any{"值": "短"}}}})
	if !strings.Contains(files["example.fields.txt"], "值\t值\t\tstring\t1 个值截断至 values cut to 254 bytes") {
		t.Errorf("got %s", files["example.fields.txt"])
	}
	if table := files["example.dbf"]; strings.Contains(table, long) || !strings.Contains(table, long[:252]+" ") { // 252: whole characters
		t.Errorf("got %q", table)
	}
}

func TestWhatAShapefileCannotHoldIsRefusedWithAWayOut(t *testing.T) {
	many := oneAttribute(layers.String)
	for i := range 255 {
		many.Schema = append(many.Schema, layers.Attribute{Name: fmt.Sprintf("a%d", i), Type: layers.Integer})
	}
	var wide []*layers.Feature
	for i := range 10 {
		wide = append(wide, &layers.Feature{ID: fmt.Sprint(i), Geometry: geom.NewPointFlat(geom.XY, []float64{1, 2}), Properties: map[string]any{"值": strings.Repeat("x", 200)}})
	}
	for _, c := range []struct {
		name  string
		e     example
		limit int64
		want  string
	}{
		{"too many attributes", example{layer: many}, 1000, "more than 255 attributes"},
		{"shapes of too many bytes", example{oneAttribute(layers.Integer), wide}, 300, "larger than 300 bytes"},
		{"attributes of too many bytes", example{oneAttribute(layers.String), wide}, 1500, "larger than 1500 bytes"},
		{"a collection", example{oneAttribute(layers.String), []*layers.Feature{{ID: "c", Geometry: geom.NewGeometryCollection().MustPush(geom.NewPointFlat(geom.XY, []float64{1, 2}))}}}, 1000, "feature c: a Shapefile can't hold a GeometryCollection"},
	} {
		var b bytes.Buffer
		_, err := formats.ShapefilesOf(c.limit).Copy(t.Context(), &b, formats.Options{Layer: c.e.layer}, each(c.e.features))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "ask for GeoPackage") {
			t.Errorf("%s: %v", c.name, err)
		}
		if b.Len() > 0 {
			t.Errorf("%s: %d bytes of a file that is none were written", c.name, b.Len())
		}
	}
}
