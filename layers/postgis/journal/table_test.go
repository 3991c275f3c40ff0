package journal_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/postgis/journal"
)

func TestValuesOfEveryTypeComeThrough(t *testing.T) {
	s := start(t, journal.Options{})
	s.exec(`CREATE TYPE status AS ENUM ('open', '关闭'); CREATE DOMAIN percent AS numeric(5,2) CHECK (VALUE <= 100); CREATE TYPE pair AS (a int, b text);
		CREATE TABLE "Odd ""table""" ("the key" uuid PRIMARY KEY, "a""b" text, "(x.i)" status, p percent, ps status[], d date, ts timestamp, tz timestamptz, f float8, r real,
			n numeric, b boolean, j json, jb jsonb, i8 bigint, ints int[], c char(4), bits bit(3), iv interval, pr pair, raw bytea, "G" geometry)`)
	columns := []string{`a"b`, "(x.i)", "p", "ps", "d", "ts", "tz", "f", "r", "n", "b", "j", "jb", "i8", "ints", "c", "bits", "iv", "pr"}
	s.capture(journal.Table{Layer: "odd", Schema: "public", Name: `Odd "table"`, Key: "the key", Geometry: "G", SRID: 4326, Columns: columns})
	s.exec(`SET DateStyle = 'SQL, DMY'; SET extra_float_digits = 0; SET TimeZone = 'Asia/Shanghai'; SET IntervalStyle = 'iso_8601';
		INSERT INTO "Odd ""table""" VALUES ('6f9619ff-8b86-d011-b42d-00cf4fc964ff', E'q"\\,(\n)', '关闭', 99.50, '{open,关闭}', '2026-01-02', '2026-01-02 03:04:05.6', '2026-01-02 03:04:05+08',
		0.1::float8 + 0.2, 'NaN', 1e30, true, '{"a": [1, "x"]}', '{"b": null}', 9007199254740993, '{1,2}', 'ab', '101', '1 day 02:00', (1, 'x y'), '\x00', 'SRID=4326;LINESTRING Z(1 2 3,4 5 6)')`)
	s.expect("values", `put 6f9619ff-8b86-d011-b42d-00cf4fc964ff - {"(x.i)":"关闭","a\"b":"q\"\\,(\n)","b":true,"bits":"101","c":"ab  ","d":"2026-01-02","f":0.30000000000000004,"i8":9007199254740993,`+
		`"ints":[1,2],"iv":"1 day 02:00:00","j":{"a":[1,"x"]},"jb":{"b":null},"n":1000000000000000000000000000000,"p":99.50,"pr":"(1,\"x y\")","ps":["open","关闭"],"r":"NaN",`+
		`"ts":"2026-01-02T03:04:05.6","tz":"2026-01-01T19:04:05+00:00"}@[1 2 3 4 5 6]`)
	s.exec(`UPDATE "Odd ""table""" SET "G" = 'SRID=4326;CIRCULARSTRING(0 0,1 1,2 0)'`)
	e := s.moved()
	if len(e) != 1 || !strings.HasPrefix(brief(e[0])[strings.LastIndex(brief(e[0]), "@"):], "@[0 0 0.0") {
		t.Errorf("a curve became %v", e)
	}
}

func TestCoordinatesOfAnySystemBecomeLongitudeAndLatitude(t *testing.T) {
	s := start(t, journal.Options{})
	s.exec(`CREATE TABLE gk (id text PRIMARY KEY, geom geometry(Point, 4545)); CREATE TABLE bare (id text PRIMARY KEY, geom geometry); CREATE TABLE geo (id text PRIMARY KEY, geom geography(Point))`)
	for layer, srid := range map[string]int{"gk": 4545, "bare": 4490, "geo": 4326} {
		s.capture(journal.Table{Layer: layer, Schema: "public", Name: layer, Key: "id", Geometry: "geom", SRID: srid})
	}
	s.exec("INSERT INTO gk VALUES ('a', 'SRID=4545;POINT(500000 2500000)')")
	s.exec("INSERT INTO bare VALUES ('a', 'POINT(108 22)'), ('b', 'SRID=4545;POINT(1e300 1e300)'), ('c', NULL)")
	s.exec("INSERT INTO geo VALUES ('a', 'POINT(108 22)')")
	e := s.moved()
	if len(e) != 5 || !strings.HasPrefix(brief(e[0]), "put a - {}@[108") || !strings.Contains(brief(e[0]), " 22.") {
		t.Fatalf("%v", e)
	}
	for i, want := range []string{"put a - {}@[108 22]", "put b - {}", "put c - {}", "put a - {}@[108 22]"} {
		if got := brief(e[i+1]); got != want {
			t.Errorf("%d: got %q, want %q", i, got, want)
		}
	}
}

func TestATableThatIsAlteredIsResetAndThenReadAnew(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	s.exec("INSERT INTO stations VALUES (1, 'a', 5)")
	s.moved()
	// The images before and after have as many columns, of the same types.
	s.exec(`UPDATE stations SET level = 6; ALTER TABLE stations DROP COLUMN level; ALTER TABLE stations ADD COLUMN level numeric; UPDATE stations SET level = 8`)
	s.eventually("reset")
	for len(s.moved()) > 0 {
	}
	s.exec("UPDATE stations SET level = 9")
	s.expect("after", `put 1 {"level":8,"name":"a"} {"level":9,"name":"a"}`)
	s.exec("ALTER TABLE stations ALTER COLUMN level TYPE float8 USING level / 2")
	s.eventually("reset")
	s.exec("ALTER TABLE stations RENAME TO renamed; UPDATE renamed SET level = 1")
	s.expect("renamed", `put 1 {"level":4.5,"name":"a"} {"level":1,"name":"a"}`)
	s.exec("ALTER TABLE renamed DROP COLUMN name; UPDATE renamed SET level = 2")
	s.eventually("reset") // an attribute that is gone: nothing else can be said
	s.exec("DROP TABLE renamed")
	s.eventually("reset")
	s.exec("CREATE TABLE other (id int PRIMARY KEY)") // the mover lives
	s.capture(journal.Table{Layer: "other", Schema: "public", Name: "other", Key: "id"})
	s.exec("INSERT INTO other VALUES (1)")
	s.eventually("put 1 - {}")
}

func TestATableThatIsMadeAgainIsCapturedAgain(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	const columns = "(id int, name text, level numeric, geom geometry(Point, 4326))"
	for what, again := range map[string]string{
		"dropped and made at once": "DROP TABLE stations CASCADE; CREATE TABLE stations " + columns,
		"loaded beside it":         "CREATE TABLE fresh " + columns + "; ALTER TABLE stations RENAME TO former; ALTER TABLE fresh RENAME TO stations",
		"partitioned from now on":  "DROP TABLE stations CASCADE; CREATE TABLE stations " + columns + " PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF stations DEFAULT",
	} {
		s.exec("BEGIN; " + again + "; COMMIT")
		s.eventually("reset")
		for len(s.moved()) > 0 {
		}
		s.exec("INSERT INTO stations VALUES (1, 'a')")
		s.expect(what, `put 1 - {"level":null,"name":"a"}`)
		if s.exec("TRUNCATE stations"); what == "loaded beside it" {
			s.exec("INSERT INTO former VALUES (2, 'b'); DROP TABLE former")
		}
		s.expect(what+", truncated", "reset")
	}
	s.exec("DROP TABLE stations")
	s.eventually("reset")
	s.exec("CREATE VIEW stations AS SELECT 1 AS id") // nothing to capture, and no harm
	s.exec("DROP VIEW stations; CREATE TABLE stations " + columns)
	s.eventually("reset")
	s.exec("INSERT INTO stations VALUES (1, 'a')")
	s.expect("after a while", `put 1 - {"level":null,"name":"a"}`)
}

func TestTriggersThatSomebodyTookAwayComeBack(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	for _, sql := range []string{"ALTER TABLE stations DISABLE TRIGGER ALL", `DROP TRIGGER "00_onemap_capture" ON stations`, `DROP TRIGGER "00_onemap_truncate" ON stations`, "ALTER TABLE stations ENABLE TRIGGER USER"} {
		s.exec(sql)
		s.eventually("reset")
		s.exec("TRUNCATE stations")
		s.expect(sql+", truncate", "reset")
		s.exec("INSERT INTO stations VALUES (1)")
		s.expect(sql+", insert", `put 1 - {"level":null,"name":null}`)
	}
}

// traces is everything in the database that has to do with tables of the public schema.
const traces = `SELECT string_agg(x, E'\n' ORDER BY x) FROM (
	SELECT 'trigger ' || tgname || tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal
	UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace IN ('onemap'::regnamespace, 'public'::regnamespace)
	UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace IN ('onemap'::regnamespace, 'public'::regnamespace)
	UNION ALL SELECT 'captured ' || layer FROM onemap.captured) t(x)`

func TestReleaseLeavesNoTrace(t *testing.T) {
	s := start(t, journal.Options{})
	s.exec(`CREATE TABLE stations (id int, name text, level numeric, geom geometry(Point, 4326)) PARTITION BY RANGE (id);
		CREATE TABLE low PARTITION OF stations FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id); CREATE TABLE lowest PARTITION OF low DEFAULT; CREATE TABLE other PARTITION OF stations DEFAULT`)
	look := func() (found string) {
		if err := s.pool.QueryRow(t.Context(), traces).Scan(&found); err != nil {
			t.Fatal(err)
		}
		return found
	}
	before := look()
	second := stations
	second.Layer, second.Columns = "second", []string{"name"}
	s.capture(stations)
	s.capture(second)
	s.capture(stations) // again
	s.exec("INSERT INTO stations VALUES (1, 'a')")
	s.expect("two layers of one table", `put 1 - {"name":"a"}`, `put 1 - {"level":null,"name":"a"}`)
	s.tx(func(tx pgx.Tx) error { return journal.Release(t.Context(), tx, "stations") })
	s.exec("INSERT INTO stations VALUES (2, 'b')")
	s.expect("one is left", `put 2 - {"name":"b"}`)
	s.exec("INSERT INTO stations VALUES (3, 'c')")
	s.tx(func(tx pgx.Tx) error { return journal.Release(t.Context(), tx, "second") })
	s.tx(func(tx pgx.Tx) error { return journal.Release(t.Context(), tx, "never captured") })
	if after := look(); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	s.moved()
	s.exec("DROP TABLE stations")
}

func TestATableThatSomebodyHoldsIsNotWaitedForLong(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	s.exec("CREATE TABLE held (id int PRIMARY KEY)")
	tx, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), "INSERT INTO held VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	err = pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		return journal.Capture(t.Context(), tx, journal.Table{Layer: "held", Schema: "public", Name: "held", Key: "id"})
	})
	if layers.CodeOf(err) != layers.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestWhatATableLacksIsSaid(t *testing.T) {
	s := ready(t, pgtest.Database(t), journal.Options{})
	s.exec("CREATE TABLE t (id int PRIMARY KEY)")
	for name, want := range map[string]layers.Code{"t": layers.Invalid, "none": layers.NotFound} {
		err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
			return journal.Capture(t.Context(), tx, journal.Table{Layer: "l", Schema: "public", Name: name, Key: "id", Columns: []string{"nothing"}})
		})
		if layers.CodeOf(err) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoNameOrValueBecomesSQL(t *testing.T) {
	s := start(t, journal.Options{})
	s.exec("CREATE TABLE guard (n int); INSERT INTO guard VALUES (1)")
	awkward := rapid.StringOfN(rapid.SampledFrom([]rune(`"'\$;-%()a é中1{},.`+"\n")), 1, 12, 50)
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOfNDistinct(awkward, 5, 5, rapid.ID[string]).Draw(rt, "names")
		value := awkward.Draw(rt, "value")
		schema, table, layer := names[0], names[1], names[2]
		key, column := names[3], names[4]
		id := func(n string) string { return pgx.Identifier{n}.Sanitize() }
		s.exec("CREATE SCHEMA " + id(schema))
		s.exec("CREATE TABLE " + id(schema) + "." + id(table) + " (" + id(key) + " text PRIMARY KEY, " + id(column) + " text)")
		s.capture(journal.Table{Layer: layer, Schema: schema, Name: table, Key: key, Columns: []string{column}})
		s.exec("INSERT INTO "+id(schema)+"."+id(table)+" VALUES ($1, $1)", value)
		e := s.moved()
		if len(e) != 1 || e[0].Key != value || e[0].Layer != layer {
			rt.Errorf("%q in %q: %+v", value, names, e)
		}
		s.tx(func(tx pgx.Tx) error { return journal.Release(t.Context(), tx, layer) })
		s.exec("DROP SCHEMA " + id(schema) + " CASCADE")
	})
	s.exec("UPDATE guard SET n = 2")
	// Names that the decoder uses itself.
	s.exec("CREATE TABLE ours (i text PRIMARY KEY, a text, x text, image text, key text)")
	s.capture(journal.Table{Layer: "ours", Schema: "public", Name: "ours", Key: "i", Columns: []string{"a", "x", "image", "key"}})
	s.exec("INSERT INTO ours VALUES ('1', '2', '3', '4', '5')")
	s.expect("names of ours", `put 1 - {"a":"2","image":"4","key":"5","x":"3"}`)
}

func TestReplacingATablesContentIsOneReset(t *testing.T) {
	s := start(t, journal.Options{Bulk: 50})
	s.makeStations()
	s.exec("BEGIN; TRUNCATE stations; INSERT INTO stations SELECT n FROM generate_series(1, 20) n; COMMIT")
	s.expect("truncate and fill", "reset")
	s.exec("INSERT INTO stations SELECT n FROM generate_series(21, 71) n")
	s.expect("more than Bulk", "reset")
	s.exec("UPDATE stations SET level = 1 WHERE id <= 50")
	e := s.moved()
	if len(e) != 50 || e[0].OldVersion == 0 || e[49].Last != e[0].Position+49 || e[0].Last != e[49].Position {
		t.Errorf("%d entries", len(e))
	}
	// The reset is the version of what it brought.
	if e[0].OldVersion != e[0].Position-2 {
		t.Errorf("the old version is %d, the change %d", e[0].OldVersion, e[0].Position)
	}
}

func TestABulkUpdateIsToldRowByRow(t *testing.T) {
	s := start(t, journal.Options{})
	s.makeStations()
	const n = 100_000
	s.exec("INSERT INTO stations SELECT n, 'n' || n, n, ST_SetSRID(ST_Point(108, 22), 4326) FROM generate_series(1, $1::int) n", n)
	s.bulk(n)
	start := time.Now()
	s.exec("UPDATE stations SET level = level + 1")
	updated := time.Since(start)
	s.bulk(n)
	t.Logf("updated in %v, read after another %v", updated, time.Since(start)-updated)
}

// bulk reads a commit of n changes.
func (s *site) bulk(n int) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	for {
		if err := s.j.Wait(ctx, s.at.Position); err != nil {
			s.Fatal(err)
		}
		entries, err := s.j.Read(ctx, s.at, 1)
		if err != nil {
			s.Fatal(err)
		}
		s.at.Position = entries[len(entries)-1].Position
		if len(entries) == n {
			return
		}
		if len(entries) > 1 {
			s.Fatalf("%d entries, want %d", len(entries), n)
		}
	}
}
