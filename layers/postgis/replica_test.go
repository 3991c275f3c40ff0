package postgis_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/postgis"
)

// onReplica is the URL of a database on its replica.
func onReplica(url string, primary, replica *pgtest.Server) string {
	return strings.Replace(url, primary.Addr(), replica.Addr(), 1)
}

func TestAReplicaAnswersAsLongAsItIsNotBehindWhatWasTold(t *testing.T) {
	primary := pgtest.Cluster(t)
	url := primary.Database(t)
	second := primary.Replica(t)
	replica := onReplica(url, primary, second)
	s, err := postgis.Open(t.Context(), url, postgis.Options{Replica: replica})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	define(t, s, layer("l", layers.Point, layers.Attribute{Name: "n", Type: layers.Integer}))
	put := func(n int) {
		t.Helper()
		apply(t, s, "l", layers.Edit{Op: layers.Put, ID: "a", Properties: map[string]any{"n": n}})
	}
	// reads, all four ways, what was written before.
	reads := func(n int) {
		t.Helper()
		f, _, err := s.As(layers.Owner).Feature(t.Context(), "l", "a")
		if err != nil || f.Properties["n"] != int64(n) {
			t.Fatalf("want %d: %+v, %v", n, f, err)
		}
		if f := one(t, s, "l"); f.Properties["n"] != int64(n) {
			t.Fatalf("want %d: %+v", n, f)
		}
		for f, err := range s.As(layers.Owner).Scan(t.Context(), "l", layers.Range{}) {
			if err != nil || f.Properties["n"] != int64(n) {
				t.Fatalf("want %d: %+v, %v", n, f, err)
			}
		}
		b, err := s.As(layers.Owner).Aggregate(t.Context(), layers.AggregateQuery{Layer: "l", GroupBy: "n"})
		if err != nil || len(b) != 1 || b[0].Key != int64(n) {
			t.Fatalf("want %d: %+v, %v", n, b, err)
		}
	}
	// read is how many rows of the layer's table were read on the replica.
	read := func() int64 {
		return value[int64](t, replica, "SELECT pg_stat_get_tuples_returned('layers.l'::regclass) + pg_stat_get_tuples_fetched('layers.l'::regclass)")
	}
	put(1)
	before := read()
	for deadline := time.Now().Add(20 * time.Second); read() == before; time.Sleep(20 * time.Millisecond) {
		reads(1)
		if time.Now().After(deadline) {
			t.Fatal("the replica is not asked")
		}
	}
	// A replica that stands still is left alone as soon as it is behind.
	sql(t, replica, "SELECT pg_wal_replay_pause()")
	for n := 2; n < 20; n++ {
		put(n)
		reads(n)
	}
	sql(t, replica, "SELECT pg_wal_replay_resume()")
	// So is one that is gone; nobody notices.
	second.Stop(t, pgtest.Immediate)
	put(20)
	reads(20)
	second.Start(t)
	put(21)
	before = read()
	for deadline := time.Now().Add(20 * time.Second); read() <= before; time.Sleep(20 * time.Millisecond) {
		reads(21)
		if time.Now().After(deadline) {
			t.Fatal("the replica is not asked again")
		}
	}
}

func TestReadsBesideWritesNeverGoBehindWhatWasToldWithAReplica(t *testing.T) {
	primary := pgtest.Cluster(t)
	url := primary.Database(t)
	replica := primary.Replica(t)
	s, err := postgis.Open(t.Context(), url, postgis.Options{Replica: onReplica(url, primary, replica)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	define(t, s, layer("l", layers.Point, layers.Attribute{Name: "n", Type: layers.Integer}))
	apply(t, s, "l", layers.Edit{Op: layers.Put, ID: "a", Properties: map[string]any{"n": 0}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	for range 3 {
		all.Go(func() {
			var told layers.Position // every change is one of this feature
			for ctx.Err() == nil {
				f, at, err := s.As(layers.Owner).Feature(t.Context(), "l", "a")
				if err != nil || at < told || f.Version < at {
					t.Errorf("version %d at %d after %d: %v", f.Version, at, told, err)
					return
				}
				told = at
			}
		})
	}
	for n := int64(1); ctx.Err() == nil; n++ {
		r := apply(t, s, "l", layers.Edit{Op: layers.Put, ID: "a", Properties: map[string]any{"n": n}})
		if f, at, err := s.As(layers.Owner).Feature(t.Context(), "l", "a"); err != nil || at < r.Cursor.Position || fmt.Sprint(f.Properties["n"]) != fmt.Sprint(n) {
			t.Fatalf("wrote %d at %d, read %v at %d, %v", n, r.Cursor.Position, f, at, err)
		}
	}
}
