package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// chinese is a layer with names and values as departments have them.
func chinese(t *testing.T, s *server, id string, kind layers.GeometryType, geometries ...geom.T) {
	t.Helper()
	l := hospitalLayer()
	l.ID, l.Geometry, l.Title = id, kind, layers.Text{Zh: "示例，图层"}
	l.Schema = layers.Schema{{Name: "名称", Type: layers.String}, {Name: "床位数", Type: layers.Integer}, {Name: "负荷", Type: layers.Number}, {Name: "开业", Type: layers.DateType}, {Name: "观测", Type: layers.DateTime}}
	if _, err := s.store.DefineLayer(t.Context(), layers.Actor{}, l); err != nil {
		t.Fatal(err)
	}
	edits := []layers.Edit{{Op: layers.Put, ID: "空"}}
	for i, g := range geometries {
		edits = append(edits, layers.Edit{Op: layers.Put, ID: fmt.Sprintf("甲%d", i), Geometry: g, Properties: map[string]any{
			"名称": fmt.Sprintf("第%d人民医院，“东院”\n南楼", i), "床位数": int64(i) * 1_000_000_007, "负荷": 0.1 + float64(i), "开业": layers.Date("1999-12-31"), "观测": base}})
	}
	if _, err := s.store.Apply(t.Context(), layers.Actor{}, id, edits); err != nil {
		t.Fatal(err)
	}
}

func TestGDALReadsEachFormatWithEqualFeatures(t *testing.T) {
	s := start(t)
	line := geom.NewLineStringFlat(geom.XY, []float64{108.1, 22.1, 108.2, 22.3, 109, 23})
	// Outer ring clockwise, as Shapefiles have it.
	area := geom.NewPolygonFlat(geom.XY, []float64{0, 0, 0, 9, 9, 9, 9, 0, 0, 0, 1, 1, 2, 1, 2, 2, 1, 2, 1, 1}, []int{10, 20})
	chinese(t, s, "points", layers.Point, point(108.35, 22.75), point(108.3600000000001, -22.76))
	chinese(t, s, "lines", layers.LineString, line, line)
	chinese(t, s, "areas", layers.Polygon, area)
	for _, c := range []struct {
		layer, kind string
		features    int
	}{{"points", "Point", 3}, {"lines", "Line String", 3}, {"areas", "Polygon", 2}} {
		want := s.ogr(t, c.layer, "geojson&limit=100", ".geojson")
		if len(want) != c.features {
			t.Fatalf("%s: GDAL reads %d features of GeoJSON", c.layer, len(want))
		}
		for format, suffix := range map[string]string{"geojsonseq": ".geojsons", "ndjson": ".geojsonl", "csv&csv-geometry=wkt": ".csv", "csv": ".csv", "gpkg": ".gpkg", "shp": ".zip"} {
			got := s.ogr(t, c.layer, format, suffix)
			if len(got) != len(want) {
				t.Errorf("%s, %s: %d features, want %d", c.layer, format, len(got), len(want))
			}
			for id, w := range want {
				if g := got[id]; g != w {
					t.Errorf("%s, %s: %s:\ngot  %s\nwant %s", c.layer, format, id, g, w)
				}
			}
		}
	}
}

func TestAGeoPackageHasASpatialIndexAndSaysWhatItIs(t *testing.T) {
	s := start(t)
	chinese(t, s, "points", layers.Point, point(108, 22), point(109, 23), point(109.5, 23.5))
	path := filepath.Join(t.TempDir(), "a.gpkg")
	if err := os.WriteFile(path, []byte(s.get("/api/collections/points/items?f=gpkg").want(t, 200).body), 0o400); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ sql, want string }{
		{"SELECT count(*) AS n FROM points WHERE fid IN (SELECT id FROM rtree_points_geom WHERE minx > 108.5)", "n (Integer) = 2"},
		{"SELECT identifier || description || min_x || max_y AS n FROM gpkg_contents", "n (String) = 示例，图层示例，图层；演示数据，非真实情况108.023.5"},
		{"SELECT count(*) AS n FROM sqlite_master WHERE name LIKE 'onemap%'", "n (Integer) = 0"},
		{"SELECT feature_count AS n FROM gpkg_ogr_contents", "n (Integer64) = 4"},
		{"PRAGMA integrity_check", "integrity_check (String) = ok"},
	} {
		if got := gdal(t, "ogrinfo", "-ro", "-q", "-sql", c.sql, path); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.sql, got)
		}
	}
}

// ogr returns what GDAL says of the features of a file in a format, by id.
func (s *server) ogr(t *testing.T, layer, format, suffix string) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a"+suffix)
	a := s.get("/api/collections/"+layer+"/items?f="+format).want(t, http.StatusOK)
	if err := os.WriteFile(path, []byte(a.body), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-f", "GeoJSON", "-lco", "COORDINATE_PRECISION=15", "/vsistdout/"}
	switch suffix {
	case ".csv":
		args = append(args, "-oo", "AUTODETECT_TYPE=YES", "-oo", "GEOM_POSSIBLE_NAMES=wkt", "-oo", "X_POSSIBLE_NAMES=lon", "-oo", "Y_POSSIBLE_NAMES=lat", "-oo", "KEEP_GEOM_COLUMNS=NO", path)
	case ".zip":
		args = append(args, "/vsizip/"+path)
	default:
		args = append(args, path)
	}
	features := map[string]string{}
	var c struct {
		Features []struct {
			ID         any
			Properties map[string]any
			Geometry   any
		}
	}
	if err := json.Unmarshal([]byte(gdal(t, "ogr2ogr", args...)), &c); err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Features {
		if id, ok := f.Properties["id"]; ok { // where the format has it as an attribute
			f.ID = id
		}
		var values []any
		for _, name := range []string{"名称", "床位数", "负荷", "开业", "观测"} {
			v := f.Properties[name]
			if suffix == ".zip" && v == nil {
				v = f.Properties[name[:min(9, len(name))]]
			}
			if text, ok := v.(string); ok { // times as the formats have them
				v = strings.NewReplacer("/", "-", "T", " ", "+00", "", "Z", "", ".000", "").Replace(text)
			}
			if v == "" {
				v = nil
			}
			values = append(values, v)
		}
		place, err := json.Marshal(f.Geometry)
		if err != nil {
			t.Fatal(err)
		}
		features[fmt.Sprint(f.ID)] = fmt.Sprintf("%q %s", values, place)
	}
	return features
}
