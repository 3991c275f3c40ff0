package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twpayne/go-geom/encoding/wkt"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// read opens a file with the text and writes down its rows, a line each.
func read(t *testing.T, name, text string, c Columns) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sets, done, err := Open(context.Background(), path, c)
	if err != nil {
		return "", err
	}
	defer done()
	var b strings.Builder
	for _, set := range sets {
		for row, err := range set.Rows(context.Background()) {
			if err != nil {
				return b.String(), err
			}
			fmt.Fprintf(&b, "%d %q", row.Number, row.ID)
			for _, p := range row.Properties {
				fmt.Fprintf(&b, " %s=%v", p.Name, p.Value)
			}
			if row.Geometry != nil {
				s, err := wkt.Marshal(row.Geometry)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&b, " %s", s)
			}
			if row.Err != nil {
				fmt.Fprintf(&b, " ERROR %v", row.Err)
				if raw := row.Raw(); len(raw) == 0 {
					t.Error("a rejected row is lost")
				}
			}
			b.WriteByte('\n')
		}
	}
	return b.String(), nil
}

func TestEveryFormatIsReadAsItIsWritten(t *testing.T) {
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String("名称,经度,纬度\n示例医院01,108.3,22.8\n")
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("名称\tlon\tlat\n甲\t108.3\t22.8\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, file, text, want string }{
		{"a collection, with members in any order", "a.geojson",
			`{"features":[{"type":"Feature","id":7,"properties":{"b":1,"a":"x"},"geometry":{"type":"Point","coordinates":[108.3,22.8]}}],"type":"FeatureCollection"}`,
			`1 "7" b=1 a=x POINT (108.3 22.8)`},
		{"a byte order mark and the old crs member", "a.geojson",
			bom + `{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4490"}},"features":[{"type":"Feature","properties":null,"geometry":null}]}`,
			`1 ""`},
		{"a single feature", "a.json", `{"type":"Feature","id":"x","properties":{},"geometry":{"type":"Point","coordinates":[1,2,3]}}`, `1 "x" POINT Z (1 2 3)`},
		{"an empty collection", "a.geojson", `{"type":"FeatureCollection","features":[]}`, ``},
		{"a feature that is none stays alone", "a.geojson", `{"type":"FeatureCollection","features":[{"type":"Point"},{"type":"Feature","id":true},{"type":"Feature","id":"c","geometry":{"type":"Pint"}}]}`,
			"1 \"\" ERROR not a GeoJSON feature: its \"type\" is \"Point\", not \"Feature\"\n2 \"\" ERROR the id is neither a string nor a number\n3 \"c\" ERROR the geometry is not GeoJSON: geojson: unsupported type: Pint"},
		{"lines", "a.ndjson", `{"type":"Feature","id":"a"}` + "\n\n" + `{"type":"Feature","id":"b"`, "1 \"a\"\n3 \"\" ERROR the line is not JSON"},
		{"a text sequence", "a.geojsonseq", "\x1e{\"type\":\"Feature\",\n\x1e{\"type\":\"Feature\",\"id\":\"b\"}\n", "1 \"\" ERROR the line is not JSON\n2 \"b\""},
		{"a table with Chinese names", "医院.csv", bom + "名称,经度（°）,纬度（°）,床位\n示例医院01,108.3,22.8,\n", `1 "" 名称=示例医院01 床位=<nil> POINT (108.3 22.8)`},
		{"a table in GBK", "a.csv", gbk, `1 "" 名称=示例医院01 POINT (108.3 22.8)`},
		{"a table in UTF-16, as Excel's Unicode text", "a.csv", utf16, `1 "" 名称=甲 POINT (108.3 22.8)`},
		{"semicolons and well-known text", "a.csv", "n;wkt\n1;SRID=4490;POINT (1 2)\n", `1 "" ERROR 3 fields where the header has 2`},
		{"well-known text", "a.csv", "n,WKT\r\n1,\"SRID=4490;LINESTRING (1 2,3 4)\"\r\n2,\r\n3,\"SRID=4525;POINT (1 2)\"\r\n4,nonsense\r\n",
			"1 \"\" n=1 LINESTRING (1 2, 3 4)\n2 \"\" n=2\n3 \"\" n=3 ERROR SRID=4525 is not longitude and latitude; convert it to EPSG:4326\n4 \"\" n=4 ERROR not WKT: "},
		{"no place and half a place", "a.csv", "lon,lat\n,\n1,\n", "1 \"\"\n2 \"\" ERROR (\"1\", \"\") is not longitude and latitude in decimal degrees"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := read(t, c.file, c.text, Columns{})
			if err != nil || !strings.HasPrefix(strings.TrimSpace(got), c.want) {
				t.Errorf("%v\ngot\n%s\nwant\n%s", err, got, c.want)
			}
		})
	}
}

func TestAFileThatCannotBeReadIsRefusedWithARemedy(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"another coordinate system", "a.geojson", `{"type":"FeatureCollection","crs":{"properties":{"name":"EPSG:4525"}},"features":[]}`, "ogr2ogr -t_srs EPSG:4326"},
		{"cut off", "a.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature"}`, "the file ends in the middle"},
		{"broken", "a.geojson", `{"type":"FeatureCollection","features":[{]}`, "broken JSON after byte"},
		{"not a collection", "a.geojson", `{"type":"Topology"}`, `its "type" is "Topology"`},
		{"not JSON", "a.geojson", `<kml/>`, "not GeoJSON"},
		{"no place in the header", "a.csv", "a,b\n1,2\n", "--no-geometry"},
		{"the same column twice", "a.csv", "a,a,lon,lat\n", `has "a" twice`},
		{"no text", "a.csv", "a,\xff\xff\xff\xff\n\x00", "neither UTF-8 nor GB18030"},
		{"nothing", "a.csv", "", "is empty"},
		{"a shapefile", "a.shp", "x", "ogr2ogr"},
		{"something else", "a.bin", "x", "unknown format"},
		{"a database that is none", "a.gpkg", "not a database, but long enough to look at", "not a readable GeoPackage"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := read(t, c.file, c.text, Columns{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %q", err, got)
			}
		})
	}
}

func TestNamedColumnsWinOverUsualNames(t *testing.T) {
	got, err := read(t, "a.csv", "lon,lat,wgs_lon,wgs_lat\n1,2,108.3,22.8\n", Columns{Lon: "wgs_lon", Lat: "wgs_lat"})
	if err != nil || got != "1 \"\" lon=1 lat=2 POINT (108.3 22.8)\n" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := read(t, "a.csv", "x,y\n1,2\n", Columns{Lon: "x"}); err == nil {
		t.Error("half a place was accepted")
	}
	if got, err := read(t, "a.csv", "a\n1\n", Columns{NoGeometry: true}); err != nil || got != "1 \"\" a=1\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzAnyFileIsReadOrRefused(f *testing.F) {
	f.Add("a.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","id":1,"properties":{"a":[1]},"geometry":{"type":"Point","coordinates":[1,2]}}]}`)
	f.Add("a.ndjson", "\x1e{\"type\":\"Feature\"}\n{}")
	f.Add("a.csv", "id,经度,纬度\n1,108.3,22.8\n\"")
	f.Add("a.csv", "id;wkt\n1;POLYGON ((0 0, 1 0, 1 1, 0 0))\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		if name = filepath.Base(name); name != "a.geojson" && name != "a.ndjson" && name != "a.csv" {
			return
		}
		_, _ = read(t, name, text, Columns{})
	})
}
