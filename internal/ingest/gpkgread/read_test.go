package gpkgread

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkb"
	"github.com/twpayne/go-geom/encoding/wkt"

	"onemap/layers"
)

// blob makes a GeoPackage geometry with an envelope of the given kind.
func blob(t *testing.T, s string, envelope byte) []byte {
	t.Helper()
	g, err := wkt.Unmarshal(s)
	if err != nil {
		t.Fatal(err)
	}
	body, err := wkb.Marshal(g, binary.LittleEndian)
	if err != nil {
		t.Fatal(err)
	}
	b := []byte{'G', 'P', 0, 1 | envelope<<1, 0xe6, 0x10, 0, 0}
	b = append(b, make([]byte, []int{0, 32, 48, 48, 64}[envelope])...)
	return append(b, body...)
}

func TestAGeometryIsReadWithAnyEnvelope(t *testing.T) {
	for envelope := byte(0); envelope < 5; envelope++ {
		for _, want := range []string{"POINT (108.3 22.8)", "MULTIPOLYGON Z (((0 0 1, 1 0 1, 1 1 1, 0 0 1)))", "LINESTRING M (1 2 3, 4 5 6)"} {
			g, err := Geometry(blob(t, want, envelope))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := wkt.Marshal(g); got != want {
				t.Errorf("envelope %d: %s, want %s", envelope, got, want)
			}
		}
	}
}

func TestAGeometryThatIsNoneIsSaidToBe(t *testing.T) {
	circular, _ := hex.DecodeString("0108000000" + "00000000")
	for name, b := range map[string][]byte{
		"not a GeoPackage geometry": []byte("POINT (1 2)"),
		"broken envelope":           {'G', 'P', 0, 1 | 4<<1, 0, 0, 0, 0},
		"extended":                  {'G', 'P', 0, 0x20, 0, 0, 0, 0},
		"CircularString":            append([]byte{'G', 'P', 0, 1, 0, 0, 0, 0}, circular...),
		"not WKB":                   {'G', 'P', 0, 1, 0, 0, 0, 0, 1, 1},
	} {
		if _, err := Geometry(b); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, b := range [][]byte{nil, {'G', 'P', 0, 0x11, 0, 0, 0, 0}} {
		if g, err := Geometry(b); g != nil || err != nil {
			t.Errorf("an empty geometry became %v, %v", g, err)
		}
	}
}

func FuzzAnyBytesAreAGeometryOrAnError(f *testing.F) {
	f.Add([]byte{'G', 'P', 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte("GP\x00\x01\x00\x00\x00\x00\x01\x07\x00\x00\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := Geometry(b)
		if err == nil && g != nil {
			_ = layers.TypeOf(g)
		}
	})
}

// make builds a small GeoPackage as another program might.
func makeFile(t *testing.T, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Ämter 1.gpkg")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := append([]string{
		`CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT, organization_coordsys_id INTEGER, definition TEXT)`,
		`INSERT INTO gpkg_spatial_ref_sys VALUES ('CGCS2000', 4490, 'EPSG', 4490, ''), ('zone 36', 4524, 'EPSG', 4524, '')`,
		`CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, identifier TEXT, srs_id INTEGER)`,
		`CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT, srs_id INTEGER, z INTEGER, m INTEGER)`,
	}, statements...)
	for _, s := range all {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return path
}

func TestATableIsReadWithItsTypes(t *testing.T) {
	ctx := context.Background()
	path := makeFile(t,
		`CREATE TABLE "学校" (pk INTEGER PRIMARY KEY, shape BLOB, "名称" TEXT(20) NOT NULL, n MEDIUMINT, x REAL, ok BOOLEAN, day DATE, at DATETIME, photo BLOB, more TEXT, "a""b" VARCHAR(9))`,
		`INSERT INTO gpkg_contents VALUES ('学校', 'features', '示例学校', 4490), ('notes', 'attributes', 'n', NULL)`,
		`INSERT INTO gpkg_geometry_columns VALUES ('学校', 'shape', 'POINT', 4490, 0, 0)`,
		`CREATE TABLE gpkg_data_columns (table_name TEXT, column_name TEXT, name TEXT, title TEXT, mime_type TEXT)`,
		`INSERT INTO gpkg_data_columns VALUES ('学校', 'n', NULL, '人数', NULL), ('学校', 'more', NULL, NULL, 'application/json')`,
		fmt.Sprintf(`INSERT INTO "学校" VALUES (7, x'%x', '示例学校01', 300, 1.5, 1, '2001-09-01', '2026-07-01T08:00:00.5Z', x'00', '{"a":1}', 'q')`, blob(t, "POINT (108.3 22.8)", 1)),
		`INSERT INTO "学校" VALUES (9, NULL, '示例学校02', NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL)`,
		`INSERT INTO "学校" VALUES (11, x'00', '示例学校03', NULL, NULL, 0, 'soon', NULL, NULL, NULL, NULL)`,
	)
	f, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tables, err := f.Tables(ctx)
	if err != nil || len(tables) != 1 {
		t.Fatalf("%v, %v", tables, err)
	}
	table := tables[0]
	if table.Name != "学校" || table.Title != "示例学校" || table.Geometry != layers.Point || fmt.Sprint(table.LeftOut) != "[photo (BLOB)]" {
		t.Errorf("got %+v", table)
	}
	want := []Column{
		{Name: "名称", Type: layers.String, Required: true, MaxLength: 20}, {Name: "n", Title: "人数", Type: layers.Integer}, {Name: "x", Type: layers.Number},
		{Name: "ok", Type: layers.Boolean}, {Name: "day", Type: layers.DateType}, {Name: "at", Type: layers.DateTime}, {Name: "more", Type: layers.JSON}, {Name: `a"b`, Type: layers.String},
	}
	if fmt.Sprint(table.Columns) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", table.Columns, want)
	}
	var rows []Row
	for row, err := range f.Rows(ctx, table) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if len(rows) != 3 || rows[0].Key != 7 || rows[1].Geometry != nil || rows[2].Err == nil {
		t.Fatalf("got %+v", rows)
	}
	if p, ok := rows[0].Geometry.(*geom.Point); !ok || p.X() != 108.3 {
		t.Errorf("got %v", rows[0].Geometry)
	}
	coerced := make([]any, len(want))
	for i, c := range want {
		a := layers.Attribute{Name: "x", Type: c.Type}
		if coerced[i], err = a.Coerce(rows[0].Values[i]); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	at := time.Date(2026, 7, 1, 8, 0, 0, 5e8, time.UTC)
	if got, want := fmt.Sprint(coerced), fmt.Sprint([]any{"示例学校01", int64(300), 1.5, true, layers.Date("2001-09-01"), at, []byte(`{"a":1}`), "q"}); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	a := layers.Attribute{Name: "day", Type: layers.DateType}
	if v, err := a.Coerce(rows[2].Values[4]); err == nil {
		t.Errorf("a date that is none became %v", v)
	}
}

func TestATableInAnotherCoordinateSystemIsRefusedWithTheRemedy(t *testing.T) {
	path := makeFile(t, `CREATE TABLE a (fid INTEGER PRIMARY KEY, geom BLOB)`,
		`INSERT INTO gpkg_contents VALUES ('a', 'features', 'a', 4524)`, `INSERT INTO gpkg_geometry_columns VALUES ('a', 'geom', 'POINT', 4524, 0, 0)`)
	f, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Tables(t.Context()); err == nil || !strings.Contains(err.Error(), `table "a" is in EPSG:4524`) || !strings.Contains(err.Error(), "ogr2ogr") {
		t.Errorf("got %v", err)
	}
}
