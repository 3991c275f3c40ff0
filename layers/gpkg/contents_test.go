package gpkg_test

import (
	"path/filepath"
	"strings"
	"testing"

	"onemap/layers"
	"onemap/layers/gpkg"
)

// contents is a layer's extent as the file itself says it, and GDAL believes.
func contents(t *testing.T, path string) string {
	t.Helper()
	return strings.TrimSpace(run(t, "sqlite3", path, "SELECT round(min_x, 3), round(min_y, 3), round(max_x, 3), round(max_y, 3) FROM gpkg_contents WHERE table_name = 'hospitals'"))
}

func TestTheFileSaysWhereALayerIs(t *testing.T) {
	s, path, _ := filled(t)
	if got := contents(t, path); got != "108.3|22.8|110.0|24.0" {
		t.Errorf("extent %s", got)
	}
	if _, err := s.Apply(t.Context(), layers.Actor{}, "hospitals", []layers.Edit{put("d", 111.5, 21, nil), put("e", 109, 23, nil)}); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, path); got != "108.3|21.0|111.5|24.0" {
		t.Errorf("extent %s after a feature outside of it", got)
	}
	if out := run(t, "ogrinfo", "-so", path, "hospitals"); !strings.Contains(out, "Extent: (108.300000, 21.000000) - (111.500000, 24.000000)") {
		t.Errorf("ogrinfo says\n%s", out)
	}
	if _, err := s.Apply(t.Context(), layers.Actor{}, "hospitals", []layers.Edit{{Op: layers.Delete, ID: "d"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, path); got != "108.3|22.8|110.0|24.0" {
		t.Errorf("extent %s when the feature outside is gone", got)
	}
	s = open(t, path)
	var all []layers.Edit
	for _, id := range []string{"a", "b", "c", "e"} {
		all = append(all, layers.Edit{Op: layers.Delete, ID: id})
	}
	if _, err := s.Apply(t.Context(), layers.Actor{}, "hospitals", all); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, path); got != "|||" {
		t.Errorf("extent %s of an empty layer", got)
	}
}

func TestTheFileSaysWhatItsColumnsAre(t *testing.T) {
	path := filepath.Join(t.TempDir(), "onemap.gpkg")
	s, err := gpkg.Open(t.Context(), path, gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := hospitals()
	l.Schema[0].Title, l.Schema[0].Note = layers.Text{Zh: "名称"}, layers.Text{Zh: "全称"}
	l.Schema = append(l.Schema, layers.Attribute{Name: "level", Type: layers.String, Title: layers.Text{Zh: "等级"},
		Enum: []layers.Term{{Value: "3a", Title: layers.Text{Zh: "三级甲等"}}, {Value: "2a", Title: layers.Text{Zh: "二级甲等"}}}})
	define := func() {
		t.Helper()
		if _, err := s.DefineLayer(t.Context(), layers.Actor{}, l); err != nil {
			t.Fatal(err)
		}
	}
	columns := func() string {
		t.Helper()
		return strings.TrimSpace(run(t, "sqlite3", path, "SELECT column_name, title, d.description, mime_type, value, c.description FROM gpkg_data_columns d"+
			" LEFT JOIN gpkg_data_column_constraints c USING (constraint_name) ORDER BY 1, value"))
	}
	define()
	if got := columns(); got != "extra|||application/json||\nlevel|等级|||2a|二级甲等\nlevel|等级|||3a|三级甲等\nname|名称|全称|||" {
		t.Errorf("the file says\n%s", got)
	}
	out := run(t, "ogrinfo", "-so", path, "hospitals")
	for _, want := range []string{"extra: String(JSON)", "domain name=onemap_1_level"} {
		if !strings.Contains(out, want) {
			t.Errorf("ogrinfo lacks %s:\n%s", want, out)
		}
	}
	l.Schema = l.Schema[:len(l.Schema)-1]
	define()
	if got := columns(); got != "extra|||application/json||\nname|名称|全称|||" {
		t.Errorf("the file says of what is left\n%s", got)
	}
	if _, err := s.DropLayer(t.Context(), layers.Actor{}, l.ID); err != nil {
		t.Fatal(err)
	}
	if got := columns(); got != "" {
		t.Errorf("the file says of a layer that is gone\n%s", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
