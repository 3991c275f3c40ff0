package layerstest

import (
	"context"
	"testing"
	"time"

	"onemap/layers"
)

func reopen(t *testing.T, open Opener) {
	dir := t.TempDir()
	s, err := open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	define(t, s, layer("l", layers.Point, attr("a", layers.Number)))
	c := apply(t, s, "l", put("x", pt(108, 22), map[string]any{"a": 0.1}), put("y", nil, nil)).Cursor
	was := feature(t, s, "l", "x")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = start(t, open, dir)
	same(t, "head", head(t, s), c)
	now := feature(t, s, "l", "x")
	if !equal(was, now) || was.Version != now.Version || was.Num != now.Num || !was.Updated.Equal(now.Updated) {
		t.Errorf("%+v became %+v", was, now)
	}
	same(t, "commits", len(changes(t, s, layers.Cursor{Epoch: c.Epoch})), 2)
	same(t, "next position", apply(t, s, "l", remove("y")).Cursor.Position, c.Position+1)
}

func closed(t *testing.T, open Opener) {
	s, err := open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := define(t, s, layer("l", layers.Point))
	waiting := make(chan error, 1)
	go func() { waiting <- s.Wait(context.Background(), c.Position) }()
	time.Sleep(10 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	answers := make(chan error, 4)
	go func() { answers <- <-waiting }()
	go func() {
		_, err := s.Apply(context.Background(), me, "l", []layers.Edit{put("x", nil, nil)})
		answers <- err
	}()
	go func() { _, err := s.Head(context.Background()); answers <- err }()
	go func() { _, err := s.DropLayer(context.Background(), me, "l"); answers <- err }()
	for range cap(answers) {
		select {
		case err := <-answers:
			if err == nil || layers.CodeOf(err) != layers.Unavailable {
				t.Errorf("a closed store says %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("a closed store does not answer")
		}
	}
}
