package gpkg_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/layers"
	"onemap/layers/gpkg"
)

func hospitals() *layers.Layer {
	return &layers.Layer{ID: "hospitals", Title: layers.Text{Zh: "医院"}, Sharing: layers.Unconditional, Open: true, UpdateCycle: layers.Daily,
		Geometry: layers.Point, Schema: layers.Schema{
			{Name: "name", Type: layers.String, Role: layers.RoleName},
			{Name: "beds", Type: layers.Integer}, {Name: "score", Type: layers.Number}, {Name: "open", Type: layers.Boolean},
			{Name: "since", Type: layers.DateType}, {Name: "seen", Type: layers.DateTime, Role: layers.RoleTime}, {Name: "extra", Type: layers.JSON},
			{Name: "division", Type: layers.String, Role: layers.RoleDivision}}}
}

func open(t *testing.T, path string) *gpkg.Store {
	t.Helper()
	s, err := gpkg.Open(context.Background(), path, gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func point(x, y float64) geom.T { return geom.NewPointFlat(geom.XY, []float64{x, y}) }

func put(id string, x, y float64, props map[string]any) layers.Edit {
	return layers.Edit{Op: layers.Put, ID: id, Geometry: point(x, y), Properties: props}
}

// run runs a program of GDAL against the file, as a department would.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// next waits for the commits after a cursor.
func next(t *testing.T, s *gpkg.Store, after layers.Cursor) []layers.Change {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Wait(ctx, after.Position); err != nil {
		t.Fatalf("no change after %s: %v", after, err)
	}
	commits, err := s.Changes(ctx, after, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var out []layers.Change
	for _, c := range commits {
		out = append(out, c.Changes...)
	}
	return out
}

func TestGDALSeesLayersAndItsEditsReachTheLog(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "onemap.gpkg")
	s := open(t, path)
	if _, err := s.DefineLayer(ctx, layers.Actor{Name: "test"}, hospitals()); err != nil {
		t.Fatal(err)
	}
	r, err := s.Apply(ctx, layers.Actor{Name: "test"}, "hospitals", []layers.Edit{
		put("a", 108.3, 22.8, map[string]any{"name": "示例医院01", "beds": 12, "score": 0.1, "open": true, "since": "2020-01-02", "seen": "2026-07-01T08:00:00+08:00", "division": "450102"}),
		put("b", 110.2, 25.2, map[string]any{"name": "示例医院02", "score": 1.0 / 3, "division": "450302"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if out := run(t, "ogrinfo", "-q", path); strings.TrimSpace(out) != "1: hospitals (Point)" {
		t.Errorf("ogrinfo lists\n%s", out)
	}

	run(t, "ogrinfo", "-q", path, "-sql", "UPDATE hospitals SET score = 0.30000000000000004, beds = 9007199254740993 WHERE id = 'a'")
	ch := next(t, s, r.Cursor)
	if len(ch) != 1 || ch[0].ID != "a" || ch[0].Old == nil || ch[0].New == nil {
		t.Fatalf("changes %+v", ch)
	}
	if ch[0].New.Properties["score"] != 0.30000000000000004 || ch[0].New.Properties["beds"] != int64(9007199254740993) || ch[0].Old.Properties["score"] != 0.1 {
		t.Errorf("old %v new %v", ch[0].Old.Properties, ch[0].New.Properties)
	}

	head, err := s.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	run(t, "ogrinfo", "-q", path, "-sql", "INSERT INTO hospitals (geom, name) VALUES (AsGPB(ST_GeomFromText('POINT(109 23)', 4326)), '无编号')")
	if ch = next(t, s, head); len(ch) != 1 || ch[0].ID == "" || ch[0].Old != nil || ch[0].New.Properties["name"] != "无编号" {
		t.Fatalf("a row without an id: %+v", ch)
	}

	head, _ = s.Head(ctx)
	other := filepath.Join(t.TempDir(), "b.gpkg")
	run(t, "ogr2ogr", other, path, "hospitals", "-where", "id = 'b'")
	run(t, "ogr2ogr", "-f", "GPKG", "-overwrite", path, other, "hospitals")
	for deadline := time.Now().Add(10 * time.Second); ; {
		if ch = next(t, s, head); ch[len(ch)-1].Kind == layers.ChangeReset {
			page, err := s.As(layers.Owner).Query(ctx, layers.Query{Layer: "hospitals", Limit: 10, Count: true})
			if err == nil && page.Matched <= 1 {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no reset after -overwrite: %+v", ch)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if _, err := s.Apply(ctx, layers.Actor{}, "hospitals", []layers.Edit{put("c", 108, 23, map[string]any{"name": "三"})}); err != nil {
		t.Fatalf("write after -overwrite: %v", err)
	}
	bbox := orb.Bound{Min: orb.Point{107.9, 22.9}, Max: orb.Point{108.1, 23.1}}
	page, err := s.As(layers.Public).Query(ctx, layers.Query{Layer: "hospitals", Limit: 10, Count: true, Selection: layers.Selection{BBox: &bbox}})
	if err != nil || page.Matched != 1 || page.Features[0].ID != "c" {
		t.Errorf("bbox query after -overwrite: %+v, %v", page, err)
	}
	if out := run(t, "sqlite3", path, "PRAGMA integrity_check"); strings.TrimSpace(out) != "ok" {
		t.Errorf("integrity_check: %s", out)
	}
}

func TestARowThatTheFileRefusesIsNamedByItsEdit(t *testing.T) {
	s, path, before := filled(t)
	run(t, "sqlite3", path, "CREATE TRIGGER theirs BEFORE UPDATE OF name ON hospitals WHEN NEW.name = '不' BEGIN SELECT RAISE(ABORT, 'refused'); END")
	patch := func(id, name string) layers.Edit {
		return layers.Edit{Op: layers.Patch, ID: id, KeepGeometry: true, Properties: map[string]any{"name": name}}
	}
	_, err := s.Apply(t.Context(), layers.Actor{}, "hospitals", []layers.Edit{patch("c", "好"), patch("a", "好"), patch("b", "不")})
	if err == nil || !strings.Contains(err.Error(), "edits[2]") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("the error is %v", err)
	}
	if head, err := s.Head(t.Context()); err != nil || head != before {
		t.Errorf("head %v after %v, %v: nothing of the call may stay", head, before, err)
	}
	if f := row(t, s, "a"); f.Properties["name"] != "一" {
		t.Errorf("feature a became %v", f.Properties)
	}
}

func TestWhatAMoveDidNotChangeIsInTheLogOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "onemap.gpkg")
	s := open(t, path)
	if _, err := s.DefineLayer(t.Context(), layers.Actor{}, hospitals()); err != nil {
		t.Fatal(err)
	}
	props := map[string]any{"name": "示例", "beds": int64(1), "score": 0.1, "open": true, "extra": `{"a":1}`}
	apply := func(e layers.Edit) layers.Cursor {
		r, err := s.Apply(t.Context(), layers.Actor{}, "hospitals", []layers.Edit{e})
		if err != nil {
			t.Fatal(err)
		}
		return r.Cursor
	}
	at := apply(put("a", 108, 22, props))
	apply(layers.Edit{Op: layers.Patch, ID: "a", Geometry: point(109, 23)})
	apply(layers.Edit{Op: layers.Patch, ID: "a", KeepGeometry: true, Properties: map[string]any{"beds": 2, "score": nil}})
	ch := next(t, s, at)
	move, patch := ch[0], ch[1]
	if !reflect.DeepEqual(move.New.Properties, move.Old.Properties) || move.New.Properties["score"] != 0.1 || reflect.DeepEqual(move.New.Geometry, move.Old.Geometry) {
		t.Errorf("the move says %+v, then %+v", move.Old, move.New)
	}
	if _, has := patch.New.Properties["score"]; has || patch.Old.Properties["beds"] != int64(1) || patch.New.Properties["beds"] != int64(2) || !reflect.DeepEqual(patch.New.Geometry, move.New.Geometry) {
		t.Errorf("the patch says %+v, then %+v", patch.Old, patch.New)
	}
	move.New.Properties["name"] = "changed by a reader"
	if move.Old.Properties["name"] != "示例" {
		t.Error("the images share their attributes")
	}
	if got := strings.TrimSpace(run(t, "sqlite3", path, "SELECT group_concat(new_props IS NULL) FROM onemap_log WHERE position > "+fmt.Sprint(at.Position))); got != "1,0" {
		t.Errorf("images left out: %s", got)
	}
}
