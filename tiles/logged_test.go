package tiles

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"onemap/layers"
)

// logged is a source with a log, and the feed of a service on it, which is as slow
// as the test wants it to be.
type logged struct {
	*memory
	mu      sync.Mutex
	epoch   string
	floor   layers.Position
	commits []layers.Commit
	told    layers.Position
	service *Service // of the server that runs
	onHead  func()   // what happens before and after the next one asks for the head
}

func (l *logged) head() layers.Position {
	if n := len(l.commits); n > 0 {
		return l.commits[n-1].Position()
	}
	return l.floor
}

func (l *logged) Head(context.Context) (layers.Cursor, error) {
	happens := l.onHead
	if l.onHead = nil; happens == nil {
		happens = func() {}
	}
	happens()
	defer happens()
	l.mu.Lock()
	defer l.mu.Unlock()
	return layers.Cursor{Epoch: l.epoch, Position: l.head()}, nil
}

func (l *logged) Changes(_ context.Context, after layers.Cursor, limit int) (out []layers.Commit, _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if after.Epoch != l.epoch || after.Position < l.floor || after.Position > l.head() {
		return nil, layers.Errorf(layers.Expired, "position %s is not in the log", after)
	}
	for _, c := range l.commits {
		if c.Position() > after.Position && limit > 0 {
			out, limit = append(out, c), limit-len(c.Changes)
		}
	}
	return out, nil
}

func (l *logged) Wait(context.Context, layers.Position) error { panic("nobody waits here") }

func (l *logged) commit(changes []layers.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.head()
	for i := range changes {
		changes[i].Position = at + layers.Position(i) + 1
	}
	l.commits = append(l.commits, layers.Commit{Changes: changes})
}

// tell is the feed: it tells the service what it was not told of.
func (l *logged) tell() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.commits {
		if c.Position() > l.told {
			l.service.Apply([]layers.Commit{c})
			l.told = c.Position()
		}
	}
}

func (l *logged) cursor() layers.Cursor {
	l.mu.Lock()
	defer l.mu.Unlock()
	return layers.Cursor{Epoch: l.epoch, Position: l.told}
}

// start starts a server, whose feed begins at the head; stop ends it, kill without a
// farewell.
func (l *logged) start(t testing.TB, o Options) (s *Service, stop, kill func()) {
	loaded := make(chan struct{})
	o.Progress = func(_, _ int, layer string, _ int, _ string) {
		if layer == "" {
			close(loaded)
		}
	}
	o.Cursor = l.cursor
	o.WaitFor = func(context.Context, layers.Position) error { l.tell(); return nil }
	s = newService(t, l, o)
	s.kept.least = 0
	l.mu.Lock()
	l.service, l.told = s, l.head()
	l.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	<-loaded
	return s, stop, func() {
		s.kept.filing.Lock()
		s.kept.dir = ""
		s.kept.filing.Unlock()
		stop()
	}
}

// newStored is a scene with a log and a directory; its server is not started.
func newStored(t testing.TB, g layers.GeometryType) (*scene, *logged, string) {
	l := testLayer("kept", residentSchema...)
	l.Geometry = g
	l.Display = layers.Display{ColorBy: "state", Classes: []layers.Class{{Value: "好"}, {Value: "坏"}}}
	src := &logged{memory: newMemory(l), epoch: "e1"}
	dir, err := os.MkdirTemp(t.TempDir(), "")
	mustDo(t, err)
	return &scene{src: src.memory, layer: l, now: map[int64]*layers.Feature{}, commit: src.commit}, src, dir
}

// put adds a feature, of which nobody is told yet.
func (sc *scene) put(f *layers.Feature) {
	sc.src.put("kept", f)
	sc.commit([]layers.Change{{Layer: "kept", Kind: layers.ChangePut, ID: f.ID, New: f}})
}

// mustBeAnew compares the tiles with those of a layer that is made of the features
// as they are now.
func (sc *scene) mustBeAnew(rt *rapid.T, t testing.TB) {
	_, s := sc.service.kept.find("kept")
	b := newRun(s.format, nil)
	for _, f := range sc.now {
		b.add(f)
	}
	anew := b.base()
	for _, c := range sc.corners() {
		got := mustTile(rt, sc.service, c, "kept").Raw
		_, s = sc.service.kept.find("kept")
		anew.plan = s.plan // as of that tile: one that is too large changes it
		if want := anew.encode(new(draft), "kept", c); !bytes.Equal(got, want) {
			rt.Fatalf("tile %s: %v\nwant %v", c, describe(t, got), describe(t, want))
		}
	}
}

func mustDo(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
