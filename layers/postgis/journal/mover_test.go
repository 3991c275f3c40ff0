package journal_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/postgis/journal"
)

func TestNodesThatStartAtOncePrepareTheSchemaOnce(t *testing.T) {
	url := pgtest.Database(t)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	var g sync.WaitGroup
	for range 4 {
		g.Go(func() {
			err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return journal.Prepare(t.Context(), tx) })
			if err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
}

func TestAnOpenTransactionDelaysOnlyItsOwnRows(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	slow, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Rollback(context.Background()) }()
	if _, err := slow.Exec(t.Context(), "INSERT INTO stations VALUES (1, 'slow')"); err != nil {
		t.Fatal(err)
	}
	for i := 2; i < 12; i++ { // each is looked for with the snapshot of the one before
		s.exec("INSERT INTO stations VALUES ($1, 'quick')", i)
		s.expect("meanwhile", fmt.Sprintf(`put %d - {"level":null,"name":"quick"}`, i))
	}
	if err := slow.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.expect("the slow one", `put 1 - {"level":null,"name":"slow"}`)
}

func TestWhatWasWrittenWhileNobodyMovedIsMovedInOrder(t *testing.T) {
	s := ready(t, pgtest.Database(t), journal.Options{})
	s.at = s.head()
	s.makeStations()
	s.exec("INSERT INTO stations VALUES (1, 'a')")
	s.exec("UPDATE stations SET name = 'b'")
	s.exec("INSERT INTO stations VALUES (2, 'x')")
	stop := runJournal(t, s.j)
	s.expect("first", `put 1 - {"level":null,"name":"a"}`, `put 1 {"level":null,"name":"a"} {"level":null,"name":"b"}`, `put 2 - {"level":null,"name":"x"}`)
	stop()
	s.exec("DELETE FROM stations WHERE id = 1")
	runJournal(t, s.j)
	s.expect("second", `delete 1 {"level":null,"name":"b"} -`)
}

func TestAnotherNodeTakesOverWhenTheMoversConnectionIsKilled(t *testing.T) {
	a := start(t, journal.Options{})
	a.makeStations()
	b := ready(t, a.url, journal.Options{})
	b.run()
	kill := func() {
		t.Helper()
		for {
			var n int
			err := a.pool.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'onemap mover' AND datname = current_database()`).Scan(&n)
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	const n = 200
	written := make(chan struct{})
	go func() {
		defer close(written)
		for i := range n {
			a.exec("INSERT INTO stations VALUES ($1, 'a')", i)
			time.Sleep(2 * time.Millisecond)
		}
	}()
	for range 3 {
		time.Sleep(50 * time.Millisecond)
		kill()
	}
	<-written
	for node, s := range map[string]*site{"A": a, "B": b} {
		s.at.Position = 0
		var keys []string
		for _, e := range s.moved() {
			keys = append(keys, e.Key)
		}
		if len(keys) != n {
			t.Fatalf("node %s reads %d changes", node, len(keys))
		}
		for i, k := range keys {
			if k != fmt.Sprint(i) {
				t.Fatalf("node %s reads %s at place %d", node, k, i)
			}
		}
	}
}

func TestOneNodeLeadsAndTheOtherIsWokenByIt(t *testing.T) {
	a := start(t, journal.Options{})
	a.makeStations()
	a.moved() // by A: there is nobody else yet
	b := ready(t, a.url, journal.Options{})
	b.run()
	a.moved()
	if !a.j.Stats().Leader || b.j.Stats().Leader {
		t.Fatalf("A leads: %v, B: %v", a.j.Stats().Leader, b.j.Stats().Leader)
	}
	woken := make(chan error, 1)
	at := b.head()
	go func() { woken <- b.j.Wait(t.Context(), at.Position) }()
	a.exec("INSERT INTO stations VALUES (1)")
	if err := <-woken; err != nil {
		t.Fatal(err)
	}
	a.stop()
	b.expect("by B", `put 1 - {"level":null,"name":null}`)
	if a.j.Stats().Leader || !b.j.Stats().Leader {
		t.Errorf("after A stopped, A leads: %v, B: %v", a.j.Stats().Leader, b.j.Stats().Leader)
	}
}

func TestACursorOutsideTheLogIsExpired(t *testing.T) {
	s := start(t, journal.Options{})
	s.moved()
	head := s.head()
	if entries, err := s.j.Read(t.Context(), head, 10); err != nil || len(entries) != 0 {
		t.Errorf("at the head: %v, %v", entries, err)
	}
	for what, c := range map[string]layers.Cursor{"no epoch": {Position: head.Position}, "another epoch": {Epoch: "x", Position: head.Position}, "ahead": {Epoch: head.Epoch, Position: head.Position + 1}} {
		if _, err := s.j.Read(t.Context(), c, 10); layers.CodeOf(err) != layers.Expired {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestTheLogIsTrimmedByDroppingWhatIsOldAndSaysSo(t *testing.T) {
	s := start(t, journal.Options{Retention: journal.Retention{Changes: 80}})
	s.makeStations()
	first := s.head()
	deadline := time.Now().Add(20 * time.Second)
	for {
		for range 20 {
			s.exec("INSERT INTO stations SELECT coalesce(max(id), 0) + 1 FROM stations")
		}
		s.moved()
		_, err := s.j.Read(t.Context(), first, 10)
		if layers.CodeOf(err) == layers.Expired && err != nil {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("the log is not trimmed")
		}
		time.Sleep(100 * time.Millisecond)
	}
	var floor, rows int64
	if err := s.pool.QueryRow(t.Context(), "SELECT floor, (SELECT count(*) FROM onemap.log) FROM onemap.state").Scan(&floor, &rows); err != nil {
		t.Fatal(err)
	}
	entries, err := s.j.Read(t.Context(), layers.Cursor{Epoch: first.Epoch, Position: layers.Position(floor)}, 1_000_000)
	if err != nil || len(entries) < 80 || entries[0].Position != layers.Position(floor)+1 {
		t.Errorf("%d entries after the floor, %v", len(entries), err)
	}
}

func TestALongAbsenceBoundsTheOutboxAndStartsANewEpoch(t *testing.T) {
	s := start(t, journal.Options{Outbox: 100})
	s.makeStations()
	s.exec("INSERT INTO stations VALUES (0, 'kept')")
	s.moved()
	before := s.head()
	s.stop()
	// One that is open all the time, and one whose snapshot is older than the lease's extension.
	slow, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Rollback(context.Background()) }()
	old, err := s.pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Rollback(context.Background()) }()
	if _, err := old.Exec(t.Context(), "SELECT 1 FROM stations"); err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		s.exec("INSERT INTO stations VALUES ($1, 'away')", i+1)
	}
	if _, err := slow.Exec(t.Context(), "INSERT INTO stations VALUES (1000, 'slow')"); err != nil {
		t.Fatal(err)
	}
	var waiting, missed int
	if err := s.pool.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM onemap.outbox), (SELECT count(*) FROM onemap.missed)").Scan(&waiting, &missed); err != nil {
		t.Fatal(err)
	}
	if waiting > 100 || missed == 0 || missed > 10 {
		t.Errorf("%d changes wait, %d are said to be missed", waiting, missed)
	}
	s.run()
	epoch := s.newEpoch(before.Epoch)
	if _, err := s.j.Read(t.Context(), before, 10); layers.CodeOf(err) != layers.Expired {
		t.Errorf("the old epoch: %v", err)
	}
	if s.at = s.head(); s.at.Position <= before.Position {
		t.Errorf("the epoch begins at %d, the one before ended at %d", s.at.Position, before.Position)
	}
	s.moved()
	s.exec("UPDATE stations SET name = 'here' WHERE id = 0")
	s.expect("captured again", `put 0 {"level":null,"name":"kept"} {"level":null,"name":"here"}`)
	late := func(tx pgx.Tx, id int) {
		if _, err := tx.Exec(t.Context(), "INSERT INTO stations VALUES ($1, 'late')", id); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	late(old, 1001)
	s.expect("of an old snapshot", `put 1001 - {"level":null,"name":"late"}`)
	late(slow, 1002)
	s.newEpoch(epoch) // what slow wrote unseen starts one more
}

// newEpoch waits for the epoch to end and returns the next.
func (s *site) newEpoch(old string) string {
	s.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if epoch := s.head().Epoch; epoch != old {
			return epoch
		}
	}
	s.Fatal("no new epoch began")
	return ""
}

func TestARestoredDatabaseIsANewEpoch(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	s.exec("INSERT INTO stations VALUES (1, 'a')")
	s.moved()
	before := s.head()
	s.stop()
	s.exec("UPDATE stations SET name = 'waits'")
	s.pool.Close()
	restored := "copy_of_" + s.name()
	admin := connect(t, pgtest.Database(t))
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+restored+" TEMPLATE "+s.name()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = admin.Exec(context.Background(), "DROP DATABASE "+restored+" WITH (FORCE)") })
	r := ready(t, s.urlOf(restored), journal.Options{})
	r.run()
	epoch := r.newEpoch(before.Epoch)
	r.at = r.head()
	r.eventually("reset")
	r.exec("UPDATE stations SET name = 'b'")
	r.expect("captured in the copy", `put 1 {"level":null,"name":"waits"} {"level":null,"name":"b"}`)
	r.stop()
	r.run()
	r.moved()
	if got := r.head().Epoch; got != epoch {
		t.Errorf("a restart of onemap alone starts epoch %s after %s", got, epoch)
	}
}

func TestAPublicationOfAllTablesDoesNotStopTheMover(t *testing.T) {
	s := start(t, journal.Options{})
	s.exec("CREATE PUBLICATION everything FOR ALL TABLES")
	s.makeStations()
	s.exec("INSERT INTO stations VALUES (1)")
	s.exec("DELETE FROM stations")
	s.expect("published", `put 1 - {"level":null,"name":null}`, `delete 1 {"level":null,"name":null} -`)
	s.exec("TRUNCATE stations")
	s.expect("published", "reset")
	s.stop()
	s.exec("SELECT setval('onemap.lease', 1)") // nor fail a writer who is missed
	s.exec("INSERT INTO stations VALUES (1)")
	s.exec("INSERT INTO stations VALUES (2)")
}

func TestTheMoverSurvivesARestartOfTheServer(t *testing.T) {
	server := pgtest.Cluster(t)
	s := ready(t, server.Database(t), journal.Options{})
	s.run()
	s.makeStations()
	for i := range 20 {
		s.exec("INSERT INTO stations VALUES ($1)", i)
	}
	server.Restart(t, pgtest.Immediate)
	s.pool.Reset()
	s.exec("INSERT INTO stations VALUES (20)")
	if got := len(s.moved()); got != 21 {
		t.Errorf("%d changes of 21 came", got)
	}
}

func TestTheMoverDoesNotLagWhenNothingWaits(t *testing.T) {
	s := ready(t, pgtest.Database(t), journal.Options{})
	s.makeStations()
	s.exec("INSERT INTO stations VALUES (1)")
	s.until("SELECT max(at) < clock_timestamp() - interval '20 ms' FROM onemap.outbox")
	s.run()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		stats := s.j.Stats()
		if stats.Moved == 1 && stats.Lag == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("all is moved, and it lags: %+v", stats)
		}
	}
}
