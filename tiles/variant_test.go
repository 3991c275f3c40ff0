package tiles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"onemap/internal/cql2"
	"onemap/layers"
)

func variantService(t *testing.T) (*memory, *Service, []*layers.Feature) {
	name, level := layers.Attribute{Name: "name", Type: layers.String}, layers.Attribute{Name: "level", Type: layers.Integer}
	m := newMemory(testLayer("a", name, level), testLayer("b", level))
	f := feature(1, in(t, here, "POINT (1 1)"), map[string]any{"name": "示例", "level": int64(7)})
	m.put("a", f)
	m.put("b", f)
	return m, newService(t, m, Options{}), []*layers.Feature{f}
}

func mustVariant(t *testing.T, s *Service, v Variant, ids ...string) *Tile {
	t.Helper()
	tile, err := s.TileOf(context.Background(), layers.Official, ids, here, v)
	if err != nil {
		t.Fatal(err)
	}
	return tile
}

func keysOf(t *testing.T, tile *Tile) string {
	var all []string
	for _, l := range decode(t, tile.Raw) {
		for key := range l.Features[0].Properties {
			all = append(all, l.Name+"."+key)
		}
	}
	slices.Sort(all)
	return fmt.Sprint(all)
}

func TestAVariantHasTheAttributesThatItNamesAndTheID(t *testing.T) {
	_, s, _ := variantService(t)
	for _, c := range []struct {
		v    Variant
		want string
	}{
		{Variant{}, "[a._id a.level a.name b._id b.level]"},
		{Properties("name"), "[a._id a.name b._id]"},
		{Properties("level", "name", "level"), "[a._id a.level a.name b._id b.level]"},
		{Properties(), "[a._id b._id]"},
	} {
		if got := keysOf(t, mustVariant(t, s, c.v, "a", "b")); got != c.want {
			t.Errorf("%v: %s, want %s", c.v, got, c.want)
		}
	}
	if mustVariant(t, s, Properties("name", "level"), "a") != mustVariant(t, s, Properties("level", "name"), "a") {
		t.Error("the order of the names makes another tile")
	}
	var e *layers.Error
	if _, err := s.TileOf(context.Background(), layers.Official, []string{"a", "b"}, here, Properties("name", "nothing")); !errors.As(err, &e) || e.Code != layers.Invalid || len(e.Violations) != 1 || e.Violations[0].Value != "nothing" {
		t.Errorf("an unknown attribute: %v", err)
	}
}

func TestAResidentLayersVariantIsThePlainEncodersToo(t *testing.T) {
	m, plain, _ := variantService(t)
	s := newService(t, m, Options{WaitFor: func(context.Context, layers.Position) error { return nil }})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for s.Stats().Layers < 2 {
		select {
		case err := <-done:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
	}
	for _, v := range []Variant{{}, Properties("name"), Properties()} {
		if got, want := mustVariant(t, s, v, "a"), mustVariant(t, plain, v, "a"); !bytes.Equal(got.Raw, want.Raw) {
			t.Errorf("%v: %s, want %s", v, keysOf(t, got), keysOf(t, want))
		}
	}
	stop()
	<-done
}

func TestAChangeForgetsEveryVariantThatItTouches(t *testing.T) {
	m, s, was := variantService(t)
	named, err := cql2.ParseText("name IS NOT NULL")
	mustDo(t, err)
	variants := []Variant{{}, Properties("name"), Properties("level"), Properties(), {fine: true}, Variant{}.Where(Filter{Expr: named})}
	before := map[int]*Tile{}
	for i, v := range variants {
		before[i] = mustVariant(t, s, v, "a")
	}
	is := feature(1, in(t, here, "POINT (9 9)"), was[0].Properties)
	m.set("a", is)
	s.Apply(commit("a", was[0], is))
	for i, v := range variants {
		if mustVariant(t, s, v, "a").ETag == before[i].ETag {
			t.Errorf("%v is as before", v)
		}
	}
	m.set("a")
	s.Apply(commit("a", is, nil))
	if n := len(s.cache.shelves["a"]); n != 0 {
		t.Errorf("%d shelves of no tile", n)
	}
}
