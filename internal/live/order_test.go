package live

import (
	"fmt"
	"testing"

	"onemap/layers"
)

// commits reads what the log holds after a cursor.
func commits(t *testing.T, store layers.Store, after layers.Cursor) []layers.Commit {
	t.Helper()
	cs, err := store.Changes(t.Context(), after, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

func TestNothingIsAnnouncedBeforeTheFeedHandsItOver(t *testing.T) {
	store := openStore(t)
	l := layer("gauges", false)
	begin := define(t, store, l)
	first := apply(t, store, l.ID, put("b", 108, 22, 1))
	s := serveUnfed(t, store, fast)
	c := s.connect(t, "official")
	second := apply(t, store, l.ID, put("a", 108, 22, 2)) // its tiles are not fresh yet
	c.mirror[l.ID] = &mirror{features: map[string]kept{}, cursor: begin.String()}
	c.subscribe(l.ID, "features", "")
	c.await("recovered")
	for range 2 {
		if f := c.await("heartbeat"); f.cursor(t) != first {
			t.Errorf("the heartbeat is at %s, announced is %s", f.Cursor, first)
		}
	}
	if _, told := c.mirror[l.ID].features["a"]; told || len(c.mirror[l.ID].features) != 1 {
		t.Errorf("told: %v", c.mirror[l.ID].features)
	}
	s.hub.Apply(commits(t, store, first))
	c.complete(second)
	c.equals(store, l, nil)
}

// What a snapshot contains may be newer than what was announced; a client that
// resumes from there is not sent back.
func TestASnapshotMayBeAheadOfTheFeed(t *testing.T) {
	store := openStore(t)
	l := layer("gauges", false)
	define(t, store, l)
	first := apply(t, store, l.ID, put("a", 108, 22, 1))
	s := serveUnfed(t, store, nil) // no heartbeat comes in between
	c := s.connect(t, "official")
	second := apply(t, store, l.ID, put("a", 108, 22, 2))
	c.subscribe(l.ID, "features", "")
	if f := c.await("snapshot"); f.cursor(t) != second {
		t.Errorf("the snapshot is of %s, want %s", f.Cursor, second)
	}
	c.conn.Close()
	c.dial(s, "official")
	c.subscribe(l.ID, "features", "")
	if f := c.await("recovered"); f.cursor(t) != second {
		t.Errorf("got %s", f.raw)
	}
	s.hub.Apply(commits(t, store, first)) // known already: not told again
	third := apply(t, store, l.ID, put("b", 108, 22, 2))
	s.hub.Apply(commits(t, store, second))
	if f := c.await("delta"); len(f.Changes) != 1 || f.Changes[0].ID != "b" || f.cursor(t) != third {
		t.Errorf("got %s", f.raw)
	}
}

func TestAGapInTheLogResetsWhatIsFollowed(t *testing.T) {
	store := openStore(t)
	l := layer("gauges", false)
	define(t, store, l)
	apply(t, store, l.ID, put("a", 108, 22, 1))
	s := serveUnfed(t, store, fast)
	c, mapped := s.connect(t, "official"), s.connect(t, "official")
	c.subscribe(l.ID, "features", "")
	c.await("snapshot")
	mapped.subscribe(l.ID, "tiles", "")
	mapped.await("recovered")
	lost := apply(t, store, l.ID, put("a", 108, 22, 2))
	last := apply(t, store, l.ID, put("b", 108, 22, 2))
	s.hub.Apply(commits(t, store, lost))
	for _, who := range []*client{c, mapped} {
		if f := who.await("reset"); f.Reason != reasonLost {
			t.Errorf("got %s", f.raw)
		}
		who.complete(last)
	}
	c.equals(store, l, nil)
}

func TestANewLineageResetsWhatIsFollowed(t *testing.T) {
	store := openStore(t)
	l := layer("gauges", false)
	define(t, store, l)
	apply(t, store, l.ID, put("a", 108, 22, 1))
	s := serveUnfed(t, store, fast)
	c := s.connect(t, "official")
	c.subscribe(l.ID, "features", "")
	c.await("snapshot")
	other := layers.Cursor{Epoch: "restored", Position: 1}
	unannounced := layer("halls", true)
	define(t, store, unannounced)
	s.hub.Reset(other)
	f := c.until("the reset", func(f *frame) bool { return f.Type == "reset" })
	if f.Reason != reasonEpoch || f.cursor(t) != other {
		t.Errorf("got %s", f.raw)
	}
	if f := c.await("snapshot"); f.cursor(t).Epoch != other.Epoch {
		t.Errorf("got %s", f.raw)
	}
	c.complete(other)
	heard := false
	for _, line := range c.log {
		heard = heard || line == "layer halls  "
	}
	if !heard {
		t.Error("the layer that the reset brought was not told")
	}
}

func TestALayerThatWasReplacedBelowUsIsReadAnew(t *testing.T) {
	store := openStore(t)
	l := layer("gauges", false)
	define(t, store, l)
	at := apply(t, store, l.ID, put("a", 108, 22, 1))
	s := serveUnfed(t, store, fast)
	c := s.connect(t, "official")
	c.subscribe(l.ID, "features", "")
	c.await("snapshot")
	s.hub.Apply([]layers.Commit{{Changes: []layers.Change{{Position: at.Position + 1, Layer: l.ID, Kind: layers.ChangeReset}}}})
	if f := c.await("reset"); f.Reason != reasonReplaced {
		t.Errorf("got %s", f.raw)
	}
	c.await("snapshot")
	c.equals(store, l, nil)
}

// A connection may break between any two frames, so no frame may promise what
// only the next one brings.
func TestACursorPromisesNothingThatStillWaits(t *testing.T) {
	store := openStore(t)
	l := layer("gauges", false)
	define(t, store, l)
	s := serve(t, store, fast)
	c := s.connect(t, "official")
	c.subscribe(l.ID, "features", "")
	c.await("snapshot")
	for round := range 5 {
		var edits []layers.Edit
		for i := range 5 * mostChanges {
			edits = append(edits, put(fmt.Sprint(i), 108, 22, float64(round)))
		}
		at := apply(t, store, l.ID, edits...)
		told := 0
		c.until("the whole commit", func(f *frame) bool {
			told += len(f.Changes)
			promised := f.cursor(t).Position >= at.Position
			if promised && told < len(edits) {
				t.Errorf("after %d of %d changes: %s %s", told, len(edits), f.Type, f.Cursor)
			}
			return promised
		})
	}
	c.equals(store, l, nil)
}

func TestARestartForgetsWhatWaitsOfTheOldLineage(t *testing.T) {
	s := newSession(NewHub(Options{}), idPublic)
	l := layer("gauges", true)
	s.subs[l.ID] = &subscription{layer: l, mode: features, state: current, after: 900}
	s.offer(newEvent(l, &layers.Change{Position: 950, ID: "a", New: at(1, 1)}, 949))
	if s.pending != 1 {
		t.Fatalf("%d wait", s.pending)
	}
	s.reset(l.ID, reasonEpoch)
	s.offer(newEvent(l, &layers.Change{Position: 3, ID: "b", New: at(1, 1)}, 2)) // positions begin anew
	if q := &s.subs[l.ID].queue; s.pending != 1 || q.len() != 1 || q.front.id != "b" {
		t.Errorf("%d wait, %d in the queue", s.pending, q.len())
	}
}
