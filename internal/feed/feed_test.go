package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"onemap/layers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeLog is a log whose epoch, content and health the tests choose.
type fakeLog struct {
	mu      sync.Mutex
	epoch   string
	first   layers.Position // position before the oldest commit that is still held
	commits []layers.Commit
	fail    error
	grown   chan struct{}
}

func newFakeLog() *fakeLog { return &fakeLog{epoch: "e1", grown: make(chan struct{})} }

func (l *fakeLog) change(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	close(l.grown)
	l.grown = make(chan struct{})
}

// commit appends a commit of n changes and returns its position.
func (l *fakeLog) commit(n int) (p layers.Position) {
	l.change(func() {
		c := layers.Commit{Time: time.Now()}
		for range n {
			c.Changes = append(c.Changes, layers.Change{Position: l.head() + layers.Position(len(c.Changes)) + 1, Layer: "a", Kind: layers.ChangePut})
		}
		l.commits = append(l.commits, c)
		p = l.head()
	})
	return p
}

func (l *fakeLog) head() layers.Position {
	if n := len(l.commits); n > 0 {
		return l.commits[n-1].Position()
	}
	return l.first
}

func (l *fakeLog) Head(context.Context) (layers.Cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return layers.Cursor{Epoch: l.epoch, Position: l.head()}, l.fail
}

func (l *fakeLog) Changes(_ context.Context, after layers.Cursor, limit int) ([]layers.Commit, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return nil, l.fail
	}
	if after.Epoch != l.epoch || after.Position < l.first || after.Position > l.head() {
		return nil, layers.Errorf(layers.Expired, "%s is not in the log", after)
	}
	var out []layers.Commit
	for _, c := range l.commits {
		if c.Position() > after.Position && limit > 0 {
			out, limit = append(out, c), limit-len(c.Changes)
		}
	}
	return out, nil
}

func (l *fakeLog) Wait(ctx context.Context, after layers.Position) error {
	for {
		l.mu.Lock()
		there, grown := l.head() > after, l.grown
		l.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// recorder is a sink that writes down what it is told.
type recorder struct {
	name string
	out  *journal
	hold func() // called inside Apply
}

type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines)
}

func (r recorder) Apply(commits []layers.Commit) {
	if r.hold != nil {
		r.hold()
	}
	for _, c := range commits {
		r.out.add("%s %d", r.name, c.Position())
	}
}

func (r recorder) Reset(head layers.Cursor) { r.out.add("%s reset %s", r.name, head) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// run runs the feed until the test ends.
func run(t *testing.T, f *Feed) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
}

func waitFor(t *testing.T, f *Feed, p layers.Position) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := f.WaitFor(ctx, p); err != nil {
		t.Fatalf("waiting for %d at %s: %v", p, f.Cursor(), err)
	}
}

func TestEverySinkGetsEveryCommitInOrderAndTheFirstSinkFirst(t *testing.T) {
	log, j := newFakeLog(), &journal{}
	f := New(log, quiet(), recorder{name: "tiles", out: j}, recorder{name: "live", out: j})
	if err := f.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	run(t, f)
	const n = 200
	for i := range n {
		log.commit(1 + i%3)
	}
	last := log.head()
	waitFor(t, f, last)
	seen := map[string][]layers.Position{}
	for _, line := range j.all() {
		var name string
		var p layers.Position
		if _, err := fmt.Sscan(line, &name, &p); err != nil {
			t.Fatal(line, err)
		}
		seen[name] = append(seen[name], p)
		if name == "live" && !slices.Contains(seen["tiles"], p) {
			t.Fatalf("live heard of %d before the tiles did", p)
		}
	}
	for name, ps := range seen {
		if len(ps) != n || !slices.IsSorted(ps) {
			t.Errorf("%s got %d commits, sorted: %v", name, len(ps), slices.IsSorted(ps))
		}
	}
	if st := f.Stats(); st.Commits != n || st.Changes != int64(last) || st.Resets != 0 {
		t.Errorf("%+v", st)
	}
}

func TestTheCursorMovesOnlyWhenAllSinksAreDone(t *testing.T) {
	log, j := newFakeLog(), &journal{}
	inside, gate := make(chan struct{}), make(chan struct{})
	f := New(log, quiet(), recorder{name: "tiles", out: j}, recorder{name: "live", out: j, hold: func() { close(inside); <-gate }})
	if err := f.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	run(t, f)
	p := log.commit(1)
	<-inside
	if c := f.Cursor(); c.Position != 0 {
		t.Errorf("the cursor is at %s while a sink works", c)
	}
	if lag, err := f.Lag(context.Background()); err != nil || lag != 1 {
		t.Errorf("the lag is %d, %v", lag, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := f.WaitFor(ctx, p); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("WaitFor returned %v while a sink works", err)
	}
	close(gate)
	waitFor(t, f, p)
	if c := f.Cursor(); c.String() != "e1:1" {
		t.Errorf("the cursor is at %s", c)
	}
	if lag, err := f.Lag(context.Background()); err != nil || lag != 0 {
		t.Errorf("the lag is %d, %v", lag, err)
	}
}

func TestNothingBetweenStartAndRunIsMissed(t *testing.T) {
	log, j := newFakeLog(), &journal{}
	log.commit(3)
	f := New(log, quiet(), recorder{name: "tiles", out: j})
	if err := f.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	log.commit(1)
	if err := f.Start(context.Background()); err != nil { // must not move the start
		t.Fatal(err)
	}
	log.commit(1)
	run(t, f)
	waitFor(t, f, 5)
	if got := strings.Join(j.all(), ", "); got != "tiles 4, tiles 5" {
		t.Errorf("got %s", got)
	}
}

func TestStartFailsWithTheStore(t *testing.T) {
	log := newFakeLog()
	log.fail = layers.Errorf(layers.Unavailable, "off")
	if err := New(log, quiet()).Start(context.Background()); layers.CodeOf(err) != layers.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestAFeedOutsideTheLogResetsEverySinkAndGoesOnAtTheHead(t *testing.T) {
	for name, lose := range map[string]func(*fakeLog){
		"trimmed":                            func(l *fakeLog) { l.commits, l.first = nil, 70 },
		"another epoch":                      func(l *fakeLog) { l.epoch = "e2" },
		"another epoch with small positions": func(l *fakeLog) { l.epoch, l.commits, l.first = "e2", nil, 1 },
	} {
		t.Run(name, func(t *testing.T) {
			log, j := newFakeLog(), &journal{}
			for range 9 {
				log.commit(5)
			}
			f := New(log, quiet(), recorder{name: "tiles", out: j}, recorder{name: "live", out: j})
			if err := f.Start(context.Background()); err != nil {
				t.Fatal(err)
			}
			run(t, f)
			// Nobody who waits is left behind by an epoch.
			waiting := make(chan error)
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			go func() { waiting <- f.WaitFor(ctx, 60) }()
			time.Sleep(20 * time.Millisecond)
			log.change(func() { lose(log) })
			if err := <-waiting; err != nil {
				t.Fatal(err)
			}
			head, _ := log.Head(ctx)
			p := log.commit(1)
			waitFor(t, f, p)
			want := fmt.Sprintf("tiles reset %s, live reset %s, tiles %d, live %d", head, head, p, p)
			if got := strings.Join(j.all(), ", "); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if c := f.Cursor(); c.Epoch != head.Epoch || c.Position != p {
				t.Errorf("the cursor is at %s", c)
			}
			if st := f.Stats(); st.Resets != 1 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestReachWaitsForAPlaceOfTheLogAndRefusesEveryOther(t *testing.T) {
	log, j := newFakeLog(), &journal{}
	f := New(log, quiet(), recorder{name: "tiles", out: j})
	if err := f.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	reach := func(to string) chan error {
		c, err := layers.ParseCursor(to)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		t.Cleanup(cancel)
		go func() { done <- f.Reach(ctx, c) }()
		return done
	}
	if err := <-reach("e1:0"); err != nil {
		t.Errorf("the cursor: %v", err)
	}
	if err := <-reach("e0:0"); layers.CodeOf(err) != layers.Expired {
		t.Errorf("another epoch: %v", err)
	}
	ahead, beyond := reach("e1:2"), reach("e1:99")
	run(t, f)
	log.commit(2)
	if err := <-ahead; err != nil || len(j.all()) != 1 {
		t.Errorf("after %v: %v", j.all(), err)
	}
	log.change(func() { log.epoch, log.first, log.commits = "e2", 5, nil })
	if err := <-reach("e2:5"); err != nil || f.Cursor().String() != "e2:5" {
		t.Errorf("the epoch that has just begun: %v at %s", err, f.Cursor())
	}
	if err := <-beyond; layers.CodeOf(err) != layers.Expired {
		t.Errorf("the epoch that has ended: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.Reach(ctx, layers.Cursor{Epoch: "e2", Position: 6}); !errors.Is(err, context.Canceled) {
		t.Errorf("who has gone got %v", err)
	}
}

func TestAFeedRecoversFromAStoreThatFailedAndSaysSoOnce(t *testing.T) {
	log, j := newFakeLog(), &journal{}
	var out bytes.Buffer
	f := New(log, slog.New(slog.NewTextHandler(&out, nil)), recorder{name: "tiles", out: j})
	if err := f.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	log.change(func() { log.fail = errors.New("disk on fire") })
	log.commit(1)
	for f.Stats().Failures < 3 {
		time.Sleep(5 * time.Millisecond)
	}
	log.change(func() { log.fail = nil })
	waitFor(t, f, 1)
	waitFor(t, f, log.commit(1)) // the step that said so is over
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(j.all(), ", "); got != "tiles 1, tiles 2" {
		t.Errorf("got %s", got)
	}
	text := out.String()
	if strings.Count(text, "disk on fire") != 1 || strings.Count(text, "reads the log again") != 1 {
		t.Errorf("the log says\n%s", text)
	}
}

func TestRunStartsByItselfAndEndsWithItsContext(t *testing.T) {
	log := newFakeLog()
	log.commit(4)
	f := New(log, quiet())
	if c := f.Cursor(); c != (layers.Cursor{}) {
		t.Errorf("the cursor is at %s before the start", c)
	}
	run(t, f)
	waitFor(t, f, 4)
}
