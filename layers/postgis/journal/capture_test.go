package journal_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onemap/internal/pgtest"
	"onemap/layers/postgis/journal"
)

func TestEveryKindOfWriteIsCaptured(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	s.exec("INSERT INTO stations VALUES (1, '南宁', 61.50, 'SRID=4326;POINT(108 22)'), (2, NULL, NULL, NULL)")
	s.expect("insert", `put 1 - {"level":61.50,"name":"南宁"}@[108 22]`, `put 2 - {"level":null,"name":null}`)
	s.exec("UPDATE stations SET level = 62 WHERE id = 1")
	e := s.expect("update", `put 1 {"level":61.50,"name":"南宁"}@[108 22] {"level":62,"name":"南宁"}@[108 22]`)
	if e[0].OldVersion != e[0].Position-3 || e[0].Last != e[0].Position {
		t.Errorf("%+v", e[0])
	}
	s.exec("UPDATE stations SET geom = 'SRID=4326;POINT(109 23)' WHERE id = 1")
	s.expect("move", `put 1 {"level":62,"name":"南宁"}@[108 22] {"level":62,"name":"南宁"}@[109 23]`)
	s.exec("UPDATE stations SET id = 3 WHERE id = 2")
	s.expect("rekey", `delete 2 {"level":null,"name":null} -`, `put 3 - {"level":null,"name":null}`)
	s.exec("INSERT INTO stations VALUES (3, 'x'), (4, 'y') ON CONFLICT (id) DO UPDATE SET name = excluded.name")
	s.expect("upsert", `put 3 {"level":null,"name":null} {"level":null,"name":"x"}`, `put 4 - {"level":null,"name":"y"}`)
	s.exec(`MERGE INTO stations s USING (VALUES (3, NULL), (4, 'z'), (5, 'w')) v(id, name) ON s.id = v.id
		WHEN MATCHED AND v.name IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (v.id, v.name)`)
	s.expect("merge", `delete 3 {"level":null,"name":"x"} -`, `put 4 {"level":null,"name":"y"} {"level":null,"name":"z"}`, `put 5 - {"level":null,"name":"w"}`)
	s.tx(func(tx pgx.Tx) error {
		_, err := tx.CopyFrom(t.Context(), pgx.Identifier{"stations"}, []string{"id", "name"}, pgx.CopyFromRows([][]any{{6, "a"}, {7, "b"}}))
		return err
	})
	s.expect("copy", `put 6 - {"level":null,"name":"a"}`, `put 7 - {"level":null,"name":"b"}`)
	s.exec("DELETE FROM stations WHERE id > 3")
	s.expect("delete", `delete 4 {"level":null,"name":"z"} -`, `delete 5 {"level":null,"name":"w"} -`, `delete 6 {"level":null,"name":"a"} -`, `delete 7 {"level":null,"name":"b"} -`)
	s.exec("TRUNCATE stations")
	s.expect("truncate", "reset")
}

func TestWhatATransactionUndoesIsNotTold(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	tx, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"INSERT INTO stations VALUES (1, 'a'), (2, 'b'), (3, 'c')", "SAVEPOINT x", "UPDATE stations SET name = 'lost'", "DELETE FROM stations WHERE id = 3",
		"ROLLBACK TO x", "SAVEPOINT y", "UPDATE stations SET name = 'kept' WHERE id = 2", "RELEASE y", "DELETE FROM stations WHERE id = 1",
	} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	s.expect("still open")
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.expect("savepoints", `put 3 - {"level":null,"name":"c"}`, `put 2 - {"level":null,"name":"kept"}`)

	if tx, err = s.pool.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "DELETE FROM stations"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.expect("rollback")

	var xid uint64
	s.tx(func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "INSERT INTO stations VALUES (9, 'nothing')"); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), "WITH d AS (DELETE FROM stations WHERE id = 9) SELECT pg_current_xact_id()").Scan(&xid)
	})
	if placed, err := s.j.Moved(t.Context(), xid); err != nil || len(placed) != 0 {
		t.Errorf("an insert that was undone became %v, %v", placed, err)
	}
	s.expect("undone")
}

func TestChangesOfAKeyWithinATransactionAreFolded(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	s.exec("INSERT INTO stations VALUES (1, 'a'), (2, 'b')")
	s.moved()
	s.exec("BEGIN; UPDATE stations SET name = 'x' WHERE id = 1; UPDATE stations SET name = 'y' WHERE id = 1; UPDATE stations SET name = 'z' WHERE id = 1; COMMIT")
	s.expect("updates", `put 1 {"level":null,"name":"a"} {"level":null,"name":"z"}`)
	s.exec("BEGIN; UPDATE stations SET id = 9 WHERE id = 1; UPDATE stations SET id = 1 WHERE id = 2; UPDATE stations SET id = 2 WHERE id = 9; COMMIT")
	s.expect("keys swapped", `put 1 {"level":null,"name":"z"} {"level":null,"name":"b"}`, `put 2 {"level":null,"name":"b"} {"level":null,"name":"z"}`)
	s.exec("BEGIN; DELETE FROM stations WHERE id = 1; INSERT INTO stations VALUES (1, 'again'); COMMIT")
	s.expect("delete and insert", `put 1 {"level":null,"name":"b"} {"level":null,"name":"again"}`)
	// A department's own trigger that writes the row again: its image is the last.
	s.exec(`CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.level IS NULL THEN UPDATE stations SET level = 7 WHERE id = NEW.id; END IF; RETURN NULL; END $$;
		CREATE TRIGGER "0 first" AFTER UPDATE ON stations FOR EACH ROW EXECUTE FUNCTION stamp();
		CREATE TRIGGER stamp AFTER INSERT ON stations FOR EACH ROW EXECUTE FUNCTION stamp()`)
	s.exec("INSERT INTO stations VALUES (3, 'c')")
	s.expect("a trigger of its own", `put 3 - {"level":7,"name":"c"}`)
}

func TestKeysMayChangePlacesUnderADeferredConstraint(t *testing.T) {
	s := start(t, journal.Options{})
	s.exec("CREATE TABLE stations (id int PRIMARY KEY DEFERRABLE, name text, level numeric, geom geometry(Point, 4326))")
	s.capture(stations)
	s.exec("INSERT INTO stations VALUES (1, 'a'), (2, 'b'), (3, 'c')")
	s.moved()
	s.exec("UPDATE stations SET id = id % 3 + 1")
	s.expect("in one statement", `put 2 {"level":null,"name":"b"} {"level":null,"name":"a"}`, `put 1 {"level":null,"name":"a"} {"level":null,"name":"c"}`, `put 3 {"level":null,"name":"c"} {"level":null,"name":"b"}`)
	// One transaction takes a key before the other, which it will wait for, has given it up.
	first, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Rollback(context.Background()) }()
	if _, err := first.Exec(t.Context(), "DELETE FROM stations WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	s.stop()
	second := make(chan error, 1)
	go func() {
		second <- pgx.BeginFunc(context.Background(), s.pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(context.Background(), "SET CONSTRAINTS ALL DEFERRED; INSERT INTO stations VALUES (1, 'new')")
			return err
		})
	}()
	s.until("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
	if _, err := first.Exec(t.Context(), "UPDATE stations SET level = 0 WHERE id = 3"); err != nil {
		t.Fatal(err)
	}
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-second; err != nil {
		t.Fatal(err)
	}
	at := s.at
	s.run()
	s.at = at
	s.eventually("reset") // their ids are no order: who reads it again is right
}

// until waits for a condition of the database.
func (s *site) until(sql string) {
	s.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var ok bool
		if err := s.pool.QueryRow(s.Context(), sql).Scan(&ok); err != nil {
			s.Fatal(err)
		} else if ok {
			return
		}
	}
	s.Fatalf("never came true: %s", sql)
}

func TestPartitionsAreCaptured(t *testing.T) {
	s := start(t, journal.Options{})
	s.exec(`CREATE TABLE stations (id int, name text, level numeric, geom geometry(Point, 4326)) PARTITION BY RANGE (id);
		CREATE TABLE low PARTITION OF stations FOR VALUES FROM (0) TO (100)`)
	s.capture(stations)
	s.exec("INSERT INTO stations VALUES (1, 'a'); UPDATE low SET name = 'direct' WHERE id = 1")
	s.expect("direct write", `put 1 - {"level":null,"name":"direct"}`)
	// Made like ours, but with its columns in another order.
	s.exec(`CREATE TABLE high (geom geometry(Point, 4326), level numeric, extra int, name text, id int); ALTER TABLE high DROP COLUMN extra;
		INSERT INTO high (id, name) VALUES (100, 'before')`)
	s.exec("ALTER TABLE stations ATTACH PARTITION high FOR VALUES FROM (100) TO (200)")
	s.eventually("reset") // its rows came unseen
	s.exec("INSERT INTO high (id, name) VALUES (101, 'after')")
	s.expect("attached later", `put 101 - {"level":null,"name":"after"}`)
	s.exec("UPDATE stations SET id = 102 WHERE id = 1")
	s.expect("row moves to another partition", `delete 1 {"level":null,"name":"direct"} -`, `put 102 - {"level":null,"name":"direct"}`)
	s.exec("TRUNCATE high")
	s.expect("truncate of a partition attached later", "reset")
	s.exec("CREATE TABLE top PARTITION OF stations FOR VALUES FROM (200) TO (300); INSERT INTO stations VALUES (200, 'new')")
	s.eventually("reset")
	s.exec("ALTER TABLE stations DETACH PARTITION top")
	s.eventually("reset")
	s.exec("INSERT INTO top VALUES (201)")
	s.expect("a partition that left")
}

// eventually reads until the wanted entry comes, as what upkeep finds does.
func (s *site) eventually(want string) {
	s.Helper()
	var got []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for _, e := range s.moved() {
			if got = append(got, brief(e)); brief(e) == want {
				return
			}
		}
	}
	s.Fatalf("no %q came, but %q", want, got)
}

func TestLogicalReplicationsApplyWorkerIsCaptured(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	source := ready(t, pgtest.Database(t), journal.Options{})
	source.exec(`CREATE TABLE stations (id int PRIMARY KEY, name text, level numeric, geom geometry(Point, 4326)); CREATE PUBLICATION onemap_test FOR TABLE stations`)
	slot := "onemap_" + source.name()
	source.exec("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", slot)
	s.exec(fmt.Sprintf("CREATE SUBSCRIPTION onemap_test CONNECTION '%s' PUBLICATION onemap_test WITH (create_slot = false, slot_name = %s)", source.url, slot))
	defer func() {
		s.exec("ALTER SUBSCRIPTION onemap_test DISABLE")
		s.exec("DROP SUBSCRIPTION onemap_test")
	}()
	source.exec("INSERT INTO stations VALUES (1, 'a', 1, 'SRID=4326;POINT(108 22)')")
	s.eventually(`put 1 - {"level":1,"name":"a"}@[108 22]`)
	source.exec("UPDATE stations SET name = 'b'")
	s.eventually(`put 1 {"level":1,"name":"a"}@[108 22] {"level":1,"name":"b"}@[108 22]`)
	source.exec("TRUNCATE stations")
	s.eventually("reset")
}

func TestARoleWithoutRightsOnOurSchemaStillWritesItsTable(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	role := "writer_" + s.name()
	s.exec(fmt.Sprintf("CREATE ROLE %[1]s LOGIN PASSWORD 'secret'; GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON stations TO %[1]s; GRANT CREATE ON DATABASE %[2]s TO %[1]s", role, s.name()))
	t.Cleanup(func() { s.exec(fmt.Sprintf("DROP OWNED BY %[1]s; DROP ROLE %[1]s", role)) })
	w := &site{TB: t, pool: connect(t, pgtest.As(s.url, role, "secret"))}
	if _, err := w.pool.Exec(t.Context(), "SELECT 1 FROM onemap.outbox"); err == nil {
		t.Error("the role reads the outbox")
	}
	// Functions and tables that lie in wait where the role can put them.
	w.exec(`CREATE SCHEMA AUTHORIZATION ` + role)
	w.exec(`CREATE FUNCTION pg_current_xact_id() RETURNS xid8 LANGUAGE plpgsql AS $$ BEGIN RAISE 'attacked'; END $$;
		CREATE FUNCTION current_setting(text, boolean) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'attacked'; END $$;
		CREATE TEMP TABLE outbox (id int); CREATE TEMP TABLE pg_class (id int);
		SET search_path = pg_temp, ` + role + `, pg_catalog, public`)
	w.exec(`SET DateStyle = 'German'; SET extra_float_digits = -10; SET IntervalStyle = 'sql_standard'; SET onemap.actor = '水利厅'`)
	w.exec("INSERT INTO public.stations VALUES (1, 'a')")
	e := s.expect("as a role without rights", `put 1 - {"level":null,"name":"a"}`)
	if len(e) != 1 || e[0].Actor != "水利厅" {
		t.Errorf("%+v", e)
	}
	w.exec("TRUNCATE public.stations")
	s.expect("truncate", "reset")
}

// connect makes a pool of one connection, so that settings and temporary tables stay.
func connect(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 1
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}
