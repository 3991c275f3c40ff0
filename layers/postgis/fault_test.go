package postgis_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/postgis"
)

// unavailable expects an error that the API answers as 503, whose message names the cause.
func unavailable(t *testing.T, err error, cause string) {
	t.Helper()
	if layers.CodeOf(err) != layers.Unavailable || err == nil || !strings.Contains(err.Error(), cause) {
		t.Errorf("the error is %v (%v), want unavailable: %s", err, errors.Unwrap(err), cause)
	}
}

// recovers waits until the store answers again, by itself.
func recovers(t *testing.T, s layers.Store, layer string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err := s.As(layers.Owner).Query(t.Context(), layers.Query{Layer: layer, Limit: 1})
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not recover: %v", err)
		}
	}
}

func parameter(t *testing.T, dbURL, name, value string) string {
	t.Helper()
	u, err := url.Parse(dbURL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestAServerThatDiesAndComesBackCostsNothingThatWasAcknowledged(t *testing.T) {
	server := pgtest.Cluster(t, "fsync=on")
	dbURL := server.Database(t)
	s := open(t, dbURL)
	at := define(t, s, layer("l", layers.Point, layers.Attribute{Name: "n", Type: layers.Integer}))
	ctx, stop := context.WithCancel(t.Context())
	acknowledged := make(chan map[string]int64)
	go func() { // a writer that goes on, whatever happens
		done := map[string]int64{}
		for i := int64(0); ctx.Err() == nil; i++ {
			id := fmt.Sprint(i % 7)
			_, err := s.Apply(ctx, me, "l", []layers.Edit{{Op: layers.Put, ID: id, Properties: map[string]any{"n": i}}})
			if err == nil {
				done[id] = i
			} else if layers.CodeOf(err) != layers.Unavailable {
				t.Errorf("%v: %v", err, errors.Unwrap(err))
			}
		}
		acknowledged <- done
	}()
	time.Sleep(300 * time.Millisecond)
	server.Stop(t, pgtest.Immediate)
	_, _, err := s.As(layers.Owner).Feature(t.Context(), "l", "0")
	unavailable(t, err, "the database does not answer")
	server.Start(t)
	recovers(t, s, "l")
	sql(t, dbURL, "INSERT INTO layers.l (id, n) VALUES ('after', 1)")
	time.Sleep(300 * time.Millisecond)
	stop()
	done := <-acknowledged
	if len(done) == 0 {
		t.Fatal("nothing was ever acknowledged")
	}
	// The log leads to what the table holds, and that is no less than was acknowledged.
	last := apply(t, s, "l", layers.Edit{Op: layers.Put, ID: "end"}).Cursor
	replica := map[string]*layers.Feature{}
	for at.Position < last.Position {
		for _, ch := range next(t, s, at) {
			if ch.Position != at.Position+1 {
				t.Fatalf("position %d follows %d", ch.Position, at.Position)
			}
			at.Position, replica[ch.ID] = ch.Position, ch.New
		}
	}
	if replica["after"] == nil {
		t.Error("what was written after the restart is missing")
	}
	for id, n := range done {
		f, _, err := s.As(layers.Owner).Feature(t.Context(), "l", id)
		if err != nil || f.Properties["n"].(int64) < n || replica[id] == nil || replica[id].Properties["n"] != f.Properties["n"] {
			t.Errorf("%s was acknowledged at %d, is %+v, in the log %+v (%v)", id, n, f, replica[id], err)
		}
	}
}

func TestKilledConnectionsAreReplaced(t *testing.T) {
	dbURL := pgtest.Database(t)
	s := open(t, dbURL)
	at := define(t, s, layer("l", layers.Point))
	for range 3 {
		sql(t, dbURL, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		recovers(t, s, "l")
		sql(t, dbURL, "INSERT INTO layers.l DEFAULT VALUES") // moved by whoever is the mover then
		for _, ch := range next(t, s, at) {
			at.Position = ch.Position
		}
	}
}

func TestAnExhaustedPoolMakesRequestsWaitNotFail(t *testing.T) {
	dbURL := pgtest.Database(t)
	s, err := postgis.Open(t.Context(), dbURL, postgis.Options{Connections: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	define(t, s, layer("l", layers.Point))
	apply(t, s, "l", layers.Edit{Op: layers.Create}, layers.Edit{Op: layers.Create}, layers.Edit{Op: layers.Create})
	// Two scans that nobody reads on hold both connections.
	block, held := make(chan struct{}), make(chan struct{}, 2)
	ended := make(chan error, 2)
	for range 2 {
		go func() {
			first := true
			var failed error
			for _, err := range s.As(layers.Owner).Scan(t.Context(), "l", layers.Range{}) {
				failed = errors.Join(failed, err)
				if first {
					first = false
					held <- struct{}{}
					<-block
				}
			}
			ended <- failed
		}()
	}
	<-held
	<-held
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err = s.As(layers.Owner).Feature(short, "l", "1")
	unavailable(t, err, "the request ended before the answer")
	close(block)
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	recovers(t, s, "l")
}

func TestAStatementThatRunsIntoItsTimeLimitSaysSo(t *testing.T) {
	dbURL := pgtest.Database(t)
	s := open(t, parameter(t, dbURL, "statement_timeout", "200"))
	define(t, s, layer("l", layers.Point))
	locked := make(chan struct{})
	release := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		holdLock(t, dbURL, "layers.l", locked, release)
	}()
	<-locked
	_, err := s.As(layers.Owner).Query(t.Context(), layers.Query{Layer: "l", Limit: 1})
	unavailable(t, err, "time limit")
	_, err = s.Apply(t.Context(), me, "l", []layers.Edit{{Op: layers.Create}})
	unavailable(t, err, "time limit")
	close(release)
	<-done
	recovers(t, s, "l")
	apply(t, s, "l", layers.Edit{Op: layers.Create})
}

func TestATableThatIsDroppedBelowUsHarmsOnlyItsLayer(t *testing.T) {
	dbURL := pgtest.Database(t)
	s := open(t, dbURL)
	define(t, s, layer("gone", layers.Point, layers.Attribute{Name: "n", Type: layers.Integer}))
	define(t, s, layer("stays", layers.Point))
	apply(t, s, "gone", layers.Edit{Op: layers.Create})
	apply(t, s, "stays", layers.Edit{Op: layers.Create})
	sql(t, dbURL, "DROP TABLE layers.gone")
	const cause = "the table was dropped or altered in the database"
	_, err := s.As(layers.Owner).Query(t.Context(), layers.Query{Layer: "gone", Limit: 1})
	unavailable(t, err, cause)
	_, err = s.Apply(t.Context(), me, "gone", []layers.Edit{{Op: layers.Create}})
	unavailable(t, err, cause)
	for _, err := range s.As(layers.Owner).Scan(t.Context(), "gone", layers.Range{}) {
		unavailable(t, err, cause)
	}
	entries, _, err := s.As(layers.Owner).Layers(t.Context())
	if err != nil || len(entries) != 2 || entries[1].Status.Count != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	apply(t, s, "stays", layers.Edit{Op: layers.Create})
	if _, err := s.DropLayer(t.Context(), me, "gone"); err != nil {
		t.Fatal(err)
	}
	define(t, s, layer("gone", layers.Point))
	apply(t, s, "gone", layers.Edit{Op: layers.Create})
}

func TestARightThatIsTakenAwayIsNamedAndGivenBackWorks(t *testing.T) {
	dbURL := pgtest.Database(t)
	role := "onemap_role_" + fmt.Sprint(time.Now().UnixNano())
	sql(t, dbURL, "CREATE ROLE "+role+" LOGIN PASSWORD 'secret'", "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO "+role+"', current_database()); END $$")
	t.Cleanup(func() { dropRole(t, dbURL, role) })
	s := open(t, pgtest.As(dbURL, role, "secret"))
	define(t, s, layer("l", layers.Point))
	sql(t, dbURL, "REVOKE ALL ON layers.l FROM "+role)
	_, err := s.As(layers.Owner).Query(t.Context(), layers.Query{Layer: "l", Limit: 1})
	unavailable(t, err, "lacks a right")
	sql(t, dbURL, "GRANT ALL ON layers.l TO "+role)
	recovers(t, s, "l")
}
