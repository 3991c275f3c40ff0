package live

import (
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
	define(t, store, l)
	first := apply(t, store, l.ID, put("a", 108, 22, 1))
	s := serveUnfed(t, store, fast)
	c := s.connect(t, "official")
	second := apply(t, store, l.ID, put("a", 108, 22, 2)) // its tiles are not fresh yet
	c.mirror[l.ID] = &mirror{features: map[string]kept{}, cursor: first.String()}
	c.subscribe(l.ID, "features", "")
	c.await("recovered")
	for range 2 {
		if f := c.await("heartbeat"); f.cursor(t) != first {
			t.Errorf("the heartbeat is at %s, announced is %s", f.Cursor, first)
		}
	}
	if n := len(c.mirror[l.ID].features); n != 0 {
		t.Errorf("%d features were told", n)
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
