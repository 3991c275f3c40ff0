package layers

import (
	"slices"
	"strings"
	"testing"
)

func TestALayerIDIsProposedThatTheCoreAccepts(t *testing.T) {
	for name, want := range map[string]string{
		"hospitals":             "hospitals",
		"River Gauges (2026)":   "river-gauges--2026",
		"_x":                    "x",
		"医院":                    "layer-1f6835c0",
		"---":                   "layer",
		strings.Repeat("a", 99): strings.Repeat("a", 63),
	} {
		got := ProposeID("layer", name)
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
		l := Layer{ID: got, Title: Text{Zh: "x"}, Geometry: Point, Sharing: Conditional, UpdateCycle: Irregular}
		if err := l.Validate(); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAttributeNamesAreValidAndDiffer(t *testing.T) {
	columns := []string{"名称", "水位（m）", "2020人口", "a b", "a-b", "A_B", "fid", "geom", "", "id", strings.Repeat("长", 70), strings.Repeat("长", 71)}
	got := ProposeNames(columns)
	want := []string{"名称", "水位_m", "_2020人口", "a_b", "a_b_1", "A_B_2", "fid_1", "geom_1", "attribute", "id_1",
		strings.Repeat("长", 63), strings.Repeat("长", 61) + "_1"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	schema := make(Schema, len(got))
	for i, n := range got {
		schema[i] = Attribute{Name: n, Type: String}
	}
	l := Layer{ID: "x", Title: Text{Zh: "x"}, Geometry: Point, Sharing: Conditional, UpdateCycle: Irregular, Schema: schema}
	if err := l.Validate(); err != nil {
		t.Error(err)
	}
}

func FuzzEveryColumnNameBecomesAnAttributeName(f *testing.F) {
	f.Add("水位（m）", "a b")
	f.Add("", "1")
	f.Add("ª\u0301", "İ")
	f.Fuzz(func(t *testing.T, a, b string) {
		names := ProposeNames([]string{a, b})
		l := Layer{ID: ProposeID("layer", a), Title: Text{Zh: "x"}, Geometry: Point, Sharing: Conditional, UpdateCycle: Irregular,
			Schema: Schema{{Name: names[0], Type: String}, {Name: names[1], Type: String}}}
		if err := l.Validate(); err != nil {
			t.Errorf("%q, %q: %v", a, b, err)
		}
	})
}
