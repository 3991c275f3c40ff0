package gpkg_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkb"

	"onemap/layers"
	"onemap/layers/gpkg"
)

// filled is a store with a layer of three hospitals, its path and its head.
func filled(t *testing.T) (*gpkg.Store, string, layers.Cursor) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "示例 100%.gpkg")
	s := open(t, path)
	if _, err := s.DefineLayer(t.Context(), layers.Actor{}, hospitals()); err != nil {
		t.Fatal(err)
	}
	r, err := s.Apply(t.Context(), layers.Actor{}, "hospitals", []layers.Edit{
		put("a", 108.3, 22.8, map[string]any{"name": "一", "beds": 1, "division": "450102"}), put("b", 109, 23, map[string]any{"name": "二", "beds": 2}), put("c", 110, 24, map[string]any{"name": "三"})})
	if err != nil {
		t.Fatal(err)
	}
	return s, path, r.Cursor
}

// until reads the log after a cursor until a change is as wanted.
func until(t *testing.T, s *gpkg.Store, after layers.Cursor, want func(layers.Change) bool) (all []layers.Change) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		if err := s.Wait(ctx, after.Position); err != nil {
			t.Fatalf("%v; the log has %+v", err, all)
		}
		commits, err := s.Changes(ctx, after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range commits {
			after.Position = c.Position()
			for _, ch := range c.Changes {
				if all = append(all, ch); want(ch) {
					return all
				}
			}
		}
	}
}

func isReset(c layers.Change) bool { return c.Kind == layers.ChangeReset }

func page(t *testing.T, s *gpkg.Store) map[string]*layers.Feature {
	t.Helper()
	p, err := s.As(layers.Owner).Query(t.Context(), layers.Query{Layer: "hospitals", Limit: 100, Count: true})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*layers.Feature{}
	for _, f := range p.Features {
		all[f.ID] = f
	}
	if e, err := s.As(layers.Owner).Layer(t.Context(), "hospitals"); err != nil || e.Status.Count != int64(len(all)) || p.Matched != e.Status.Count {
		t.Errorf("%d features, %d matched, status %+v, %v", len(all), p.Matched, e.Status, err)
	}
	return all
}

func sound(t *testing.T, path string) {
	t.Helper()
	if out := run(t, "sqlite3", path, "PRAGMA integrity_check"); strings.TrimSpace(out) != "ok" {
		t.Errorf("integrity_check: %s", out)
	}
	if out := run(t, "ogrinfo", "-q", path); strings.TrimSpace(out) != "1: hospitals (Point)" {
		t.Errorf("ogrinfo lists\n%s", out)
	}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnEditByGDALIsInTheLogWithinASecond(t *testing.T) {
	s, path, at := filled(t)
	run(t, "ogrinfo", "-q", path, "-sql", "UPDATE hospitals SET beds = beds + 1 WHERE id IN ('a', 'b')")
	done := time.Now()
	ch := until(t, s, at, func(c layers.Change) bool { return c.ID == "b" })
	if late := time.Since(done); late > time.Second {
		t.Errorf("noticed after %v", late)
	}
	if len(ch) != 2 || ch[0].Old.Properties["beds"] != int64(1) || ch[0].New.Properties["beds"] != int64(2) || ch[0].New.Geometry == nil {
		t.Errorf("%+v", ch)
	}
	if f := page(t, s)["b"]; f.Version != ch[1].Position || f.Properties["beds"] != int64(3) {
		t.Errorf("%+v", f)
	}
	sound(t, path)
}

func TestOgr2ogrAppendsAndUpserts(t *testing.T) {
	s, path, at := filled(t)
	more := write(t, "more.geojson", `{"type":"FeatureCollection","features":[
		{"type":"Feature","properties":{"name":"四","beds":4},"geometry":{"type":"Point","coordinates":[111,24.5]}},
		{"type":"Feature","properties":{"name":"五"},"geometry":null}]}`)
	run(t, "ogr2ogr", "-append", path, more, "-nln", "hospitals")
	ch := until(t, s, at, func(c layers.Change) bool { return c.New != nil && c.New.Properties["name"] == "五" })
	if len(ch) != 2 || ch[0].ID == "" || ch[0].ID == ch[1].ID || ch[1].New.Geometry != nil || ch[0].Kind != layers.ChangePut {
		t.Errorf("append: %+v", ch)
	}
	at.Position = ch[1].Position
	run(t, "ogr2ogr", "-upsert", path, write(t, "upsert.geojson", `{"type":"FeatureCollection","features":[
		{"type":"Feature","id":1,"properties":{"id":"a","name":"改","beds":7},"geometry":{"type":"Point","coordinates":[108.5,22.5]}}]}`), "-nln", "hospitals", "-preserve_fid")
	ch = until(t, s, at, func(c layers.Change) bool { return c.ID == "a" && c.Kind == layers.ChangePut })
	if f := page(t, s)["a"]; f == nil || f.Properties["name"] != "改" || len(page(t, s)) != 5 {
		t.Errorf("upsert: %+v, log %+v", f, ch)
	}
	box := page(t, s)["a"]
	if b, _ := layers.BoundOf(box.Geometry); b.Min[0] != 108.5 {
		t.Errorf("moved to %v", b)
	}
	sound(t, path)
}

func TestARowThatLosesOrChangesItsIdIsAnotherFeature(t *testing.T) {
	s, path, at := filled(t)
	sql := func(q string) { run(t, "ogrinfo", "-q", path, "-sql", q) }
	sql("UPDATE hospitals SET id = 'z' WHERE id = 'a'")
	ch := until(t, s, at, func(c layers.Change) bool { return c.Kind == layers.ChangePut })
	if len(ch) != 2 || ch[0].Kind != layers.ChangeDelete || ch[0].ID != "a" || ch[1].ID != "z" {
		t.Errorf("renamed: %+v", ch)
	}
	at.Position = ch[len(ch)-1].Position
	sql("UPDATE hospitals SET id = NULL WHERE id = 'b'")
	ch = until(t, s, at, func(c layers.Change) bool { return c.Kind == layers.ChangePut })
	if len(ch) != 2 || ch[0].Kind != layers.ChangeDelete || ch[0].ID != "b" || ch[1].ID == "" || ch[1].ID == "b" {
		t.Errorf("lost: %+v", ch)
	}
	at.Position = ch[len(ch)-1].Position
	sql("UPDATE hospitals SET fid = 77 WHERE id = 'c'")
	ch = until(t, s, at, func(c layers.Change) bool { return c.Kind == layers.ChangePut })
	if len(ch) != 2 || ch[0].Kind != layers.ChangeDelete || ch[1].ID != "c" || ch[1].New.Num != 77 {
		t.Errorf("renumbered: %+v", ch)
	}
	at.Position = ch[len(ch)-1].Position
	sql("INSERT INTO hospitals (fid, id, name) VALUES (500, '501', 'x'), (501, NULL, 'y')") // 501 is taken
	ch = until(t, s, at, func(c layers.Change) bool { return c.New != nil && c.New.Num == 501 })
	if ch[len(ch)-1].ID == "501" || !strings.HasPrefix(ch[len(ch)-1].ID, "501-") {
		t.Errorf("given: %+v", ch)
	}
	if n := len(page(t, s)); n != 5 {
		t.Errorf("%d features", n)
	}
	sound(t, path)
}

func TestNoForeignValueFailsTheWrite(t *testing.T) {
	s, path, at := filled(t)
	run(t, "ogrinfo", "-q", path, "-sql", "UPDATE hospitals SET name = x'00ff', beds = 'many', score = 9e999, open = 'maybe', since = 'yesterday', seen = 5, extra = '{', division = 12 WHERE id = 'a'")
	ch := until(t, s, at, func(c layers.Change) bool { return c.ID == "a" })
	got, want := fmt.Sprint(ch[0].New.Properties), fmt.Sprint(page(t, s)["a"].Properties)
	if got != want {
		t.Errorf("the log says %s, the row %s", got, want)
	}
	sound(t, path)
}

func TestAnOverwrittenLayerIsTakenOverWithItsNewColumns(t *testing.T) {
	s, path, at := filled(t)
	other := write(t, "other.geojson", `{"type":"FeatureCollection","features":[
		{"type":"Feature","properties":{"id":7,"name":"甲","extra_beds":3,"score":2.5},"geometry":{"type":"Point","coordinates":[108,22]}},
		{"type":"Feature","properties":{"id":8,"name":"乙","extra_beds":4},"geometry":{"type":"Point","coordinates":[109,23]}}]}`)
	run(t, "ogr2ogr", "-overwrite", path, other, "-nln", "hospitals")
	log := until(t, s, at, isReset)
	reset := log[len(log)-1].Position
	all := page(t, s)
	if len(all) != 2 || all["7"] == nil || all["7"].Properties["extra_beds"] != int64(3) || all["7"].Properties["score"] != 2.5 {
		t.Errorf("%+v", all)
	}
	e, err := s.As(layers.Owner).Layer(t.Context(), "hospitals")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, a := range e.Schema {
		names = append(names, a.Name)
	}
	if fmt.Sprint(names) != "[name score extra_beds]" || e.Schema[0].Role != layers.RoleName || e.Title.Zh != "医院" {
		t.Errorf("the definition became %+v", e.Layer)
	}
	head, _ := s.Head(t.Context())
	run(t, "ogrinfo", "-q", path, "-sql", "UPDATE hospitals SET extra_beds = 9 WHERE id = '7'")
	if ch := until(t, s, head, func(c layers.Change) bool { return c.ID == "7" }); ch[0].New.Properties["extra_beds"] != int64(9) {
		t.Errorf("an edit after -overwrite: %+v", ch)
	}
	// What came with the reset has its version, which is checked as any other.
	if v := row(t, s, "8").Version; v != reset {
		t.Errorf("version %d after the reset at %d", v, reset)
	}
	if _, err := s.Apply(t.Context(), layers.Actor{}, "hospitals", []layers.Edit{{Op: layers.Delete, ID: "7", IfVersion: reset}}); layers.CodeOf(err) != layers.Precondition {
		t.Errorf("a delete of a version that is gone: %v", err)
	}
	if _, err := s.Apply(t.Context(), layers.Actor{}, "hospitals", []layers.Edit{{Op: layers.Delete, ID: "8", IfVersion: reset}}); err != nil {
		t.Errorf("a delete of the version that came with the reset: %v", err)
	}
	// Once more, with an id of text that comes twice, and one that is missing.
	table := write(t, "table.csv", "id,name,x,y\nk,子,108,22\nk,丑,109,22\n,寅,110,22\n")
	head, _ = s.Head(t.Context())
	run(t, "ogr2ogr", "-overwrite", path, table, "-nln", "hospitals", "-oo", "X_POSSIBLE_NAMES=x", "-oo", "Y_POSSIBLE_NAMES=y", "-oo", "EMPTY_STRING_AS_NULL=YES", "-a_srs", "EPSG:4326", "-nlt", "POINT")
	until(t, s, head, isReset)
	if all = page(t, s); len(all) != 3 || all["k"] == nil || all["k-2"] == nil || all["3"] == nil {
		t.Errorf("%+v", all)
	}
	sound(t, path)
}

func TestADroppedTableBecomesAnEmptyLayer(t *testing.T) {
	s, path, at := filled(t)
	run(t, "ogrinfo", "-q", path, "-sql", "DROP TABLE hospitals")
	until(t, s, at, isReset)
	if n := len(page(t, s)); n != 0 {
		t.Errorf("%d features", n)
	}
	if _, err := s.Apply(t.Context(), layers.Actor{}, "hospitals", []layers.Edit{put("n", 108, 22, map[string]any{"name": "新"})}); err != nil {
		t.Fatal(err)
	}
	sound(t, path)
}

func TestAColumnAddedByAnotherProgramJoinsTheSchema(t *testing.T) {
	s, path, at := filled(t)
	run(t, "ogrinfo", "-q", path, "-sql", "ALTER TABLE hospitals ADD COLUMN wards INTEGER")
	ch := until(t, s, at, func(c layers.Change) bool { return c.Kind == layers.ChangeDefine })
	if len(ch) != 1 {
		t.Errorf("%+v", ch)
	}
	if _, err := s.Apply(t.Context(), layers.Actor{}, "hospitals", []layers.Edit{{Op: layers.Patch, ID: "a", KeepGeometry: true, Properties: map[string]any{"wards": 3}}}); err != nil {
		t.Fatal(err)
	}
	if f := page(t, s)["a"]; f.Properties["wards"] != int64(3) || f.Properties["beds"] != int64(1) {
		t.Errorf("%+v", f)
	}
	sound(t, path)
}

func TestTwoProcessesShareAFile(t *testing.T) { // two stores on one file know no more of each other
	s, path, at := filled(t)
	cli := open(t, path)
	l := hospitals()
	l.ID = "clinics"
	if _, err := cli.DefineLayer(t.Context(), layers.Actor{Name: "cli"}, l); err != nil {
		t.Fatal(err)
	}
	if _, err := cli.Apply(t.Context(), layers.Actor{Name: "cli"}, "clinics", []layers.Edit{put("x", 108, 22, map[string]any{"name": "诊所"})}); err != nil {
		t.Fatal(err)
	}
	ch := until(t, s, at, func(c layers.Change) bool { return c.ID == "x" })
	if len(ch) != 2 || ch[0].Kind != layers.ChangeDefine || ch[1].New.Properties["name"] != "诊所" {
		t.Errorf("%+v", ch)
	}
	if _, _, err := s.As(layers.Owner).Feature(t.Context(), "clinics", "x"); err != nil {
		t.Error(err)
	}
	if _, err := s.Apply(t.Context(), layers.Actor{}, "clinics", []layers.Edit{put("y", 108, 22, nil)}); err != nil {
		t.Error(err)
	}
	if _, err := cli.DropLayer(t.Context(), layers.Actor{}, "clinics"); err != nil {
		t.Fatal(err)
	}
	at.Position = ch[1].Position
	until(t, s, at, func(c layers.Change) bool { return c.Kind == layers.ChangeDrop })
	if _, _, err := s.As(layers.Owner).Feature(t.Context(), "clinics", "x"); layers.CodeOf(err) != layers.NotFound {
		t.Errorf("a dropped layer: %v", err)
	}
}

func TestGDALGetsItsTurnBesideABusyWriter(t *testing.T) {
	s, path, _ := filled(t)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			var edits []layers.Edit
			for k := range 200 {
				edits = append(edits, put(fmt.Sprint("busy", k), 108+float64(i%100)/100, 22, map[string]any{"beds": i}))
			}
			if _, err := s.Apply(context.Background(), layers.Actor{}, "hospitals", edits); err != nil {
				stopped <- err
				return
			}
		}
		stopped <- nil
	}()
	for range 3 {
		time.Sleep(500 * time.Millisecond)
		run(t, "ogrinfo", "-q", path, "-sql", "UPDATE hospitals SET beds = 99 WHERE id = 'a'")
	}
	cancel()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if f := row(t, s, "a"); f.Properties["beds"] != int64(99) {
		t.Errorf("%+v", f)
	}
}

func row(t *testing.T, s *gpkg.Store, id string) *layers.Feature {
	t.Helper()
	f, _, err := s.As(layers.Owner).Feature(t.Context(), "hospitals", id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAnUnchangedGeometryIsNotInTheUpdate(t *testing.T) {
	s, path, _ := filled(t)
	run(t, "sqlite3", path, `CREATE TABLE onemap_test_moves (n); CREATE TRIGGER test_moves AFTER UPDATE OF geom ON hospitals BEGIN INSERT INTO onemap_test_moves VALUES (1); END`)
	apply := func(edits ...layers.Edit) {
		if _, err := s.Apply(t.Context(), layers.Actor{}, "hospitals", edits); err != nil {
			t.Fatal(err)
		}
	}
	apply(put("a", 108.3, 22.8, map[string]any{"name": "别的"}), layers.Edit{Op: layers.Patch, ID: "b", KeepGeometry: true, Properties: map[string]any{"beds": 5}})
	if out := strings.TrimSpace(run(t, "sqlite3", path, "SELECT count(*) FROM onemap_test_moves")); out != "0" {
		t.Errorf("%s updates of the geometry", out)
	}
	apply(put("a", 108.4, 22.8, map[string]any{"name": "别的"}))
	if out := strings.TrimSpace(run(t, "sqlite3", path, "SELECT count(*) FROM onemap_test_moves")); out != "1" {
		t.Errorf("%s updates of the geometry", out)
	}
}

// rewrite gives a feature a geometry as it is, without an envelope.
func rewrite(t *testing.T, path, id string, g geom.T) {
	t.Helper()
	body, err := wkb.Marshal(g, wkb.NDR)
	if err != nil {
		t.Fatal(err)
	}
	header := []byte{'G', 'P', 0, 1, 0xe6, 0x10, 0, 0}
	run(t, "ogrinfo", "-q", path, "-dialect", "SQLITE", "-sql", fmt.Sprintf("UPDATE hospitals SET geom = X'%X%X' WHERE id = '%s'", header, body, id))
}

// scanned returns the ids of what a scan finds around Nanning.
func scanned(t *testing.T, s *gpkg.Store, around bool) (ids []string) {
	t.Helper()
	for f, err := range s.As(layers.Owner).Scan(t.Context(), "hospitals", layers.Range{Selection: layers.Selection{BBox: &orb.Bound{Min: orb.Point{107, 21}, Max: orb.Point{109, 24}}}, Around: around}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	return ids
}

// Polygons whose first ring, and multipolygons whose first polygon, has no vertices are
// what no other program should write.
func TestAGeometryWithEmptyPartsIsWhereItsOtherPartsAre(t *testing.T) {
	s, path, at := filled(t)
	ring := []float64{108, 22, 109, 22, 109, 23, 108, 22}
	rewrite(t, path, "a", geom.NewPolygonFlat(geom.XY, ring, []int{0, 8}))
	rewrite(t, path, "b", geom.NewMultiPolygonFlat(geom.XY, ring, [][]int{{}, {0}, {8}}))
	rewrite(t, path, "c", geom.NewPointFlat(geom.XY, []float64{108, 22}))
	until(t, s, at, func(c layers.Change) bool { return c.ID == "c" })
	if ids := scanned(t, s, false); !slices.Equal(ids, []string{"a", "b", "c"}) {
		t.Errorf("found %v", ids)
	}
	e, err := s.As(layers.Owner).Layer(t.Context(), "hospitals")
	if err != nil || e.Status.Extent == nil || !e.Status.Extent.Pad(-0.001).Equal(orb.Bound{Min: orb.Point{108.001, 22.001}, Max: orb.Point{108.999, 22.999}}) {
		t.Errorf("%+v, %v", e.Status.Extent, err)
	}
	sound(t, path)
}

func TestAScanAroundTheGlobeFindsWhatIsATurnAway(t *testing.T) {
	s, path, at := filled(t)
	rewrite(t, path, "b", geom.NewPointFlat(geom.XY, []float64{108.5 + 360, 22}))
	rewrite(t, path, "c", geom.NewPointFlat(geom.XY, []float64{108.5 - 360, 22}))
	until(t, s, at, func(c layers.Change) bool { return c.ID == "c" })
	if ids := scanned(t, s, true); !slices.Equal(ids, []string{"a", "b", "c"}) {
		t.Errorf("found %v", ids)
	}
	if ids := scanned(t, s, false); !slices.Equal(ids, []string{"a"}) {
		t.Errorf("not asked for around the globe, found %v", ids)
	}
}
