package gpkg_test

import (
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"onemap/layers"
)

// images fails the test unless a change is a put with these properties before and after.
func images(t *testing.T, ch layers.Change, before, after map[string]any) {
	t.Helper()
	switch {
	case ch.Kind != layers.ChangePut || ch.Old == nil || ch.New == nil:
		t.Errorf("%+v", ch)
	case !reflect.DeepEqual(ch.Old.Properties, before) || !reflect.DeepEqual(ch.New.Properties, after):
		t.Errorf("%s: %v became %v, want %v and %v", ch.ID, ch.Old.Properties, ch.New.Properties, before, after)
	}
}

// A column of another program may compare text in a way of its own.
func TestTextThatItsColumnTakesForTheSameIsAChange(t *testing.T) {
	s, path, at := filled(t)
	run(t, "sqlite3", path, "ALTER TABLE hospitals ADD COLUMN note TEXT COLLATE NOCASE")
	until(t, s, at, func(c layers.Change) bool { return c.Kind == layers.ChangeDefine })
	run(t, "sqlite3", path, ".timeout 5000", "UPDATE hospitals SET note = 'x' WHERE id = 'c'", "UPDATE hospitals SET note = 'X' WHERE id = 'c'")
	seen := until(t, s, at, func(c layers.Change) bool { return c.New != nil && c.Old.Properties["note"] != nil })
	images(t, seen[len(seen)-1], map[string]any{"name": "三", "note": "x"}, map[string]any{"name": "三", "note": "X"})
}

// More attributes than json_object has arguments.
func TestAMoveInAWideLayer(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "wide.gpkg"))
	l, before := hospitals(), map[string]any{}
	l.Schema = nil
	for i := range 130 {
		l.Schema = append(l.Schema, layers.Attribute{Name: fmt.Sprint("a", i), Type: layers.Integer})
		before[l.Schema[i].Name] = int64(i)
	}
	if _, err := s.DefineLayer(t.Context(), layers.Actor{}, l); err != nil {
		t.Fatal(err)
	}
	r, err := s.Apply(t.Context(), layers.Actor{}, l.ID, []layers.Edit{put("a", 108, 22, before)})
	if err != nil {
		t.Fatal(err)
	}
	after := maps.Clone(before)
	after["a129"] = int64(-1)
	for _, e := range []layers.Edit{{Op: layers.Patch, ID: "a", Geometry: point(109, 23)}, put("a", 109, 23, after)} {
		if _, err := s.Apply(t.Context(), layers.Actor{}, l.ID, []layers.Edit{e}); err != nil {
			t.Fatal(err)
		}
	}
	ch := next(t, s, r.Cursor)
	images(t, ch[0], before, before)
	images(t, ch[1], before, after)
}

func TestAFileWhoseTriggersWriteBothImagesIsReadAndBroughtUpToDate(t *testing.T) {
	s, path, at := filled(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	trigger := func() (q string) {
		if err := db.QueryRow("SELECT sql FROM sqlite_master WHERE name = 'onemap_hospitals_update'").Scan(&q); err != nil {
			t.Fatal(err)
		}
		return q
	}
	ours := trigger()
	older := regexp.MustCompile(`CASE WHEN NOT \(\(OLD[^)]*\) IS \([^)]*\)\) THEN (.*) END\); END$`).ReplaceAllString(ours, "$1); END")
	if older == ours {
		t.Fatalf("not the trigger that was expected: %s", ours)
	}
	for _, q := range []string{"DROP TRIGGER onemap_hospitals_update", older, "UPDATE hospitals SET name = name WHERE id = 'b'", "UPDATE hospitals SET beds = 9 WHERE id = 'b'"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	s = open(t, path)
	b := map[string]any{"name": "二", "beds": int64(2)}
	ch := next(t, s, at)
	if len(ch) < 2 || trigger() != ours {
		t.Fatalf("%+v, trigger %s", ch, trigger())
	}
	images(t, ch[0], b, b)
	images(t, ch[1], b, map[string]any{"name": "二", "beds": int64(9)})
	for _, c := range ch {
		if c.Kind == layers.ChangeReset {
			t.Errorf("%+v", c)
		}
	}
	if out := run(t, "sqlite3", path, "SELECT count(*) FROM onemap_log WHERE old_props IS NOT NULL AND new_props IS NOT NULL"); strings.TrimSpace(out) != "2" {
		t.Errorf("%s rows with both images", out)
	}
}
