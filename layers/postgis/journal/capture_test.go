package journal_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"onemap/layers/postgis/journal"
)

func TestEveryKindOfWriteIsCaptured(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	s.exec("INSERT INTO stations VALUES (1, '南宁', 61.50, 'SRID=4326;POINT(108 22)'), (2, NULL, NULL, NULL)")
	s.expect("insert", `put 1 - {"level":61.5,"name":"南宁"}@[108 22]`, `put 2 - {"level":null,"name":null}`)
	s.exec("UPDATE stations SET level = 62 WHERE id = 1")
	e := s.expect("update", `put 1 {"level":61.5,"name":"南宁"}@[108 22] {"level":62,"name":"南宁"}@[108 22]`)
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
