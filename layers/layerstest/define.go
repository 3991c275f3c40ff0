package layerstest

import (
	"slices"
	"strings"
	"testing"

	"onemap/layers"
)

var defineCases = []testCase{
	{"ALayerIsListedAsItWasDefined", func(t *testing.T, s layers.Store) {
		l := layer("b-layer", layers.Point, attr("name", layers.String, layers.RoleName), attr("水位", layers.Number))
		l.Schema[1].Unit, l.Schema[1].Title = "m", layers.Text{Zh: "水位", En: "Level"}
		l.Themes = []string{"防汛"}
		l.Display = layers.Display{Color: "blue", Live: true}
		c := define(t, s, l)
		define(t, s, layer("a-layer", layers.Polygon))
		entries, at, err := s.As(layers.Owner).Layers(t.Context())
		if err != nil || len(entries) != 2 || entries[0].ID != "a-layer" || entries[1].ID != "b-layer" {
			t.Fatalf("layers: %v, %v", entries, err)
		}
		if at < c.Position+1 {
			t.Errorf("the catalogue is of position %d, defined up to %d", at, c.Position+1)
		}
		same(t, "definition", *entries[1].Layer, *l)
		if st := entries[1].Status; st.Count != 0 || st.Extent != nil || !st.Updated.IsZero() {
			t.Errorf("status of an empty layer: %+v", st)
		}
		kinds := []string{}
		for _, ch := range flat(changes(t, s, layers.Cursor{Epoch: c.Epoch})) {
			kinds = append(kinds, string(ch.Kind)+" "+ch.Layer)
		}
		same(t, "log", kinds, []string{"define b-layer", "define a-layer"})
	}},
	{"AnInvalidLayerIsRefused", func(t *testing.T, s layers.Store) {
		if _, err := s.DefineLayer(t.Context(), me, layer("Ä", layers.Point)); layers.CodeOf(err) != layers.Invalid {
			t.Errorf("error %v", err)
		}
	}},
	{"AStoreKeepsItsOwnCopyOfADefinition", func(t *testing.T, s layers.Store) {
		l := layer("l", layers.Point, attr("a", layers.String))
		define(t, s, l)
		l.Title.Zh, l.Schema[0].Name = "改", "b"
		e, err := s.As(layers.Owner).Layer(t.Context(), "l")
		if err != nil || e.Title.Zh != "示例图层" || e.Schema[0].Name != "a" {
			t.Errorf("the definition became %+v (%v)", e.Layer, err)
		}
	}},
	{"AttributesComeAndGo", func(t *testing.T, s layers.Store) {
		define(t, s, layer("l", layers.Point, attr("stays", layers.String), attr("goes", layers.Integer)))
		apply(t, s, "l", put("x", pt(108, 22), map[string]any{"stays": "值", "goes": 1}))
		define(t, s, layer("l", layers.Point, attr("comes", layers.Number), attr("stays", layers.String)))
		same(t, "properties", feature(t, s, "l", "x").Properties, map[string]any{"stays": "值"})
		apply(t, s, "l", patch("x", map[string]any{"comes": 1.5}))
		same(t, "properties", feature(t, s, "l", "x").Properties, map[string]any{"comes": 1.5, "stays": "值"})
		refuse(t, s, layers.Invalid, "l", patch("x", map[string]any{"goes": 1}))
		if got := changes(t, s, layers.Cursor{Epoch: head(t, s).Epoch}); len(got) != 4 {
			t.Errorf("%d commits", len(got))
		}
	}},
	{"ATypeChangesOnlyWhereItLosesNothing", func(t *testing.T, s layers.Store) {
		define(t, s, layer("l", layers.Point, attr("n", layers.Integer), attr("s", layers.String)))
		apply(t, s, "l", put("x", nil, map[string]any{"n": 7, "s": "seven"}))
		define(t, s, layer("l", layers.Point, attr("n", layers.Number), attr("s", layers.String)))
		same(t, "a number", feature(t, s, "l", "x").Properties["n"], 7.0)
		before := head(t, s)
		_, err := s.DefineLayer(t.Context(), me, layer("l", layers.Point, attr("n", layers.Number), attr("s", layers.Integer)))
		if code := layers.CodeOf(err); err == nil || code != layers.Invalid && code != layers.Conflict {
			t.Errorf("text became integers: %v", err)
		}
		same(t, "head", head(t, s), before)
		same(t, "text", feature(t, s, "l", "x").Properties["s"], "seven")
	}},
	{"ADroppedLayerIsGoneAndItsNameIsFree", func(t *testing.T, s layers.Store) {
		define(t, s, layer("l", layers.Point, attr("a", layers.String)))
		apply(t, s, "l", put("x", pt(108, 22), map[string]any{"a": "old"}))
		c, err := s.DropLayer(t.Context(), me, "l")
		if err != nil {
			t.Fatal(err)
		}
		if last := flat(changes(t, s, layers.Cursor{Epoch: c.Epoch, Position: c.Position - 1})); len(last) != 1 || last[0].Kind != layers.ChangeDrop || last[0].Layer != "l" {
			t.Errorf("the log says %+v", last)
		}
		absent(t, s, "l", "x")
		refuse(t, s, layers.NotFound, "l", put("x", nil, nil))
		if _, err := s.DropLayer(t.Context(), me, "l"); layers.CodeOf(err) != layers.NotFound {
			t.Errorf("dropped twice: %v", err)
		}
		define(t, s, layer("l", layers.LineString, attr("b", layers.Boolean)))
		absent(t, s, "l", "x")
		if n := status(t, s, "l").Count; n != 0 {
			t.Errorf("the new layer has %d features", n)
		}
		changes(t, s, layers.Cursor{Epoch: c.Epoch}) // still readable from the start
	}},
	{"LayerNamesAreJustNames", func(t *testing.T, s layers.Store) {
		for _, id := range []string{"1", "select", "a-b_c", "table", "group", strings.Repeat("x", 63)} {
			define(t, s, layer(id, layers.Point, attr("order", layers.String), attr("中文_名", layers.Integer), attr("Values", layers.Boolean)))
			apply(t, s, id, put("x", pt(108, 22), map[string]any{"order": "by", "中文_名": 3, "Values": true}))
			same(t, "in "+id, feature(t, s, id, "x").Properties, map[string]any{"order": "by", "中文_名": int64(3), "Values": true})
			page, err := s.As(layers.Owner).Query(t.Context(), layers.Query{Layer: id, Limit: 5, Sort: "order", Selection: layers.Selection{
				Filters: []layers.Filter{{Attribute: "中文_名", Value: int64(3)}}}})
			if err != nil || len(page.Features) != 1 {
				t.Errorf("query of %s: %v, %v", id, page, err)
			}
		}
	}},
	{"AWideLayerIsKeptWhole", func(t *testing.T, s layers.Store) {
		l := layer("wide", layers.Point)
		props := map[string]any{}
		for i := range 150 {
			a := attr("a"+strings.Repeat("_", i/26)+string(rune('a'+i%26)), layers.Integer)
			l.Schema = append(l.Schema, a)
			props[a.Name] = int64(i)
		}
		define(t, s, l)
		apply(t, s, "wide", put("x", nil, props))
		same(t, "properties", len(feature(t, s, "wide", "x").Properties), 150)
		all := flat(changes(t, s, layers.Cursor{Epoch: head(t, s).Epoch}))
		i := slices.IndexFunc(all, func(c layers.Change) bool { return c.Kind == layers.ChangePut })
		same(t, "image", all[i].New.Properties, feature(t, s, "wide", "x").Properties)
	}},
}
