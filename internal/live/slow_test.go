package live

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"onemap/layers"
)

// One screen stops reading. The others must not notice, what waits for it must
// stay bounded, and in the end its socket is closed.
func TestAStalledScreenDelaysNobodyAndHoardsNothing(t *testing.T) {
	store := openStore(t)
	l := layer("vehicles", false)
	define(t, store, l)
	const vehicles, bound = 200, 300
	s := serve(t, store, func(o *Options) {
		o.MaxPending = bound
		o.WriteTimeout = 1500 * time.Millisecond
	})
	stalled, live := s.connect(t, "official"), s.connect(t, "official")
	_ = stalled.conn.NetConn().(interface{ SetReadBuffer(int) error }).SetReadBuffer(4 << 10)
	for _, c := range []*client{stalled, live} {
		c.subscribe(l.ID, "features", "")
		c.await("snapshot")
	}
	// Wide features fill the socket's buffers soon.
	name := strings.Repeat("x", 3000)
	var worst time.Duration
	most, rounds := 0, 0
	for begin := time.Now(); s.hub.Sessions() == 2; rounds++ {
		if time.Since(begin) > patience {
			t.Fatal("the stalled session is still there")
		}
		var edits []layers.Edit
		for i := range vehicles {
			e := put(fmt.Sprint("v", i), 108+float64(rounds)/1e4, 22, float64(rounds))
			e.Properties["name"] = name
			edits = append(edits, e)
		}
		at := apply(t, store, l.ID, edits...)
		told := time.Now()
		live.until("the newest position", func(f *frame) bool { return f.Type == "delta" && f.cursor(t).Position >= at.Position })
		worst = max(worst, time.Since(told))
		most = max(most, s.hub.Stats().Pending)
	}
	t.Logf("%d rounds, worst delay of the other %v, at most %d waited", rounds, worst, most)
	if worst > 3*time.Second {
		t.Errorf("the other screen waited %v", worst)
	}
	if most > 2*bound {
		t.Errorf("%d features waited", most)
	}
	if st := s.hub.Stats(); st.Slow != 1 {
		t.Errorf("stats: %+v", st)
	}
	live.complete(apply(t, store, l.ID, put("last", 108, 22, 1)))
	live.equals(store, l, nil)
}

// A slow screen skips states and still arrives at the newest.
func TestASlowScreenSkipsStates(t *testing.T) {
	store := openStore(t)
	l := layer("vehicles", false)
	define(t, store, l)
	s := serve(t, store, fast)
	c := s.connect(t, "official")
	c.subscribe(l.ID, "features", "")
	c.await("snapshot")
	const edits = 300
	var at layers.Cursor
	for i := range edits {
		at = apply(t, store, l.ID, put("v", 108, 22, float64(i)))
	}
	c.complete(at)
	c.equals(store, l, nil)
	told := s.hub.Stats().Changes
	t.Logf("%d of %d states were told", told, edits)
	if told >= edits {
		t.Error("every state was told")
	}
}
