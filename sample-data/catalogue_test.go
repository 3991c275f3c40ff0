package sample

import (
	"slices"
	"strings"
	"testing"

	"onemap/internal/catalogue"
	"onemap/layers"
)

// palette is what the front end can draw.
var palette = []string{"blue", "cyan", "green", "amber", "orange", "red", "purple", "grey", "teal", "pink"}

func TestEveryLayerIsACompleteCatalogueEntry(t *testing.T) {
	themes := catalogue.Leaves(catalogue.Themes())
	seen := map[string]bool{}
	for _, l := range Layers() {
		if seen[l.ID] {
			t.Errorf("%s appears twice", l.ID)
		}
		seen[l.ID] = true
		if err := l.Validate(); err != nil {
			t.Errorf("%s: %v", l.ID, err)
		}
		for what, text := range map[string]layers.Text{"title": l.Title, "abstract": l.Abstract, "source": l.Source,
			"department": l.Department.Name, "chief": l.Chief.Name, "steward": l.Steward.Name} {
			if text.Zh == "" || text.En == "" {
				t.Errorf("%s: %s %+v is not bilingual", l.ID, what, text)
			}
		}
		if l.Code == "" || l.Published == "" || l.Department.Division == "" {
			t.Errorf("%s: incomplete: %+v", l.ID, l)
		}
		if (l.Sharing != layers.Unconditional) != (l.SharingNote.Zh != "") {
			t.Errorf("%s is shared %s: a condition is given if and only if there is one", l.ID, l.Sharing)
		}
		for _, th := range l.Themes {
			if !slices.Contains(themes, th) {
				t.Errorf("%s: unknown theme %s", l.ID, th)
			}
		}
		if len(l.Themes) == 0 {
			t.Errorf("%s has no theme", l.ID)
		}
		if _, ok := l.Schema.ByRole(layers.RoleDivision); !ok {
			t.Errorf("%s has no division", l.ID)
		}
		for _, a := range l.Schema {
			if a.Title.Zh == "" || a.Title.En == "" {
				t.Errorf("%s.%s has no bilingual title", l.ID, a.Name)
			}
		}
	}
	if len(seen) < 26 {
		t.Errorf("%d layers", len(seen))
	}
}

func TestEveryDisplayCanBeDrawn(t *testing.T) {
	for _, l := range Layers() {
		d := l.Display
		if !slices.Contains(palette, d.Color) {
			t.Errorf("%s: color %q", l.ID, d.Color)
		}
		if len(d.Classes) > 7 {
			t.Errorf("%s: %d classes", l.ID, len(d.Classes))
		}
		for _, name := range []string{d.ColorBy, d.SizeBy, d.Heading} {
			if _, ok := l.Schema.Attribute(name); name != "" && !ok {
				t.Errorf("%s is drawn by %q, which it does not have", l.ID, name)
			}
		}
		for i, c := range d.Classes {
			if !slices.Contains(palette, c.Color) || c.Label.Zh == "" || c.Label.En == "" {
				t.Errorf("%s: class %d is incomplete: %+v", l.ID, i, c)
			}
		}
		if a, _ := l.Schema.Attribute(d.ColorBy); len(a.Enum) > 0 && len(a.Enum) != len(d.Classes) {
			t.Errorf("%s: %d values and %d classes", l.ID, len(a.Enum), len(d.Classes))
		}
		if d.Live != (l.UpdateCycle == layers.RealTime) {
			t.Errorf("%s: live %v with update cycle %s", l.ID, d.Live, l.UpdateCycle)
		}
	}
}

func TestWhatIsInventedSaysSo(t *testing.T) {
	base := 0
	for _, l := range Layers() {
		if l.Display.Base != "" {
			base++
			if l.Synthetic || !l.Schematic {
				t.Errorf("%s: the base map is schematic, not synthetic", l.ID)
			}
			continue
		}
		if !l.Synthetic {
			t.Errorf("%s is not marked synthetic", l.ID)
		}
		if !strings.ContainsAny(l.Title.Zh, "演示") && !strings.Contains(l.Title.Zh, "示意") {
			t.Errorf("%s: the title %s does not say that it is a demonstration", l.ID, l.Title.Zh)
		}
	}
	if base != 6 {
		t.Errorf("%d base layers", base)
	}
	for _, l := range Layers() {
		for _, name := range []string{l.Department.Name.Zh, l.Chief.Name.Zh, l.Steward.Name.Zh} {
			if !strings.HasSuffix(name, "（演示）") {
				t.Errorf("%s: %s is not marked as a demonstration", l.ID, name)
			}
		}
	}
}

func TestSharingFollowsTheRulesForGovernmentMaps(t *testing.T) {
	conditional := []string{"tax-credit", "social-insurance", "safety-enterprises", "reservoirs", "river-gauges", "rain-gauges",
		"hazard-zones", "patrol-vehicles", "hotline-incidents"}
	for _, l := range Layers() {
		want := layers.Unconditional
		if slices.Contains(conditional, l.ID) {
			want = layers.Conditional
		}
		if l.ID == "social-aid" {
			want = layers.NotShared
		}
		if l.Sharing != want {
			t.Errorf("%s is shared %s, want %s", l.ID, l.Sharing, want)
		}
	}
	kinds := map[layers.DepartmentKind]bool{}
	levels := map[layers.GovernmentLevel]bool{}
	for _, l := range Layers() {
		kinds[l.Department.Kind], levels[l.Department.Level] = true, true
	}
	if len(kinds) != 3 || len(levels) < 3 {
		t.Errorf("departments of kinds %v and levels %v", kinds, levels)
	}
}
