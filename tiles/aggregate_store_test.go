package tiles_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/gpkg"
	"onemap/layers/postgis"
	"onemap/tiles"
)

// TestCellsOfALayerThatIsNotInMemoryAreTheSame adds up what real stores find in a
// tile, with their own arithmetic of what lies there.
func TestCellsOfALayerThatIsNotInMemoryAreTheSame(t *testing.T) {
	for name, open := range map[string]func() (layers.Store, error){
		"gpkg": func() (layers.Store, error) {
			return gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "onemap.gpkg"), gpkg.Options{})
		},
		"postgis": func() (layers.Store, error) {
			return postgis.Open(t.Context(), pgtest.Database(t), postgis.Options{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			store, err := open()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			ids := fill(t, store)
			kept, pushed := loaded(t, store), plain(t, store)
			for _, id := range ids {
				seen := 0
				for z := range 15 {
					for _, c := range []tiles.Coord{tiles.At(107.5, 22.8, z), tiles.At(108.4, 23.5, z), tiles.At(109.9, 24.4, z)} {
						for _, v := range []tiles.Variant{tiles.Cells(tiles.AggGrid, 32), tiles.Cells(tiles.AggHeat, 128)} {
							ours, err := kept.TileOf(t.Context(), layers.Owner, []string{id}, c, v)
							if err != nil {
								t.Fatal(err)
							}
							theirs, err := pushed.TileOf(t.Context(), layers.Owner, []string{id}, c, v)
							if err != nil {
								t.Fatal(err)
							}
							if !bytes.Equal(ours.Raw, theirs.Raw) {
								t.Errorf("%s %s as %s: %d bytes from memory, %d from the store", id, c, v, len(ours.Raw), len(theirs.Raw))
							}
							seen += len(ours.Raw)
						}
					}
				}
				if seen < 1000 {
					t.Errorf("%s: only %d bytes were compared", id, seen)
				}
			}
		})
	}
}

// fill makes a layer of each type of geometry, with sums and classes.
func fill(t *testing.T, store layers.Store) (ids []string) {
	rnd := rand.New(rand.NewPCG(7, 7))
	for i, typ := range []layers.GeometryType{layers.Point, layers.LineString, layers.MultiPolygon, layers.AnyGeometry} {
		l := &layers.Layer{ID: fmt.Sprintf("layer-%d", i), Title: layers.Text{Zh: "示例"}, Sharing: layers.Unconditional, UpdateCycle: layers.Daily, Geometry: typ,
			Schema:  layers.Schema{{Name: "n", Type: layers.Integer, Aggregate: true}, {Name: "f", Type: layers.Number, Aggregate: true}, {Name: "state", Type: layers.String}},
			Display: layers.Display{ColorBy: "state", Classes: []layers.Class{{Value: "好", Color: "green"}, {Value: "坏", Color: "red"}}}}
		if _, err := store.DefineLayer(t.Context(), layers.Actor{}, l); err != nil {
			t.Fatal(err)
		}
		var edits []layers.Edit
		for n := range 200 {
			edits = append(edits, layers.Edit{Op: layers.Put, ID: fmt.Sprint(n), Geometry: shapes(rnd, typ), Properties: map[string]any{
				"n": int64(n) - 75, "f": rnd.Float64() * 1e6, "state": []string{"好", "坏", "未知"}[n%3]}})
		}
		edits[7].Properties, edits[8].Geometry = nil, nil
		if _, err := store.Apply(t.Context(), layers.Actor{}, l.ID, edits); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, l.ID)
	}
	return ids
}

// plain is a service that keeps nothing in memory, loaded one that keeps all.
func plain(t *testing.T, store layers.Store) *tiles.Service {
	s, err := tiles.New(store, tiles.Options{PushDown: 1})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func loaded(t *testing.T, store layers.Store) *tiles.Service {
	ready := make(chan struct{})
	s, err := tiles.New(store, tiles.Options{Progress: func(_, _ int, layer string, _ int, _ string) {
		if layer == "" {
			close(ready)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-done
	})
	<-ready
	if n := s.Stats().Layers; n != 4 {
		t.Fatalf("%d layers are in memory", n)
	}
	return s
}
