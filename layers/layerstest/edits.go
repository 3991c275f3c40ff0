package layerstest

import (
	"fmt"
	"testing"
	"time"

	"onemap/layers"
)

var editCases = []testCase{
	{"EachOperationDoesWhatItSays", func(t *testing.T, s layers.Store) {
		define(t, s, layer("l", layers.Point, attr("a", layers.Integer), attr("b", layers.String)))
		op := func(op layers.Op, id string, x float64, props map[string]any) layers.Edit {
			return layers.Edit{Op: op, ID: id, Geometry: pt(x, 22), Properties: props}
		}
		refuse(t, s, layers.NotFound, "l", op(layers.Replace, "x", 108, nil))
		refuse(t, s, layers.NotFound, "l", patch("x", nil))
		refuse(t, s, layers.NotFound, "l", remove("x"))
		r := apply(t, s, "l", op(layers.Create, "x", 108, map[string]any{"a": 1, "b": "一"}))
		if !r.Results[0].Created || r.Results[0].Version != r.Cursor.Position {
			t.Errorf("create: %+v", r)
		}
		first := feature(t, s, "l", "x")
		refuse(t, s, layers.Conflict, "l", op(layers.Create, "x", 108, nil))
		r = apply(t, s, "l", op(layers.Replace, "x", 109, map[string]any{"a": 2}))
		f := feature(t, s, "l", "x")
		same(t, "replaced", f.Properties, map[string]any{"a": int64(2)})
		if r.Results[0].Created || f.Num != first.Num || f.Version != r.Results[0].Version || f.Version <= first.Version {
			t.Errorf("replaced: %+v, %+v after %+v", r, f, first)
		}
		r = apply(t, s, "l", op(layers.Put, "x", 110, map[string]any{"b": "三"}), op(layers.Put, "y", 108, nil))
		if r.Results[0].Created || !r.Results[1].Created {
			t.Errorf("put: %+v", r)
		}
		same(t, "put", feature(t, s, "l", "x").Properties, map[string]any{"b": "三"})
		apply(t, s, "l", patch("x", map[string]any{"a": 4}))
		f = feature(t, s, "l", "x")
		same(t, "patched", f.Properties, map[string]any{"a": int64(4), "b": "三"})
		if b, _ := layers.BoundOf(f.Geometry); b.Min[0] != 110 {
			t.Errorf("a patch that keeps the geometry moved the feature to %v", b)
		}
		apply(t, s, "l", layers.Edit{Op: layers.Patch, ID: "x", Geometry: pt(111, 22), Properties: map[string]any{"b": nil}})
		f = feature(t, s, "l", "x")
		same(t, "patched with null", f.Properties, map[string]any{"a": int64(4)})
		if b, _ := layers.BoundOf(f.Geometry); b.Min[0] != 111 {
			t.Errorf("a patch left the feature at %v", b)
		}
		apply(t, s, "l", layers.Edit{Op: layers.Patch, ID: "x"})
		if g := feature(t, s, "l", "x").Geometry; g != nil {
			t.Errorf("a patch to the null geometry left %v", g)
		}
		apply(t, s, "l", remove("x"))
		absent(t, s, "l", "x")
		refuse(t, s, layers.NotFound, "l", remove("x"))
		if n := status(t, s, "l").Count; n != 1 {
			t.Errorf("count %d", n)
		}
	}},
	{"AVersionIsAPrecondition", func(t *testing.T, s layers.Store) {
		define(t, s, layer("l", layers.Point, attr("a", layers.Integer)))
		v1 := apply(t, s, "l", put("x", nil, map[string]any{"a": 1})).Results[0].Version
		with := func(e layers.Edit, v layers.Position) layers.Edit { e.IfVersion = v; return e }
		v2 := apply(t, s, "l", with(patch("x", map[string]any{"a": 2}), v1)).Results[0].Version
		if v2 <= v1 {
			t.Errorf("version %d after %d", v2, v1)
		}
		refuse(t, s, layers.Precondition, "l", with(patch("x", map[string]any{"a": 3}), v1))
		refuse(t, s, layers.Precondition, "l", with(put("x", nil, nil), v1))
		refuse(t, s, layers.Precondition, "l", with(remove("x"), v1))
		refuse(t, s, layers.Precondition, "l", with(put("new", nil, nil), v1))
		same(t, "a", feature(t, s, "l", "x").Properties["a"], int64(2))
		apply(t, s, "l", with(remove("x"), v2))
		absent(t, s, "l", "x")
		v3 := apply(t, s, "l", put("x", nil, nil)).Results[0].Version
		if v3 <= v2 {
			t.Errorf("a feature made again has version %d after %d", v3, v2)
		}
	}},
	{"EditsOfOneCallSeeTheOnesBefore", func(t *testing.T, s layers.Store) {
		define(t, s, layer("l", layers.Point, attr("a", layers.Integer), attr("b", layers.Integer)))
		r := apply(t, s, "l", put("x", pt(108, 22), map[string]any{"a": 1}), patch("x", map[string]any{"b": 2}), remove("x"),
			layers.Edit{Op: layers.Create, ID: "x", Properties: map[string]any{"a": 3}}, patch("x", map[string]any{"b": 4}))
		same(t, "x", feature(t, s, "l", "x").Properties, map[string]any{"a": int64(3), "b": int64(4)})
		if v := feature(t, s, "l", "x").Version; v != r.Results[4].Version || v != r.Cursor.Position {
			t.Errorf("version %d, receipt %+v", v, r)
		}
	}},
	{"EachResultOfALargeCallIsWhatTheLogSays", func(t *testing.T, s layers.Store) {
		define(t, s, layer("l", layers.Point, attr("a", layers.Integer), attr("b", layers.Integer)))
		r := seeded(t)
		var first []layers.Edit
		for i := range 300 {
			first = append(first, put(fmt.Sprint("f", i), pt(108, 22), map[string]any{"a": -1}))
		}
		apply(t, s, "l", first...)
		from := head(t, s)
		// In no order, features again and again, and columns that differ.
		var edits []layers.Edit
		for i := range 900 {
			switch id := fmt.Sprint("f", r.IntN(320)); r.IntN(8) { // some are new
			case 0:
				edits = append(edits, put(id, pt(107+r.Float64(), 22), map[string]any{"b": i}))
			case 1:
				edits = append(edits, put(id, nil, map[string]any{"a": 1, "b": 1}))
			default:
				edits = append(edits, put(id, pt(108, 22), map[string]any{"a": i}))
			}
		}
		got := apply(t, s, "l", edits...)
		at := map[layers.Position]layers.Change{}
		last := map[string]layers.Position{}
		final := map[string]int{} // a store may fold a call's changes of one feature into one
		for i, e := range edits {
			final[e.ID] = i
		}
		for _, ch := range flat(changes(t, s, from)) {
			at[ch.Position] = ch
			last[ch.ID] = ch.Position
		}
		for i, res := range got.Results {
			ch, ok := at[res.Version]
			if !ok {
				if res.Version > from.Position {
					t.Fatalf("edit %d has version %d, which the log does not know", i, res.Version)
				}
				continue // delivered again as it was
			}
			if ch.ID != edits[i].ID || ch.New == nil || final[ch.ID] == i && !sameNumbers(ch.New.Properties, edits[i].Properties) {
				t.Fatalf("edit %d is %+v, the log has %+v", i, edits[i], ch)
			}
		}
		for id, p := range last {
			if f := feature(t, s, "l", id); f.Version != p {
				t.Errorf("%s has version %d, its last change was %d", id, f.Version, p)
			}
		}
	}},
	{"ACallIsAllOrNothing", func(t *testing.T, s layers.Store) {
		define(t, s, layer("l", layers.Point, attr("a", layers.Integer)))
		apply(t, s, "l", put("x", pt(108, 22), map[string]any{"a": 1}))
		was := feature(t, s, "l", "x")
		refuse(t, s, layers.NotFound, "l", put("y", nil, nil), patch("x", map[string]any{"a": 2}), remove("nobody"))
		refuse(t, s, layers.Invalid, "l", put("y", nil, nil), patch("x", map[string]any{"a": "no number"}))
		same(t, "x", feature(t, s, "l", "x").Properties, was.Properties)
		absent(t, s, "l", "y")
		if n := status(t, s, "l").Count; n != 1 {
			t.Errorf("count %d", n)
		}
		_, err := s.Apply(t.Context(), me, "l", []layers.Edit{put("x", nil, map[string]any{"a": 1}), put("y", pt(500, 22), map[string]any{"b": 2, "a": "x"})})
		var fields []string
		if e, ok := err.(*layers.Error); ok {
			for _, v := range e.Violations {
				fields = append(fields, v.Field)
			}
		}
		same(t, "violations", fields, []string{"edits[1].geometry", "edits[1].properties.a", "edits[1].properties.b"})
		refuse(t, s, layers.NotFound, "nowhere", put("x", nil, nil))
	}},
	{"NoEditsAreNoChange", func(t *testing.T, s layers.Store) {
		define(t, s, layer("l", layers.Point))
		before := head(t, s)
		if r := apply(t, s, "l"); r.Cursor != before {
			t.Errorf("receipt %v, head %v", r.Cursor, before)
		}
		same(t, "head", head(t, s), before)
	}},
	{"AStatusTellsCountExtentAndAge", func(t *testing.T, s layers.Store) {
		define(t, s, layer("l", layers.Point))
		asOf := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		if _, err := s.Apply(t.Context(), layers.Actor{Name: "x", AsOf: asOf}, "l", []layers.Edit{put("a", pt(107.5, 21.25), nil), put("b", pt(110, 25), nil), put("c", nil, nil)}); err != nil {
			t.Fatal(err)
		}
		st := status(t, s, "l")
		if st.Count != 3 || !st.Updated.Equal(asOf) {
			t.Errorf("status %+v", st)
		}
		near := func(a, b float64) bool { return a-b < 1e-4 && b-a < 1e-4 }
		if e := st.Extent; e == nil || !near(e.Min[0], 107.5) || !near(e.Min[1], 21.25) || !near(e.Max[0], 110) || !near(e.Max[1], 25) {
			t.Errorf("extent %v", st.Extent)
		}
		before := time.Now().Add(-time.Second)
		apply(t, s, "l", remove("b"))
		if st = status(t, s, "l"); st.Count != 2 || st.Updated.Before(before) {
			t.Errorf("status %+v", st)
		}
		if _, err := s.Apply(t.Context(), layers.Actor{AsOf: asOf}, "l", []layers.Edit{remove("a"), remove("c")}); err != nil {
			t.Fatal(err)
		}
		if st = status(t, s, "l"); st.Count != 0 || st.Extent != nil || st.Updated.Before(before) {
			t.Errorf("status of an emptied layer %+v: old data must not make it older", st)
		}
	}},
}

func sameNumbers(got, want map[string]any) bool {
	for k, v := range want {
		if got[k] != int64(v.(int)) {
			return false
		}
	}
	return len(got) == len(want)
}
