package layerstest

import (
	"context"
	"errors"
	"testing"
	"time"

	"onemap/layers"
)

// Trimmer is a store whose log can be shortened on demand.
type Trimmer interface {
	// TrimTo removes the changes up to the position or a little less: whole commits.
	TrimTo(ctx context.Context, position layers.Position) error
}

var logCases = []testCase{
	{"AChangeCarriesTheOldAndTheNewImage", func(t *testing.T, s layers.Store) {
		define(t, s, layer("l", layers.Point, attr("a", layers.Integer)))
		from := head(t, s)
		started := time.Now().Add(-time.Second)
		r1 := apply(t, s, "l", put("x", pt(108, 22), map[string]any{"a": 1}))
		num := feature(t, s, "l", "x").Num
		apply(t, s, "l", patch("x", map[string]any{"a": 2}))
		apply(t, s, "l", layers.Edit{Op: layers.Patch, ID: "x", Geometry: pt(109, 23)})
		apply(t, s, "l", layers.Edit{Op: layers.Patch, ID: "x"})
		apply(t, s, "l", layers.Edit{Op: layers.Patch, ID: "x", Geometry: pt(110, 24)})
		apply(t, s, "l", remove("x"))
		type image struct {
			a int64
			x float64 // 0: no geometry
		}
		read := func(f *layers.Feature) *image {
			if f == nil {
				return nil
			}
			if f.ID != "x" || f.Num != num {
				t.Errorf("image of %q, number %d", f.ID, f.Num)
			}
			i := &image{a: f.Properties["a"].(int64)}
			if b, ok := layers.BoundOf(f.Geometry); ok {
				i.x = b.Min[0]
			}
			return i
		}
		want := []struct{ old, new *image }{
			{nil, &image{1, 108}}, {&image{1, 108}, &image{2, 108}}, {&image{2, 108}, &image{2, 109}}, {&image{2, 109}, &image{2, 0}},
			{&image{2, 0}, &image{2, 110}}, {&image{2, 110}, nil},
		}
		commits := changes(t, s, from)
		if len(commits) != len(want) {
			t.Fatalf("%d commits, want %d", len(commits), len(want))
		}
		for i, c := range commits {
			ch := c.Changes[0]
			if ch.ID != "x" || ch.Layer != "l" || c.Actor != me.Name || c.Time.Before(started) || c.Time.After(time.Now().Add(time.Second)) {
				t.Errorf("commit %d: %+v", i, c)
			}
			kind := layers.ChangePut
			if want[i].new == nil {
				kind = layers.ChangeDelete
			}
			same(t, "kind", ch.Kind, kind)
			if o, n := read(ch.Old), read(ch.New); (o == nil) != (want[i].old == nil) || (n == nil) != (want[i].new == nil) || o != nil && *o != *want[i].old || n != nil && *n != *want[i].new {
				t.Errorf("change %d: old %v, new %v, want %v, %v", i, o, n, want[i].old, want[i].new)
			}
			if ch.New != nil && (ch.New.Version != ch.Position || !ch.New.Updated.Equal(c.Time)) {
				t.Errorf("change %d of %v makes version %d of %v", ch.Position, c.Time, ch.New.Version, ch.New.Updated)
			}
		}
		same(t, "first position", r1.Cursor.Position, from.Position+1)
	}},
	{"ACallIsOneCommit", func(t *testing.T, s layers.Store) {
		define(t, s, layer("l", layers.Point, attr("a", layers.Integer)))
		from := head(t, s)
		var edits []layers.Edit
		for i := range 250 {
			edits = append(edits, layers.Edit{Op: layers.Create, Properties: map[string]any{"a": i}})
		}
		r := apply(t, s, "l", edits...)
		apply(t, s, "l", put("x", nil, nil))
		commits, err := s.Changes(t.Context(), from, 1) // a limit never splits a commit
		if err != nil || len(commits) != 1 || len(commits[0].Changes) != 250 {
			t.Fatalf("%d commits, %v", len(commits), err)
		}
		for i, ch := range commits[0].Changes {
			if ch.ID != r.Results[i].ID || ch.Position != r.Results[i].Version || ch.New.Properties["a"] != int64(i) {
				t.Fatalf("change %d is %+v, result %+v", i, ch, r.Results[i])
			}
		}
		if commits[0].Position() != r.Cursor.Position {
			t.Errorf("the commit ends at %d, the receipt says %d", commits[0].Position(), r.Cursor.Position)
		}
		if commits, err = s.Changes(t.Context(), from, 1000); err != nil || len(commits) != 2 {
			t.Errorf("%d commits, %v", len(commits), err)
		}
	}},
	{"WaitReturnsWhenThereIsSomethingNew", func(t *testing.T, s layers.Store) {
		c := define(t, s, layer("l", layers.Point))
		if err := s.Wait(t.Context(), c.Position-1); err != nil {
			t.Errorf("something new is there already: %v", err)
		}
		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := s.Wait(short, c.Position); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing new: %v", err)
		}
		woken := make(chan error, 3)
		for range cap(woken) {
			go func() { woken <- s.Wait(t.Context(), c.Position) }()
		}
		time.Sleep(10 * time.Millisecond)
		start := time.Now()
		apply(t, s, "l", put("x", nil, nil))
		for range cap(woken) {
			if err := <-woken; err != nil {
				t.Error(err)
			}
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("woken after %v", d)
		}
	}},
	{"APositionOutsideTheLogIsExpired", func(t *testing.T, s layers.Store) {
		define(t, s, layer("l", layers.Point))
		h := head(t, s)
		if commits, err := s.Changes(t.Context(), h, 10); err != nil || len(commits) != 0 {
			t.Errorf("at the head: %v, %v", commits, err)
		}
		for what, c := range map[string]layers.Cursor{
			"another epoch": {Epoch: "another", Position: h.Position}, "no epoch": {Position: h.Position}, "ahead": {Epoch: h.Epoch, Position: h.Position + 1}} {
			if _, err := s.Changes(t.Context(), c, 10); err == nil || layers.CodeOf(err) != layers.Expired {
				t.Errorf("%s: %v", what, err)
			}
		}
	}},
	{"ATrimmedPositionIsExpiredAndTheRestStays", func(t *testing.T, s layers.Store) {
		trimmer, ok := s.(Trimmer)
		if !ok {
			t.Skip("this store can't be told to trim")
		}
		define(t, s, layer("l", layers.Point, attr("a", layers.Integer)))
		start := head(t, s)
		var cursors []layers.Cursor
		for i := range 10 {
			cursors = append(cursors, apply(t, s, "l", put("x", nil, map[string]any{"a": i}), put("y", nil, map[string]any{"a": -i})).Cursor)
		}
		if err := trimmer.TrimTo(t.Context(), cursors[4].Position+1); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Changes(t.Context(), start, 100); err == nil || layers.CodeOf(err) != layers.Expired {
			t.Errorf("behind the log: %v", err)
		}
		if got := changes(t, s, cursors[4]); len(got) != 5 {
			t.Errorf("%d commits are left, want 5", len(got))
		}
		if err := trimmer.TrimTo(t.Context(), cursors[9].Position); err != nil {
			t.Fatal(err)
		}
		same(t, "head of a trimmed log", head(t, s), cursors[9])
		if got := changes(t, s, cursors[9]); len(got) != 0 {
			t.Errorf("%d commits after the head", len(got))
		}
		if r := apply(t, s, "l", put("z", nil, nil)); r.Cursor.Position != cursors[9].Position+1 {
			t.Errorf("the next position is %v after %v", r.Cursor, cursors[9])
		}
		f := feature(t, s, "l", "x")
		same(t, "version of a feature older than the log", f.Version, cursors[9].Position-1)
	}},
}
