package layerstest

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"onemap/layers"
)

const (
	crashDir  = "ONEMAP_CRASH_DIR"
	crashSeed = "ONEMAP_CRASH_SEED"
	crashRuns = "ONEMAP_CRASH_RUNS"
)

// Crash kills a process in the middle of its writes, again and again, and checks
// that the store opens and holds everything that was acknowledged, and every call
// whole. It runs the test that calls it once more, in a child process.
// ONEMAP_CRASH_RUNS says how many times; verify may look at the files.
func Crash(t *testing.T, open Opener, verify func(t *testing.T, dir string)) {
	if dir := os.Getenv(crashDir); dir != "" {
		crashChild(t, open, dir)
		return
	}
	runs := 5
	if n, err := strconv.Atoi(os.Getenv(crashRuns)); err == nil {
		runs = n
	}
	dir := t.TempDir() // one store for all runs: it has to survive them all
	acknowledged := map[string]int64{}
	for run := range runs {
		seed := uint64(run + 1)
		crashOnce(t, dir, seed, acknowledged)
		s, err := open(t.Context(), dir)
		if err != nil {
			t.Fatalf("run %d: open after the crash: %v", run, err)
		}
		crashCheck(t, s, run, acknowledged)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		verify(t, dir)
		if t.Failed() {
			return
		}
	}
	if len(acknowledged) == 0 {
		t.Error("no write was acknowledged in any run: the children died too early")
	}
	t.Logf("%d runs, %d keys with acknowledged writes", runs, len(acknowledged))
}

const (
	crashWriters = 4
	crashKeys    = 50 // a writer has so many pairs of features
)

// crashChild writes until it is killed. Each call changes both features of a pair
// to the same number; what came back is printed.
func crashChild(t *testing.T, open Opener, dir string) {
	seed, _ := strconv.ParseUint(os.Getenv(crashSeed), 10, 64)
	s, err := open(context.Background(), dir)
	if err != nil {
		fmt.Println("FAILED open:", err)
		os.Exit(1)
	}
	if _, err := s.DefineLayer(context.Background(), me, layer("l", layers.Point, attr("n", layers.Integer))); err != nil {
		fmt.Println("FAILED define:", err)
		os.Exit(1)
	}
	fmt.Println("READY")
	var wg sync.WaitGroup
	var mu sync.Mutex // a line is printed whole
	for w := range crashWriters {
		wg.Go(func() {
			chance := rand.New(rand.NewPCG(seed, uint64(w)))
			for i := int64(1); ; i++ {
				key := fmt.Sprintf("%d-%d", w, chance.IntN(crashKeys))
				n := int64(seed)<<32 + i
				var edits []layers.Edit
				for _, half := range []string{"a", "b"} {
					edits = append(edits, put(key+half, pt(108+chance.Float64(), 22), map[string]any{"n": n}))
				}
				if _, err := s.Apply(context.Background(), me, "l", edits); err != nil {
					fmt.Println("FAILED apply:", err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Println("ACK", key, n)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// crashOnce runs a child, kills it at a moment that the seed chooses, and adds
// what it acknowledged.
func crashOnce(t *testing.T, dir string, seed uint64, acknowledged map[string]int64) {
	child := exec.Command(os.Args[0], "-test.run=^"+strings.Split(t.Name(), "/")[0]+"$")
	child.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprintf("%s=%d", crashSeed, seed))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	after := time.Duration(rand.New(rand.NewPCG(seed, 99)).IntN(250)) * time.Millisecond
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		var key string
		var n int64
		switch {
		case line == "READY":
			time.AfterFunc(after, func() { _ = child.Process.Kill() }) // SIGKILL
		case strings.HasPrefix(line, "FAILED"):
			t.Errorf("seed %d: %s", seed, line)
		default:
			if _, err := fmt.Sscanf(line, "ACK %s %d", &key, &n); err == nil {
				acknowledged[key] = n
			}
		}
	}
	_ = child.Wait()
}

func crashCheck(t *testing.T, s layers.Store, run int, acknowledged map[string]int64) {
	at := map[string]int64{}
	n := 0
	for f, err := range s.As(layers.Owner).Scan(t.Context(), "l", layers.Range{}) {
		if err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		at[f.ID] = f.Properties["n"].(int64)
		n++
	}
	for key, acked := range acknowledged {
		a, b := at[key+"a"], at[key+"b"]
		if a != b {
			t.Errorf("run %d: half a call: %s is %d and %d", run, key, a, b)
		}
		if a < acked { // a later write may have been committed without the answer getting out
			t.Errorf("run %d: %s was acknowledged at %d and is %d", run, key, acked, a)
		}
	}
	if got := status(t, s, "l").Count; got != int64(n) {
		t.Errorf("run %d: the layer counts %d features and has %d", run, got, n)
	}
	if run%10 == 0 {
		changes(t, s, layers.Cursor{Epoch: head(t, s).Epoch}) // gapless from the start
	}
}
