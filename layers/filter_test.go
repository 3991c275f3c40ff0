package layers_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"onemap/internal/cql2"
	"onemap/layers"
	"onemap/layers/layerstest"
)

// features are what edits leave in memory.
func features(t *testing.T, l *layers.Layer, edits []layers.Edit) []*layers.Feature {
	t.Helper()
	checked, err := l.CheckEdits(edits)
	if err != nil {
		t.Fatal(err)
	}
	var all []*layers.Feature
	for _, e := range checked {
		all = append(all, &layers.Feature{ID: e.ID, Geometry: e.Geometry, Properties: e.Properties})
	}
	return all
}

func TestAFilterChoosesInMemoryWhatItShould(t *testing.T) {
	l, edits := layerstest.Sites()
	all := features(t, l, edits)
	chosen := func(f *cql2.Filter) string {
		s := layers.Selection{Where: f}
		ids := ""
		for _, feature := range all {
			if s.Matches(l, feature) {
				ids += feature.ID
			}
		}
		return ids
	}
	for class, cases := range layerstest.FilterCases {
		if len(cases) < 20 {
			t.Errorf("only %d filters of %s", len(cases), class)
		}
		for _, c := range cases {
			e, err := cql2.ParseText(c.Filter)
			if err != nil {
				t.Errorf("%s: %v", c.Filter, err)
				continue
			}
			f, err := l.Filter(e)
			if err != nil {
				t.Errorf("%s: %v", c.Filter, err)
				continue
			}
			if got := chosen(f); got != c.Want {
				t.Errorf("%s chooses %q, want %q", c.Filter, got, c.Want)
			}
			e, err = cql2.ParseJSON(f.JSON())
			if err != nil {
				t.Errorf("%s: %v", f.JSON(), err)
				continue
			}
			if again, err := l.Filter(e); err != nil || again.String() != f.String() || chosen(again) != c.Want {
				t.Errorf("%s in JSON is %v, %v", f, again, err)
			}
		}
	}
}

func TestASelectionMeansInMemoryWhatItMeansInAStore(t *testing.T) {
	l, edits := layerstest.Places()
	all := features(t, l, edits)
	for _, c := range layerstest.SelectionCases() {
		var ids []string
		for _, f := range all {
			if c.Selection.Matches(l, f) {
				ids = append(ids, f.ID)
			}
		}
		if !slices.Equal(ids, c.Want) {
			t.Errorf("%s: %v, want %v", c.Name, ids, c.Want)
		}
	}
	for name, s := range map[string]layers.Selection{
		"a time without its role":        {Time: &layers.Interval{}},
		"a division without its role":    {Division: "450100"},
		"a division that is none":        {Division: "x"},
		"an attribute that is not there": {Filters: []layers.Filter{{Attribute: "x", Value: "y"}}},
	} {
		if s.Matches(&layers.Layer{}, all[0]) {
			t.Errorf("%s means something", name)
		}
	}
}

func TestAFilterThatDoesNotFitItsLayerIsOneViolation(t *testing.T) {
	l, _ := layerstest.Places()
	bare := &layers.Layer{ID: "bare", Schema: layers.Schema{{Name: "geometry", Type: layers.String}, {Name: "doc", Type: layers.JSON}}}
	for _, c := range []struct {
		layer                         *layers.Layer
		filter, value, reason, remedy string
	}{
		{l, "rank = 1 AND namee = 'x'", "namee", "column 14: the layer has no property namee", "did you mean name?"},
		{l, "rank = 'x'", "'x'", "column 8: rank is a number, and 'x' is text", "compare it with a number"},
		{l, "division('45')", "division('45')", "column 1: not a division code", "six digits"},
		{l, "rank = 1 AND division(name)", "division(name)", "column 14: not a division code", "six digits"},
		{bare, "division('450100')", "division('450100')", "column 1: layer bare has no attribute with the division role", ""},
		{bare, "S_INTERSECTS(geometry, POINT(1 2))", "geometry", "column 14: S_INTERSECTS takes a geometry, and geometry is text", ""},
		{bare, "doc IS NULL", "doc", "column 1: the layer has no property doc", "the layer has geom, geometry, id"},
	} {
		e, err := cql2.ParseText(c.filter)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.layer.Filter(e)
		var unfit *layers.Error
		if !errors.As(err, &unfit) || unfit.Code != layers.Invalid || len(unfit.Violations) != 1 {
			t.Errorf("%s: %v", c.filter, err)
			continue
		}
		v := unfit.Violations[0]
		if v.Field != "filter" || v.Value != c.value || v.Reason != c.reason || !strings.Contains(v.Remedy, c.remedy) {
			t.Errorf("%s: %+v", c.filter, v)
		}
	}
	_, err := cql2.ParseText("rank = ")
	if v := layers.UnfitFilter(err).(*layers.Error).Violations[0]; v.Reason != "column 8: unexpected the end" {
		t.Errorf("%+v", v)
	}
}

func TestACursorBelongsToItsFilter(t *testing.T) {
	l, _ := layerstest.Places()
	query := func(text string) layers.Query {
		e, err := cql2.ParseText(text)
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.Filter(e)
		if err != nil {
			t.Fatal(err)
		}
		return layers.Query{Layer: l.ID, Selection: layers.Selection{Where: f}}
	}
	q := query("rank = 1")
	next := q.Token(layers.Mark{Num: 7})
	for text, same := range map[string]bool{"rank=1": true, "rank = 2": false} {
		other := query(text)
		other.After = next
		if _, err := other.Mark(); (err == nil) != same {
			t.Errorf("the cursor of rank = 1 goes on with %s: %v", text, err)
		}
	}
	all := layers.Query{Layer: l.ID, After: next}
	if _, err := all.Mark(); err == nil {
		t.Error("the cursor goes on without the filter")
	}
}
