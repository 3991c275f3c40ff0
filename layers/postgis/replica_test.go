package postgis_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
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
		b, err := s.As(layers.Owner).Aggregate(t.Context(), layers.AggregateQuery{Layer: "l", GroupBy: []string{"n"}})
		if err != nil || len(b) != 1 || b[0].Keys[0] != int64(n) {
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

// proxy passes connections on, until it is told to fall silent.
type proxy struct {
	net.Listener
	silent atomic.Bool   // nothing passes
	secret atomic.Value  // a connection that asks for this falls silent
	end    chan struct{} // with the test
}

func throughProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, end: make(chan struct{})}
	p.secret.Store("")
	var all sync.WaitGroup
	t.Cleanup(func() { close(p.end); _ = l.Close(); all.Wait() })
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			var hangs atomic.Bool
			pass := func(from, to net.Conn) {
				defer to.Close()
				b := make([]byte, 64<<10)
				for {
					n, err := from.Read(b)
					if secret := p.secret.Load().(string); secret != "" && bytes.Contains(b[:n], []byte(secret)) {
						hangs.Store(true)
					}
					for p.silent.Load() || hangs.Load() {
						select {
						case <-p.end:
							return
						case <-time.After(5 * time.Millisecond):
						}
					}
					if _, writeErr := to.Write(b[:n]); err != nil || writeErr != nil {
						return
					}
				}
			}
			all.Go(func() { pass(client, server) })
			all.Go(func() { pass(server, client) })
			all.Go(func() { <-p.end; _ = client.Close(); _ = server.Close() })
		}
	})
	return p
}

func TestAReplicaThatHangsDoesNotTakeReadsDown(t *testing.T) {
	primary := pgtest.Cluster(t)
	url := primary.Database(t)
	second := primary.Replica(t)
	p := throughProxy(t, second.Addr())
	s, err := postgis.Open(t.Context(), url, postgis.Options{Replica: strings.Replace(url, primary.Addr(), p.Addr().String(), 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	define(t, s, layer("l", layers.Point, layers.Attribute{Name: "n", Type: layers.Integer}))
	apply(t, s, "l", layers.Edit{Op: layers.Put, ID: "a", Properties: map[string]any{"n": 1}})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	reads := func() {
		t.Helper()
		if f, _, err := s.As(layers.Owner).Feature(ctx, "l", "a"); err != nil || f.Properties["n"] != int64(1) {
			t.Fatalf("%+v, %v", f, err)
		}
	}
	scans := func() {
		t.Helper()
		n := 0
		for f, err := range s.As(layers.Owner).Scan(ctx, "l", layers.Range{}) {
			if n++; err != nil || f.ID != "a" {
				t.Fatalf("%+v, %v", f, err)
			}
		}
		if n != 1 {
			t.Fatalf("%d features", n)
		}
	}
	asked := func() {
		t.Helper()
		read := func() int64 {
			return value[int64](t, onReplica(url, primary, second), "SELECT pg_stat_get_tuples_returned('layers.l'::regclass) + pg_stat_get_tuples_fetched('layers.l'::regclass)")
		}
		for before := read(); read() == before; time.Sleep(20 * time.Millisecond) {
			if scans(); ctx.Err() != nil {
				t.Fatal("the replica is not asked")
			}
		}
	}
	asked()
	p.silent.Store(true)
	var all sync.WaitGroup
	for range 20 {
		all.Go(reads)
	}
	all.Wait()
	scans()
	p.silent.Store(false)
	asked()
	// It falls silent in the middle of an answer.
	for _, read := range []func(){scans, func() {
		if page, err := s.As(layers.Owner).Query(ctx, layers.Query{Layer: "l", Limit: 5}); err != nil || len(page.Features) != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
	}} {
		p.secret.Store(`FROM "layers"."l" t`)
		read()
		p.secret.Store("")
		asked()
	}
}
