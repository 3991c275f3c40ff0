package journal_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/postgis/journal"
)

func TestAStatementOfManyRowsIsCaptured(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	s.exec("INSERT INTO stations SELECT n, 'n' || n FROM generate_series(1, 2) n")
	s.moved()
	s.exec("UPDATE stations SET level = id")
	s.expect("two rows", `put 1 {"level":null,"name":"n1"} {"level":1,"name":"n1"}`, `put 2 {"level":null,"name":"n2"} {"level":2,"name":"n2"}`)
	s.exec("UPDATE stations SET id = id - 1") // the key that one row gives up another takes
	s.expect("keys move on", `put 0 - {"level":1,"name":"n1"}`, `delete 2 {"level":2,"name":"n2"} -`, `put 1 {"level":1,"name":"n1"} {"level":2,"name":"n2"}`)
	s.exec("BEGIN; UPDATE stations SET level = 5; UPDATE stations SET level = 6; DELETE FROM stations; INSERT INTO stations VALUES (1, 'x'), (4, 'y'); COMMIT")
	s.expect("many in one transaction", `delete 0 {"level":1,"name":"n1"} -`, `put 1 {"level":2,"name":"n2"} {"level":null,"name":"x"}`, `put 4 - {"level":null,"name":"y"}`)
	s.exec("UPDATE stations SET level = 1 WHERE false; DELETE FROM stations WHERE false; INSERT INTO stations SELECT 9 WHERE false")
	s.expect("no row")
}

func TestWhatForeignKeysAndTriggersWriteIsCaptured(t *testing.T) {
	s := start(t, journal.Options{})
	s.exec("CREATE TABLE places (id int PRIMARY KEY)")
	s.exec("CREATE TABLE stations (id int PRIMARY KEY, name text, level numeric, geom geometry(Point, 4326), place int REFERENCES places ON UPDATE CASCADE ON DELETE CASCADE)")
	wanted := stations
	wanted.Columns = []string{"place"}
	s.capture(wanted)
	s.exec("INSERT INTO places VALUES (1), (2), (3)")
	s.exec("INSERT INTO stations (id, place) VALUES (1, 1), (2, 1), (3, 2)")
	s.moved()
	s.exec("UPDATE places SET id = id + 10")
	s.expect("cascading update", `put 1 {"place":1} {"place":11}`, `put 2 {"place":1} {"place":11}`, `put 3 {"place":2} {"place":12}`)
	s.exec("DELETE FROM places")
	s.expect("cascading delete", `delete 1 {"place":11} -`, `delete 2 {"place":11} -`, `delete 3 {"place":12} -`)
}

func TestAReplicasWritesAreCapturedOnce(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	s.exec("BEGIN; SET LOCAL session_replication_role = replica; INSERT INTO stations VALUES (1, 'a'), (2, 'b'); UPDATE stations SET name = 'c' WHERE id = 2; COMMIT")
	s.expect("as a replica", `put 1 - {"level":null,"name":"a"}`, `put 2 - {"level":null,"name":"c"}`)
	s.exec("UPDATE stations SET level = 1 WHERE id = 1")
	e := s.expect("as usual", `put 1 {"level":null,"name":"a"} {"level":1,"name":"a"}`)
	if e[0].Kind != layers.ChangePut {
		t.Error(e[0].Kind)
	}
}

func TestASessionThatWroteBeforeATableWasAlteredWritesOn(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	s.tx(func(tx pgx.Tx) error { // one session, whose plans were made before
		for _, sql := range []string{
			"INSERT INTO stations VALUES (1, 'a'), (2, 'b')", "UPDATE stations SET level = 1 WHERE id = 1", "UPDATE stations SET level = 2",
			"ALTER TABLE stations ADD COLUMN o text DEFAULT 'o', ADD COLUMN i text, ADD COLUMN until int, ADD COLUMN before text",
			"UPDATE stations SET level = 3 WHERE id = 1", "UPDATE stations SET level = 4", "ALTER TABLE stations DROP COLUMN o, ALTER COLUMN name TYPE varchar(9), ALTER COLUMN level TYPE float8",
			"UPDATE stations SET level = 5 WHERE id = 1", "UPDATE stations SET level = 6", "DELETE FROM stations WHERE id = 2", "INSERT INTO stations VALUES (3, 'c')",
		} {
			if _, err := tx.Exec(t.Context(), sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
		return nil
	})
	s.eventually("reset")
	for len(s.moved()) > 0 {
	}
	s.exec("UPDATE stations SET level = 7 WHERE id = 3")
	s.expect("after", `put 3 {"level":null,"name":"c"} {"level":7,"name":"c"}`)
}

func TestATableThatJoinsOthersIsCapturedByRow(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	s.exec("INSERT INTO stations VALUES (1, 'a')")
	s.moved()
	s.exec("CREATE TABLE everything (LIKE stations) PARTITION BY RANGE (id); ALTER TABLE everything ATTACH PARTITION stations FOR VALUES FROM (0) TO (100)")
	s.eventually("reset")
	s.exec("UPDATE everything SET level = 1")
	s.expect("by way of the parent", `put 1 {"level":null,"name":"a"} {"level":1,"name":"a"}`)
	s.exec("ALTER TABLE everything DETACH PARTITION stations")
	s.eventually("reset")
	s.exec("UPDATE stations SET level = 2")
	s.expect("alone again", `put 1 {"level":1,"name":"a"} {"level":2,"name":"a"}`)
	s.exec("CREATE TABLE heir () INHERITS (stations)")
	s.eventually("reset")
	s.exec("UPDATE stations SET level = 3")
	s.expect("with an heir", `put 1 {"level":2,"name":"a"} {"level":3,"name":"a"}`)
}

func TestFormatsOfTheWriterStayAsTheyWere(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	for id, role := range []string{"origin", "replica"} { // by statement, and by row
		s.tx(func(tx pgx.Tx) error {
			var formats string
			if _, err := tx.Exec(t.Context(), fmt.Sprintf("SET session_replication_role = %s; SET DateStyle = 'German, DMY'; SET IntervalStyle = 'iso_8601'; SET LOCAL extra_float_digits = 0; SET TIME ZONE -3.5; INSERT INTO stations VALUES (%d); UPDATE stations SET level = 1", role, id)); err != nil {
				return err
			}
			err := tx.QueryRow(t.Context(), "SELECT concat_ws(' ', current_setting('DateStyle'), current_setting('IntervalStyle'), current_setting('extra_float_digits'), current_setting('TimeZone'))").Scan(&formats)
			if formats != "German, DMY iso_8601 0 <-03:30>+03:30" {
				t.Errorf("%s: %s", role, formats)
			}
			_, resetErr := tx.Exec(t.Context(), "RESET session_replication_role")
			return errors.Join(err, resetErr)
		})
	}
}

func TestATableOfAnOlderVersionIsCapturedAsThisOneDoes(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	// What version 1 left: a trigger by row.
	s.exec(`DROP TRIGGER "00_onemap_insert" ON stations; DROP TRIGGER "00_onemap_update" ON stations; DROP TRIGGER "00_onemap_delete" ON stations;
		ALTER TABLE stations ENABLE ALWAYS TRIGGER "00_onemap_capture"`)
	s.exec("INSERT INTO stations VALUES (1, 'a')") // is captured either way
	s.eventually("reset")
	s.until("SELECT onemap.armed('stations'::regclass)")
	s.exec("UPDATE stations SET level = 1")
	s.expect("as this version does", `put 1 {"level":null,"name":"a"} {"level":1,"name":"a"}`)
}

func TestAStatementDuringWhichTheLeaseIsRaisedLosesNothing(t *testing.T) {
	s := ready(t, pgtest.Database(t), journal.Options{}) // nobody moves
	s.makeStations()
	// The outbox takes its time, so that the lease is raised while it is written.
	s.exec(`CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END';
		CREATE TRIGGER slowly BEFORE INSERT ON onemap.outbox FOR EACH ROW EXECUTE FUNCTION slowly(); SELECT setval('onemap.lease', 20)`)
	done := make(chan error, 1)
	go func() {
		_, err := s.pool.Exec(t.Context(), "INSERT INTO stations SELECT n FROM generate_series(1, 60) n")
		done <- err
	}()
	s.until("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')")
	s.exec("SELECT setval('onemap.lease', 1000000)")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var captured, missed int
	if err := s.pool.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM onemap.outbox WHERE op = 'I'), (SELECT count(*) FROM onemap.missed)").Scan(&captured, &missed); err != nil {
		t.Fatal(err)
	}
	if captured < 60 && missed == 0 {
		t.Errorf("%d of 60 rows were captured, and nobody is told that others were not", captured)
	}
}

func TestACastThatADepartmentDefinesIsNotRunWithOurRights(t *testing.T) {
	s := start(t, journal.Options{})
	s.exec(`CREATE TABLE loot (who text)`)
	for _, table := range []struct{ name, as string }{{"plain", ""}, {"parted", " PARTITION BY RANGE (id)"}} {
		s.exec("CREATE TABLE " + table.name + " (id int PRIMARY KEY, name text)" + table.as)
		if table.as != "" {
			s.exec("CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100)")
		}
		for _, typ := range []string{table.name, "parted_1"} {
			if typ == "parted_1" && table.as == "" {
				continue
			}
			s.exec(`CREATE FUNCTION steal(` + typ + `) RETURNS text LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.loot VALUES (current_user); RETURN NULL; END'`)
			s.exec(`CREATE CAST (` + typ + ` AS text) WITH FUNCTION steal(` + typ + `) AS ASSIGNMENT`)
		}
		s.capture(journal.Table{Layer: table.name, Schema: "public", Name: table.name, Key: "id", Columns: []string{"name"}})
		s.exec("INSERT INTO " + table.name + " VALUES (1, 'a')")
		s.exec("UPDATE " + table.name + " SET name = 'b'")
		s.exec("BEGIN; SET LOCAL session_replication_role = replica; UPDATE " + table.name + " SET name = 'c'; COMMIT")
		s.exec("DELETE FROM " + table.name)
		s.expect(table.name, `put 1 - {"name":"a"}`, `put 1 {"name":"a"} {"name":"b"}`, `put 1 {"name":"b"} {"name":"c"}`, `delete 1 {"name":"c"} -`)
	}
	var who []string
	if err := s.pool.QueryRow(t.Context(), "SELECT coalesce(array_agg(who), '{}') FROM loot").Scan(&who); err != nil || len(who) > 0 {
		t.Errorf("it ran as %v, %v", who, err)
	}
}
