// Package layerstest is the store contract as a test suite. Every store runs it,
// with the same cases and the same expectations; what a store does beyond the
// contract is tested beside the store.
//
// Tests of stores import it, and nothing else.
package layerstest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// Opener opens the store that lives in a directory, and makes it if there is
// none. Opening a directory again finds what was there.
type Opener func(ctx context.Context, dir string) (layers.Store, error)

// Run runs the contract.
func Run(t *testing.T, open Opener) {
	for _, c := range slices.Concat(defineCases, valueCases, editCases, queryCases, filterCases, aggregateCases, viewCases, logCases, concurrentCases) {
		t.Run(c.name, func(t *testing.T) { c.run(t, start(t, open, t.TempDir())) })
	}
	t.Run("AStoreOpenedAgainHoldsWhatItHeld", func(t *testing.T) { reopen(t, open) })
	t.Run("AStoreThatIsClosedSaysSo", func(t *testing.T) { closed(t, open) })
}

type testCase struct {
	name string
	run  func(*testing.T, layers.Store)
}

func start(t *testing.T, open Opener, dir string) layers.Store {
	t.Helper()
	s, err := open(t.Context(), dir)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

var me = layers.Actor{Name: "layerstest"}

// layer is a small valid layer.
func layer(id string, g layers.GeometryType, schema ...layers.Attribute) *layers.Layer {
	return &layers.Layer{ID: id, Title: layers.Text{Zh: "示例图层", En: "Example"}, Sharing: layers.Unconditional, Open: true,
		UpdateCycle: layers.Daily, Geometry: g, Schema: schema,
		Department: layers.Department{ID: "d", Name: layers.Text{Zh: "示例厅"}, Level: layers.LevelRegion, Kind: layers.KindGovernment}}
}

func attr(name string, typ layers.DataType, role ...layers.Role) layers.Attribute {
	a := layers.Attribute{Name: name, Type: typ}
	if len(role) > 0 {
		a.Role = role[0]
	}
	return a
}

func define(t *testing.T, s layers.Store, l *layers.Layer) layers.Cursor {
	t.Helper()
	c, err := s.DefineLayer(t.Context(), me, l)
	if err != nil {
		t.Fatalf("define %s: %v", l.ID, err)
	}
	return c
}

func apply(t *testing.T, s layers.Store, layer string, edits ...layers.Edit) layers.Receipt {
	t.Helper()
	r, err := s.Apply(t.Context(), me, layer, edits)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	if len(r.Results) != len(edits) {
		t.Fatalf("%d results of %d edits", len(r.Results), len(edits))
	}
	return r
}

// refuse expects an error of a code and that nothing happened.
func refuse(t *testing.T, s layers.Store, want layers.Code, layer string, edits ...layers.Edit) {
	t.Helper()
	before := head(t, s)
	_, err := s.Apply(t.Context(), me, layer, edits)
	if err == nil || layers.CodeOf(err) != want {
		t.Errorf("the error is %v, want code %s", err, want)
	}
	if after := head(t, s); after != before {
		t.Errorf("the head went from %v to %v by edits that were refused", before, after)
	}
}

func head(t *testing.T, s layers.Store) layers.Cursor {
	t.Helper()
	c, err := s.Head(t.Context())
	if err != nil {
		t.Fatalf("head: %v", err)
	}
	return c
}

func feature(t *testing.T, s layers.Store, layer, id string) *layers.Feature {
	t.Helper()
	f, _, err := s.As(layers.Owner).Feature(t.Context(), layer, id)
	if err != nil {
		t.Fatalf("feature %q: %v", id, err)
	}
	return f
}

func absent(t *testing.T, s layers.Store, layer, id string) {
	t.Helper()
	if f, _, err := s.As(layers.Owner).Feature(t.Context(), layer, id); layers.CodeOf(err) != layers.NotFound || err == nil {
		t.Errorf("feature %q is %v, error %v; want not found", id, f, err)
	}
}

func status(t *testing.T, s layers.Store, layer string) layers.Status {
	t.Helper()
	e, err := s.As(layers.Owner).Layer(t.Context(), layer)
	if err != nil {
		t.Fatalf("layer %s: %v", layer, err)
	}
	return e.Status
}

// changes reads the log after a cursor to its end and checks what holds for any log.
func changes(t *testing.T, s layers.Store, after layers.Cursor) []layers.Commit {
	t.Helper()
	var all []layers.Commit
	for next := after; ; {
		commits, err := s.Changes(t.Context(), next, 100)
		if err != nil {
			t.Fatalf("changes after %v: %v", next, err)
		}
		if len(commits) == 0 {
			return all
		}
		for _, c := range commits {
			if len(c.Changes) == 0 {
				t.Fatalf("an empty commit after %v", next)
			}
			for _, ch := range c.Changes {
				if ch.Position != next.Position+1 {
					t.Fatalf("position %d comes after %d", ch.Position, next.Position)
				}
				next.Position = ch.Position
			}
		}
		all = append(all, commits...)
	}
}

// flat is the changes of commits in one list.
func flat(commits []layers.Commit) []layers.Change {
	var all []layers.Change
	for _, c := range commits {
		all = append(all, c.Changes...)
	}
	return all
}

func pt(x, y float64) geom.T { return geom.NewPointFlat(geom.XY, []float64{x, y}) }

func put(id string, g geom.T, props map[string]any) layers.Edit {
	return layers.Edit{Op: layers.Put, ID: id, Geometry: g, Properties: props}
}

func patch(id string, props map[string]any) layers.Edit {
	return layers.Edit{Op: layers.Patch, ID: id, KeepGeometry: true, Properties: props}
}

func remove(id string) layers.Edit { return layers.Edit{Op: layers.Delete, ID: id} }

// ids are the ids of features, in their order.
func ids(fs []*layers.Feature) []string {
	all := []string{}
	for _, f := range fs {
		all = append(all, f.ID)
	}
	return all
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", want); g != w {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}

// seeded is a source of chance that says how to repeat it.
func seeded(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the seed was %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 1))
}
