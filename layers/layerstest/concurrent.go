package layerstest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

var concurrentCases = []testCase{
	{"TheLogReplaysToTheStoreUnderConcurrentWriters", replays},
	{"OneOfManyCreatorsWins", oneWins},
	{"CountersByPreconditionLoseNothing", counters},
}

// replays lets writers change two layers at random while a reader follows the log,
// and then compares what the reader built with what the store holds.
func replays(t *testing.T, s layers.Store) {
	schema := []layers.Attribute{attr("who", layers.Integer), attr("n", layers.Number)}
	define(t, s, layer("a", layers.Point, schema...))
	from := define(t, s, layer("b", layers.Point, schema...))
	seed := seeded(t).Uint64()
	const writers, calls = 6, 40
	ctx, done := context.WithCancel(t.Context())
	defer done()

	type key struct{ layer, id string }
	replica := map[key]*layers.Feature{}
	var end layers.Position
	followed := make(chan error, 1)
	go func() {
		followed <- follow(ctx, s, from, func(c *layers.Commit) error {
			layer := c.Changes[0].Layer
			for _, ch := range c.Changes {
				k := key{ch.Layer, ch.ID}
				if ch.Layer != layer {
					return fmt.Errorf("a commit of %s holds %+v", layer, ch)
				}
				if was := replica[k]; (was == nil) != (ch.Old == nil) || was != nil && !equal(was, ch.Old) {
					return fmt.Errorf("position %d: the old image is %+v, the log had %+v", ch.Position, ch.Old, was)
				}
				if ch.Kind == layers.ChangeDelete {
					delete(replica, k)
				} else {
					replica[k] = ch.New
				}
			}
			end = c.Position()
			return nil
		})
	}()

	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			chance := rand.New(rand.NewPCG(seed, uint64(w)))
			for range calls {
				var edits []layers.Edit
				for range 1 + chance.IntN(5) {
					id := fmt.Sprint(chance.IntN(20))
					e := layers.Edit{Op: layers.Put, ID: id, Geometry: pt(105+chance.Float64(), 22), Properties: map[string]any{"who": w, "n": chance.NormFloat64()}}
					switch chance.IntN(6) {
					case 0:
						e = remove(id)
					case 1:
						e = patch(id, map[string]any{"n": chance.NormFloat64()})
					case 2:
						e.Geometry = nil
					}
					edits = append(edits, e)
				}
				r, err := s.Apply(t.Context(), layers.Actor{Name: fmt.Sprint("w", w)}, []string{"a", "b"}[chance.IntN(2)], edits)
				if err != nil && layers.CodeOf(err) != layers.NotFound {
					t.Errorf("apply: %v", err)
				}
				if err == nil && r.Results[len(edits)-1].Version > r.Cursor.Position {
					t.Errorf("receipt %+v", r)
				}
			}
		})
	}
	wg.Wait()
	last := apply(t, s, "a", put("the last", nil, nil)).Cursor
	for waited := from.Position; waited < last.Position; {
		if err := <-followed; err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		if waited = end; waited < last.Position {
			t.Fatalf("the follower stopped at %d of %d", end, last.Position)
		}
	}
	for _, l := range []string{"a", "b"} {
		n := 0
		for f, err := range s.As(layers.Owner).Scan(t.Context(), l, layers.Range{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			if r := replica[key{l, f.ID}]; r == nil || !equal(r, f) || r.Version != f.Version {
				t.Errorf("%s/%s is %+v, the log says %+v", l, f.ID, f, r)
			}
			delete(replica, key{l, f.ID})
		}
		if got := status(t, s, l).Count; got != int64(n) {
			t.Errorf("%s counts %d features and has %d", l, got, n)
		}
	}
	for k := range replica {
		t.Errorf("%v is only in the log", k)
	}
}

// follow hands over commits until the one that creates "the last", and checks their order.
func follow(ctx context.Context, s layers.Store, at layers.Cursor, do func(*layers.Commit) error) error {
	for {
		if err := s.Wait(ctx, at.Position); err != nil {
			return err
		}
		commits, err := s.Changes(ctx, at, 50)
		if err != nil {
			return err
		}
		for i := range commits {
			for _, ch := range commits[i].Changes {
				if ch.Position != at.Position+1 {
					return fmt.Errorf("position %d after %d", ch.Position, at.Position)
				}
				at.Position = ch.Position
			}
			if err := do(&commits[i]); err != nil {
				return err
			}
			if commits[i].Changes[0].ID == "the last" {
				return nil
			}
		}
	}
}

func equal(a, b *layers.Feature) bool {
	return a.ID == b.ID && fmt.Sprint(a.Properties) == fmt.Sprint(b.Properties) && sameCoords(a.Geometry, b.Geometry)
}

func sameCoords(a, b geom.T) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return fmt.Sprint(a.FlatCoords()) == fmt.Sprint(b.FlatCoords())
}

func oneWins(t *testing.T, s layers.Store) {
	define(t, s, layer("l", layers.Point))
	errs := make(chan error, 16)
	for range cap(errs) {
		go func() {
			_, err := s.Apply(t.Context(), me, "l", []layers.Edit{{Op: layers.Create, ID: "x"}})
			errs <- err
		}()
	}
	won := 0
	for range cap(errs) {
		switch err := <-errs; {
		case err == nil:
			won++
		case layers.CodeOf(err) != layers.Conflict:
			t.Errorf("a loser heard %v", err)
		}
	}
	same(t, "winners", won, 1)
}

func counters(t *testing.T, s layers.Store) {
	define(t, s, layer("l", layers.Point, attr("n", layers.Integer)))
	apply(t, s, "l", put("x", nil, map[string]any{"n": 0}))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for done := 0; done < 15; {
				f, _, err := s.As(layers.Owner).Feature(t.Context(), "l", "x")
				if err != nil {
					t.Error(err)
					return
				}
				e := patch("x", map[string]any{"n": f.Properties["n"].(int64) + 1})
				e.IfVersion = f.Version
				switch _, err := s.Apply(t.Context(), me, "l", []layers.Edit{e}); {
				case err == nil:
					done++
				case layers.CodeOf(err) != layers.Precondition:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	same(t, "count", feature(t, s, "l", "x").Properties["n"], int64(60))
}
