package gpkg_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twpayne/go-geom"
	"golang.org/x/sync/errgroup"

	"onemap/layers"
	"onemap/layers/gpkg"
)

// benchLayer is like a department's layer: a dozen attributes, some filled.
func benchLayer() *layers.Layer {
	l := &layers.Layer{ID: "bench", Title: layers.Text{Zh: "测试"}, Sharing: layers.Unconditional, UpdateCycle: layers.RealTime, Geometry: layers.Point}
	for _, a := range []struct {
		name string
		typ  layers.DataType
	}{{"name", layers.String}, {"division", layers.String}, {"status", layers.String}, {"kind", layers.String}, {"level", layers.Number}, {"speed", layers.Number}, {"count", layers.Integer}, {"seen", layers.DateTime}} {
		l.Schema = append(l.Schema, layers.Attribute{Name: a.name, Type: a.typ})
	}
	return l
}

func benchStore(b *testing.B, n int) (*gpkg.Store, string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "bench.gpkg")
	s, err := gpkg.Open(b.Context(), path, gpkg.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	if _, err := s.DefineLayer(b.Context(), layers.Actor{}, benchLayer()); err != nil {
		b.Fatal(err)
	}
	const batch = 2000
	start := time.Now()
	for from := 0; from < n; from += batch {
		var edits []layers.Edit
		for i := from; i < min(n, from+batch); i++ {
			edits = append(edits, layers.Edit{Op: layers.Create, ID: fmt.Sprint("f", i), Geometry: place(), Properties: map[string]any{
				"name": fmt.Sprint("示例车辆", i), "division": "450102", "status": "行驶", "kind": "巡逻", "level": 12.25, "speed": 33.3, "count": int64(i), "seen": "2026-07-01T08:00:00Z"}})
		}
		if _, err := s.Apply(b.Context(), layers.Actor{}, "bench", edits); err != nil {
			b.Fatal(err)
		}
	}
	if n >= 100_000 {
		b.Logf("filled with %d features at %.0f/s", n, float64(n)/time.Since(start).Seconds())
	}
	return s, path
}

func place() geom.T {
	return geom.NewPointFlat(geom.XY, []float64{104.5 + 7.5*rand.Float64(), 20.9 + 5.4*rand.Float64()})
}

// batches applies durable batches of 100, from so many callers at a time, and reports
// edits per second.
func batches(b *testing.B, s *gpkg.Store, callers, features int, edit func(id string) layers.Edit) {
	b.Helper()
	const size = 100
	cpu := cpuTime()
	var left atomic.Int64
	left.Store(int64(b.N))
	var all errgroup.Group
	b.ResetTimer()
	for range callers {
		all.Go(func() error {
			for left.Add(-1) >= 0 {
				edits := make([]layers.Edit, size)
				for i := range edits {
					edits[i] = edit(fmt.Sprint("f", rand.IntN(features)))
				}
				if _, err := s.Apply(context.Background(), layers.Actor{Name: "bench"}, "bench", edits); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "edits/s")
	b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N*size), "cpu-µs/edit")
}

// cpuTime is what this process has used of the processors: on a busy machine it
// tells more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func level(id string) layers.Edit {
	return layers.Edit{Op: layers.Patch, ID: id, KeepGeometry: true, Properties: map[string]any{"level": rand.Float64()}}
}

func move(id string) layers.Edit { return layers.Edit{Op: layers.Patch, ID: id, Geometry: place()} }

func BenchmarkAttributeUpdatesOn100000(b *testing.B) {
	s, _ := benchStore(b, 100_000)
	batches(b, s, 1, 100_000, level)
}

func BenchmarkMovesOn5000(b *testing.B) {
	for _, callers := range []int{1, 4} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s, _ := benchStore(b, 5000)
			batches(b, s, callers, 5000, move)
		})
	}
}

// BenchmarkMovesOn100000AgainstBareSQLite alternates between the store and a loop
// of prepared UPDATEs on a copy of its file, with the same triggers and sync.
func BenchmarkMovesOn100000AgainstBareSQLite(b *testing.B) {
	s, path := benchStore(b, 100_000)
	copied := filepath.Join(b.TempDir(), "bare.gpkg")
	if out, err := exec.Command("sqlite3", path, "VACUUM INTO '"+copied+"'").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	bare, err := sql.Open("sqlite", copied+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=recursive_triggers(1)&_pragma=temp_store(memory)&_pragma=cache_size(-65536)")
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	bare.SetMaxOpenConns(1)
	const size = 100
	loop := func() {
		tx, err := bare.Begin()
		if err != nil {
			b.Fatal(err)
		}
		st, err := tx.Prepare(`UPDATE bench SET geom = ? WHERE fid = ?`)
		if err != nil {
			b.Fatal(err)
		}
		for range size {
			g := place().FlatCoords()
			if _, err := st.Exec(gpkg.PointBlob(g[0], g[1]), 1+rand.IntN(100_000)); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	var ours, theirs time.Duration
	b.ResetTimer()
	for range b.N {
		edits := make([]layers.Edit, size)
		for i := range edits {
			edits[i] = move(fmt.Sprint("f", rand.IntN(100_000)))
		}
		start := time.Now()
		if _, err := s.Apply(context.Background(), layers.Actor{}, "bench", edits); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(start)
		start = time.Now()
		loop()
		theirs += time.Since(start)
	}
	b.ReportMetric(float64(b.N*size)/ours.Seconds(), "edits/s")
	b.ReportMetric(float64(b.N*size)/theirs.Seconds(), "bare/s")
	b.ReportMetric(100*theirs.Seconds()/ours.Seconds(), "%ofbare")
}

func BenchmarkSingleFeatureCallsOf16Clients(b *testing.B) {
	s, _ := benchStore(b, 5000)
	const clients = 16
	var left atomic.Int64
	left.Store(int64(b.N))
	done := make(chan error, clients)
	b.ResetTimer()
	for range clients {
		go func() {
			for left.Add(-1) >= 0 {
				if _, err := s.Apply(context.Background(), layers.Actor{}, "bench", []layers.Edit{move(fmt.Sprint("f", rand.IntN(5000)))}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range clients {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
