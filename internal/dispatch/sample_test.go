package dispatch

import (
	"slices"
	"testing"

	"onemap/layers"
	sample "onemap/sample-data"
)

// A misspelt layer or value would be an empty panel on the wall, and nobody
// would know why.
func TestScenesNameWhatTheSampleHas(t *testing.T) {
	catalogue := map[string]*layers.Layer{}
	for _, l := range sample.Layers() {
		catalogue[l.ID] = l
	}
	attribute := func(scene, layer, name string) layers.Attribute {
		l := catalogue[layer]
		if l == nil {
			t.Errorf("%s: there is no layer %s", scene, layer)
			return layers.Attribute{}
		}
		if name == "" {
			return layers.Attribute{}
		}
		a, ok := l.Schema.Attribute(name)
		if !ok {
			t.Errorf("%s: %s has no attribute %s", scene, layer, name)
		}
		return a
	}
	for _, s := range scenes(t) {
		for _, l := range s.Layers {
			attribute(s.ID, l.ID, l.Style.ColorBy)
			if catalogue[l.ID] != nil && !layers.Official.Sees(catalogue[l.ID]) {
				t.Errorf("%s: the wall does not see %s", s.ID, l.ID)
			}
		}
		for _, f := range s.Furniture {
			if f.Layer != "" {
				attribute(s.ID, f.Layer, f.Of)
				attribute(s.ID, f.Layer, f.Attribute)
			}
			for _, c := range f.Counters {
				if c.Where == nil {
					attribute(s.ID, c.Layer, "")
					continue
				}
				a := attribute(s.ID, c.Layer, c.Where.Attribute)
				if !slices.ContainsFunc(a.Enum, func(term layers.Term) bool { return term.Value == c.Where.Value }) {
					t.Errorf("%s: %s of %s is never %q", s.ID, c.Where.Attribute, c.Layer, c.Where.Value)
				}
			}
		}
	}
}
