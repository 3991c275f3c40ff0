package layerstest

import (
	"testing"

	"onemap/layers"
)

var viewCases = []testCase{
	{"AViewHidesLayersEverywhere", func(t *testing.T, s layers.Store) {
		open, shared, secret := layer("open", layers.Point), layer("shared", layers.Point), layer("secret", layers.Point)
		shared.Open, shared.Sharing = false, layers.Conditional
		secret.Open, secret.Sharing = false, layers.NotShared
		for _, l := range []*layers.Layer{open, shared, secret} {
			define(t, s, l)
			apply(t, s, l.ID, put("x", pt(108, 22), nil))
		}
		for _, c := range []struct {
			view layers.View
			sees []string
		}{
			{layers.Public, []string{"open"}}, {layers.Official, []string{"open", "shared"}}, {layers.Writer, []string{"open", "shared"}},
			{layers.Owner, []string{"open", "secret", "shared"}}, {layers.View{}, []string{}},
		} {
			r := s.As(c.view)
			entries, _, err := r.Layers(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			listed := []string{}
			for _, e := range entries {
				listed = append(listed, e.ID)
			}
			same(t, "layers of "+c.view.Name(), listed, c.sees)
			visible := map[string]bool{}
			for _, id := range c.sees {
				visible[id] = true
			}
			for _, id := range []string{"open", "shared", "secret"} {
				errs := map[string]error{}
				_, errs["Layer"] = r.Layer(t.Context(), id)
				_, errs["Definition"] = r.Definition(t.Context(), id)
				_, _, errs["Feature"] = r.Feature(t.Context(), id, "x")
				_, errs["Query"] = r.Query(t.Context(), layers.Query{Layer: id, Limit: 1, Count: true})
				_, errs["Aggregate"] = r.Aggregate(t.Context(), layers.AggregateQuery{Layer: id})
				n := 0
				for _, err := range r.Scan(t.Context(), id, layers.Range{}) {
					if errs["Scan"] = err; err == nil {
						n++
					}
				}
				for call, err := range errs {
					if visible[id] && err != nil || !visible[id] && layers.CodeOf(err) != layers.NotFound {
						t.Errorf("%s of %s as %q: %v", call, id, c.view.Name(), err)
					}
				}
				if visible[id] != (n == 1) {
					t.Errorf("a scan of %s as %q gave %d features", id, c.view.Name(), n)
				}
			}
		}
	}},
	{"ADefinitionIsKnownAtOnce", func(t *testing.T, s layers.Store) {
		l := layer("gauges", layers.Point)
		known := func(v layers.View) error { _, err := s.As(v).Definition(t.Context(), l.ID); return err }
		if err := known(layers.Owner); layers.CodeOf(err) != layers.NotFound {
			t.Fatalf("before it is defined: %v", err)
		}
		define(t, s, l)
		if err := known(layers.Public); err != nil {
			t.Fatalf("an open layer: %v", err)
		}
		l.Open, l.Sharing = false, layers.Conditional
		define(t, s, l)
		if err := known(layers.Public); layers.CodeOf(err) != layers.NotFound {
			t.Fatalf("a layer that is not open any more: %v", err)
		}
		if err := known(layers.Official); err != nil {
			t.Fatalf("a shared layer: %v", err)
		}
		if _, err := s.DropLayer(t.Context(), layers.Actor{}, l.ID); err != nil {
			t.Fatal(err)
		}
		if err := known(layers.Owner); layers.CodeOf(err) != layers.NotFound {
			t.Fatalf("a dropped layer: %v", err)
		}
	}},
}
