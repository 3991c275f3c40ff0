package postgis_test

import (
	"context"
	"fmt"
	neturl "net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/postgis"
)

const often = 50 * time.Millisecond

// told describes changes in short.
func told(changes []layers.Change) string {
	var all []string
	for _, c := range changes {
		image := func(f *layers.Feature) string {
			if f == nil {
				return "-"
			}
			b, ok := layers.BoundOf(f.Geometry)
			if !ok {
				return fmt.Sprint(f.Properties["v"])
			}
			return fmt.Sprintf("%v@%g", f.Properties["v"], b.Min[0])
		}
		all = append(all, fmt.Sprintf("%s %s %s %s", c.Kind, c.ID, image(c.Old), image(c.New)))
	}
	return strings.Join(all, "; ")
}

// hear waits for the next changes and returns where the log is then.
func hear(t *testing.T, s layers.Store, after layers.Cursor, want string) layers.Cursor {
	t.Helper()
	got := next(t, s, after)
	if told(got) != want {
		t.Errorf("got  %s\nwant %s", told(got), want)
	}
	after.Position = got[len(got)-1].Position
	return after
}

// polled attaches what is polled, and waits for the first look.
func polled(t *testing.T, s *postgis.Store, a layers.Attachment) (layers.Attached, layers.Cursor) {
	t.Helper()
	found, at := attach(t, s, a)
	return found, hear(t, s, at, "reset  - -")
}

func TestAViewIsPolledAndTellsExactlyWhatChanged(t *testing.T) {
	url := pgtest.Database(t)
	a, b := open(t, url), open(t, url)
	sql(t, url, `CREATE TABLE stations (k text PRIMARY KEY, geom geometry(Point, 4326))`, `CREATE TABLE levels (k text PRIMARY KEY, v float8)`,
		`CREATE VIEW gauges AS SELECT s.k, s.geom, l.v FROM stations s LEFT JOIN levels l USING (k)`,
		`INSERT INTO stations VALUES ('a', 'SRID=4326;POINT(108 22)'), ('b', 'SRID=4326;POINT(109 22)')`, `INSERT INTO levels VALUES ('a', 1)`)
	found, at := polled(t, a, layers.Attachment{Table: "gauges", Key: "k", Poll: often})
	if found.Kind != "view" || len(found.Advice) != 1 || !strings.Contains(found.Advice[0].Reason, "compared every 50ms") {
		t.Errorf("%+v", found)
	}
	sql(t, url, `INSERT INTO levels VALUES ('b', 2)`)
	at = hear(t, b, at, "put b <nil>@109 2@109")
	sql(t, url, `WITH x AS (UPDATE stations SET geom = 'SRID=4326;POINT(110 22)' WHERE k = 'a') DELETE FROM levels WHERE k = 'a'`)
	at = hear(t, a, at, "put a 1@108 <nil>@110")
	sql(t, url, `DELETE FROM stations WHERE k = 'b'`)
	at = hear(t, b, at, "delete b 2@109 -")
	f, _, err := b.As(layers.Owner).Feature(t.Context(), "gauges", "a")
	if err != nil || f.Version == 0 || f.Num != one(t, b, "gauges").Num {
		t.Errorf("%+v, %v", f, err)
	}
	// Another view of the same name is read anew, and then goes on.
	sql(t, url, `CREATE OR REPLACE VIEW gauges AS SELECT s.k, s.geom, l.v, 'new' AS more FROM stations s LEFT JOIN levels l USING (k)`)
	at = hear(t, a, at, "reset  - -")
	sql(t, url, `INSERT INTO levels VALUES ('a', 3)`)
	hear(t, a, at, "put a <nil>@110 3@110")
}

func TestAViewThatIsMadeAgainIsPolledAgain(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	const make = "CREATE VIEW v AS SELECT * FROM base"
	sql(t, url, `CREATE TABLE base (k int PRIMARY KEY, v int, geom geometry(Point, 4326))`, `INSERT INTO base VALUES (1, 1)`, make)
	_, at := polled(t, s, layers.Attachment{Table: "v", Key: "k", Poll: often})
	run(t, url, "UPDATE base SET v = 2; DROP VIEW v; "+make)
	at = hear(t, s, at, "reset  - -")
	sql(t, url, "UPDATE base SET v = 3")
	at = hear(t, s, at, "put 1 2 3")
	sql(t, url, "DROP VIEW v")
	at = hear(t, s, at, "reset  - -")
	sql(t, url, make)
	at = hear(t, s, at, "reset  - -")
	sql(t, url, "UPDATE base SET v = 4")
	hear(t, s, at, "put 1 3 4")
}

func TestWhatIsPolledForOneLayerAndCapturedForAnotherIsToldOnceToEach(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	run(t, url, `CREATE TABLE whole (k int PRIMARY KEY, v int, geom geometry(Point, 4326)) PARTITION BY RANGE (k); CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (10);
		CREATE TABLE later (LIKE whole INCLUDING ALL); INSERT INTO whole VALUES (1, 1)`)
	polled(t, s, layers.Attachment{Table: "part", Layer: layers.Layer{ID: "polled"}, Poll: often})
	polled(t, s, layers.Attachment{Table: "part", Layer: layers.Layer{ID: "again"}, Poll: often})
	_, at := attach(t, s, layers.Attachment{Table: "whole", Layer: layers.Layer{ID: "captured"}})
	told := func(want ...string) {
		t.Helper()
		var got []string
		for len(got) < len(want) {
			for _, ch := range next(t, s, at) {
				image := func(f *layers.Feature) any {
					if f == nil {
						return nil
					}
					return f.Properties["v"]
				}
				got = append(got, fmt.Sprintf("%s %s %s %v %v", ch.Layer, ch.Kind, ch.ID, image(ch.Old), image(ch.New)))
				at.Position = ch.Position
			}
		}
		time.Sleep(3 * often) // what should not come would
		if slices.Sort(got); fmt.Sprint(got) != fmt.Sprint(want) || s.Wait(brief(t), at.Position) == nil {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	sql(t, url, "UPDATE whole SET v = 2")
	told("again put 1 1 2", "captured put 1 1 2", "polled put 1 1 2")
	sql(t, url, "TRUNCATE part")
	told("again delete 1 2 <nil>", "captured reset  <nil> <nil>", "polled delete 1 2 <nil>")
	// A table that is polled becomes a partition of what is captured.
	_, at = polled(t, s, layers.Attachment{Table: "later", Layer: layers.Layer{ID: "later"}, Poll: often})
	sql(t, url, "ALTER TABLE whole ATTACH PARTITION later FOR VALUES FROM (10) TO (20)")
	told("captured reset  <nil> <nil>")
	sql(t, url, "INSERT INTO whole VALUES (11, 1)")
	told("captured put 11 <nil> 1", "later put 11 <nil> 1")
	for _, id := range []string{"captured", "again"} {
		if _, err := s.Detach(t.Context(), me, id); err != nil {
			t.Fatal(err)
		}
	}
	if n := value[int](t, url, "SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%onemap%'"); n != 0 {
		t.Errorf("%d triggers are left", n)
	}
}

// brief is a context that ends soon.
func brief(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), often)
	t.Cleanup(cancel)
	return ctx
}

func TestAPollByAVersionColumnMissesNothing(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	sql(t, url, `CREATE TABLE base (k int PRIMARY KEY, v int, seq bigint GENERATED ALWAYS AS IDENTITY, geom geometry(Point, 4326))`, `INSERT INTO base (k, v) SELECT n, n FROM generate_series(1, 5) n`,
		`CREATE MATERIALIZED VIEW m AS SELECT k, v, seq, geom FROM base`)
	_, at := polled(t, s, layers.Attachment{Table: "m", Key: "k", Version: "seq", Poll: often})
	for _, step := range []struct{ do, told string }{
		{`UPDATE base SET v = 10, seq = DEFAULT WHERE k = 1`, "put 1 1 10"},
		{`INSERT INTO base (k, v) VALUES (6, 6)`, "put 6 - 6"},
		{`WITH x AS (DELETE FROM base WHERE k = 2) INSERT INTO base (k, v) VALUES (7, 7)`, "delete 2 2 -; put 7 - 7"}, // as many rows as before
		{`DELETE FROM base WHERE k = 7`, "delete 7 7 -"},                                                              // the newest
		{`DELETE FROM base`, "delete 1 10 -; delete 3 3 -; delete 4 4 -; delete 5 5 -; delete 6 6 -"},
		{`INSERT INTO base (k, v) VALUES (1, 1)`, "put 1 - 1"},
	} {
		sql(t, url, step.do, "REFRESH MATERIALIZED VIEW m")
		got := next(t, s, at)
		parts := strings.Split(told(got), "; ")
		for _, want := range strings.Split(step.told, "; ") {
			if !strings.Contains(told(got), want) || len(parts) != len(strings.Split(step.told, "; ")) {
				t.Errorf("%s\ngot  %s\nwant %s", step.do, told(got), step.told)
			}
		}
		at.Position = got[len(got)-1].Position
	}
}

func TestAVersionThatComesLateOrIsNoneIsPolledToo(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	sql(t, url, `CREATE TABLE base (k int PRIMARY KEY, v int, seq timestamptz, geom geometry(Point, 4326))`, `CREATE VIEW m AS SELECT * FROM base`,
		`INSERT INTO base SELECT n, n, '2026-07-01'::timestamptz + n * interval '1 min' FROM generate_series(1, 5) n`)
	_, at := polled(t, s, layers.Attachment{Table: "m", Key: "k", Version: "seq", Poll: often})
	late, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close(context.WithoutCancel(t.Context()))
	if _, err := late.Exec(t.Context(), `BEGIN; UPDATE base SET v = 10, seq = '2026-07-01 01:00Z' WHERE k = 1`, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	for v := 20; v < 25; v++ { // each is the newest of a look
		sql(t, url, fmt.Sprintf(`UPDATE base SET v = %d, seq = '2026-07-01 02:00:%02d+00' WHERE k = 2`, v, v))
		got := next(t, s, at)
		at.Position = got[len(got)-1].Position
	}
	if _, err := late.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	at = hear(t, s, at, "put 1 1 10")
	sql(t, url, `WITH x AS (DELETE FROM base WHERE k = 3) INSERT INTO base VALUES (30, 30, '2026-06-01')`) // as many rows as before
	if got := next(t, s, at); len(got) == 2 {
		at.Position = got[1].Position
	} else {
		t.Fatalf("a row of an old version in the place of another: %s", told(got))
	}
	sql(t, url, `UPDATE base SET v = 50, seq = NULL WHERE k = 5`)
	at = hear(t, s, at, "put 5 5 50")
	sql(t, url, `UPDATE base SET v = 55 WHERE k = 5`)
	at = hear(t, s, at, "put 5 50 55")
	sql(t, url, `UPDATE base SET v = 44, seq = 'infinity' WHERE k = 4`)
	at = hear(t, s, at, "put 4 4 44")
	sql(t, url, `UPDATE base SET v = 2, seq = '2026-07-01 04:00Z' WHERE k = 2`)
	hear(t, s, at, "put 2 24 2")
}

func TestAVersionIsReadAsItWasWrittenWhateverTheDatabaseIsSetTo(t *testing.T) {
	url := pgtest.Database(t)
	sql(t, url, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET DateStyle = ''SQL, DMY''', current_database()); EXECUTE format('ALTER DATABASE %I SET extra_float_digits = -15', current_database()); END $$`)
	s := open(t, url)
	for name, versions := range map[string][3]string{"moments": {"timestamp", "'2026-07-13 08:00'", "'2026-07-13 08:00:01'"}, "numbers": {"float8", "7.6", "7.7"}} {
		sql(t, url, fmt.Sprintf("CREATE TABLE base_%s (k int PRIMARY KEY, v int, seq %s, geom geometry(Point, 4326))", name, versions[0]),
			fmt.Sprintf("INSERT INTO base_%s VALUES (1, 1, %s)", name, versions[1]), fmt.Sprintf("CREATE VIEW %s AS SELECT * FROM base_%[1]s", name))
		_, at := polled(t, s, layers.Attachment{Table: name, Key: "k", Version: "seq", Poll: often})
		sql(t, url, fmt.Sprintf("UPDATE base_%s SET v = 2, seq = %s", name, versions[2]))
		at = hear(t, s, at, "put 1 1 2")
		sql(t, url, fmt.Sprintf("UPDATE base_%s SET v = 3", name)) // found because its version is the newest
		hear(t, s, at, "put 1 2 3")
	}
}

func TestATableOfOthersIsPolledUntilItsOwnerGrantsMore(t *testing.T) {
	url := pgtest.Database(t)
	role, owner := "reader_"+suffix(url), "owner_"+suffix(url)
	sql(t, url, "CREATE ROLE "+role+" LOGIN PASSWORD 'x'", "CREATE ROLE "+owner, fmt.Sprintf(`DO $$ BEGIN EXECUTE 'GRANT CREATE ON DATABASE "' || current_database() || '" TO %s'; END $$`, role),
		`CREATE TABLE t (k int PRIMARY KEY, v int, geom geometry(Point, 4326))`, "ALTER TABLE t OWNER TO "+owner, "INSERT INTO t VALUES (1, 1)")
	t.Cleanup(func() {
		sql(t, url, fmt.Sprintf("DROP OWNED BY %s, %s CASCADE", role, owner), fmt.Sprintf("DROP ROLE %s, %s", role, owner))
	})
	s := open(t, pgtest.As(url, role, "x"))
	t.Cleanup(func() { _ = s.Close() }) // before the role goes
	_, _, err := s.Attach(t.Context(), me, layers.Attachment{Table: "t"})
	if layers.CodeOf(err) != layers.Invalid || !strings.Contains(err.Error(), `GRANT SELECT ON "public"."t" TO "`+role) {
		t.Fatalf("without a right to read: %v", err)
	}
	sql(t, url, "GRANT SELECT ON t TO "+role)
	found, at := polled(t, s, layers.Attachment{Table: "t", Poll: often})
	statement := fmt.Sprintf(`GRANT "%s" TO "%s"`, owner, role)
	if found.Poll != often || found.Advice[0].Statement != statement {
		t.Errorf("%+v", found)
	}
	sql(t, url, "UPDATE t SET v = 2")
	hear(t, s, at, "put 1 1 2")
	if n := value[int](t, url, "SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass"); n != 0 {
		t.Errorf("%d triggers", n)
	}
	if _, err := s.Detach(t.Context(), me, "t"); err != nil {
		t.Fatal(err)
	}
	sql(t, url, statement)
	found, at = attach(t, s, layers.Attachment{Table: "t"})
	if found.Poll != 0 {
		t.Errorf("%+v", found)
	}
	sql(t, url, "UPDATE t SET v = 3")
	hear(t, s, at, "put 1 2 3")
}

func TestATableThatAnotherRoleMakesAgainIsPolled(t *testing.T) {
	url := pgtest.Database(t)
	role := "reader_" + suffix(url)
	const make = `CREATE TABLE t (k int PRIMARY KEY, v int, geom geometry(Point, 4326))`
	sql(t, url, "CREATE ROLE "+role+" LOGIN PASSWORD 'x'", fmt.Sprintf(`DO $$ BEGIN EXECUTE 'GRANT CREATE ON DATABASE "' || current_database() || '" TO %s'; END $$`, role),
		make, "ALTER TABLE t OWNER TO "+role)
	t.Cleanup(func() { dropRole(t, url, role) })
	s := open(t, pgtest.As(url, role, "x"))
	t.Cleanup(func() { _ = s.Close() }) // before the role goes
	if found, _ := attach(t, s, layers.Attachment{Table: "t"}); found.Poll != 0 {
		t.Fatalf("%+v", found)
	}
	sql(t, url, "DROP TABLE t", make, "GRANT SELECT ON t TO "+role, "INSERT INTO t VALUES (1, 1)")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		all, err := s.Attachments(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%+v, %v", all, err)
		}
		if all[0].Poll == layers.DefaultPoll && value[bool](t, url, "SELECT EXISTS (SELECT FROM onemap.seen) AND NOT EXISTS (SELECT FROM onemap.outbox)") {
			if !strings.HasPrefix(all[0].Advice[0].Statement, "GRANT ") {
				t.Errorf("%+v", all[0].Advice)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it is not polled: %+v", all)
		}
	}
	at, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sql(t, url, "UPDATE t SET v = 2", "UPDATE onemap.watched SET due = now()")
	hear(t, s, at, "put 1 1 2")
}

func TestATableWithAForeignPartitionIsPolledForWhatIsWrittenOverThere(t *testing.T) {
	url := pgtest.Database(t)
	u, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	sql(t, url, "CREATE EXTENSION postgres_fdw", "CREATE TABLE there (k int, v int, geom geometry(Point, 4326))", "INSERT INTO there VALUES (1, 1)",
		fmt.Sprintf("CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%s', port '%s', dbname '%s')", u.Hostname(), u.Port(), strings.TrimPrefix(u.Path, "/")),
		fmt.Sprintf("CREATE USER MAPPING FOR CURRENT_USER SERVER other OPTIONS (user '%s', password '%s')", u.User.Username(), password),
		"CREATE TABLE parted (k int, v int, geom geometry(Point, 4326)) PARTITION BY RANGE (k)", "CREATE TABLE near PARTITION OF parted FOR VALUES FROM (100) TO (200)",
		"CREATE FOREIGN TABLE far PARTITION OF parted FOR VALUES FROM (0) TO (100) SERVER other OPTIONS (table_name 'there')")
	s := open(t, url)
	found, at := polled(t, s, layers.Attachment{Table: "parted", Key: "k", Poll: often})
	if found.Poll != often || !strings.Contains(found.Advice[0].Reason, "its partition far is a foreign table") {
		t.Errorf("%+v", found)
	}
	sql(t, url, "UPDATE there SET v = 2")
	at = hear(t, s, at, "put 1 1 2")
	sql(t, url, "INSERT INTO parted VALUES (101, 7)")
	at = hear(t, s, at, "put 101 - 7")
	sql(t, url, "TRUNCATE far")
	hear(t, s, at, "delete 1 2 -")
}

func suffix(url string) string {
	name, _, _ := strings.Cut(url[strings.LastIndex(url, "/")+1:], "?")
	return name
}

func TestAViewThatFailsIsTriedAgain(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	sql(t, url, `CREATE TABLE base (k int PRIMARY KEY, d int, geom geometry(Point, 4326))`, `INSERT INTO base VALUES (1, 1)`, `CREATE VIEW v AS SELECT k, 10 / d AS v, geom FROM base`,
		`CREATE TABLE other (k int PRIMARY KEY, v int, geom geometry(Point, 4326))`, `INSERT INTO other VALUES (1, 1)`, `CREATE VIEW o AS SELECT * FROM other`)
	polled(t, s, layers.Attachment{Table: "v", Key: "k", Poll: often})
	_, at := polled(t, s, layers.Attachment{Table: "o", Key: "k", Poll: often})
	sql(t, url, `UPDATE base SET d = 0`, `UPDATE other SET v = 2`) // the one that fails does not stand in the other's way
	at = hear(t, s, at, "put 1 1 2")
	sql(t, url, `UPDATE base SET d = 5`)
	hear(t, s, at, "put 1 10 2")
	ctx, cancel := context.WithTimeout(t.Context(), 10*often)
	defer cancel()
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(ctx, head.Position); err == nil {
		t.Errorf("something is told of what did not change")
	}
}

// slowly makes a view that takes a minute to read while control says so. To count its
// rows is quick.
const slowly = `CREATE TABLE control AS SELECT false AS slow; CREATE TABLE base (k int PRIMARY KEY, v int, geom geometry(Point, 4326)); INSERT INTO base VALUES (1, 1);
	CREATE FUNCTION slow() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN IF (SELECT slow FROM public.control) THEN PERFORM pg_sleep(60); END IF; RETURN 'x'; END $$;
	CREATE VIEW gauges AS SELECT k, v, slow() AS s, geom FROM base`

func TestASlowViewStopsNeitherTheMoverNorWhoDefinesLayers(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	run(t, url, slowly)
	sql(t, url, "UPDATE control SET slow = true")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, _, err := s.Attach(ctx, me, layers.Attachment{Table: "gauges", Key: "k", Poll: often}); err != nil {
		t.Fatal(err)
	}
	at := define(t, s, layer("other", layers.Point, layers.Attribute{Name: "v", Type: layers.Integer}))
	apply(t, s, "other", layers.Edit{Op: layers.Put, ID: "a", Properties: map[string]any{"v": 1}})
	hear(t, s, at, "put a - 1")
	// A view that is altered is mended while it is slow. (A look that is under way holds it.)
	if _, err := s.Detach(t.Context(), me, "gauges"); err != nil {
		t.Fatal(err)
	}
	sql(t, url, "UPDATE control SET slow = false")
	_, at = polled(t, s, layers.Attachment{Table: "gauges", Key: "k", Poll: time.Hour})
	sql(t, url, "UPDATE control SET slow = true")
	sql(t, url, `CREATE OR REPLACE VIEW gauges AS SELECT k, v, slow() AS s, geom, 1 AS more FROM base`)
	for value[bool](t, url, "SELECT EXISTS (SELECT FROM onemap.ailing)") {
		if ctx.Err() != nil {
			t.Fatal("it is not mended")
		}
		time.Sleep(20 * time.Millisecond)
	}
	apply(t, s, "other", layers.Edit{Op: layers.Put, ID: "a", Properties: map[string]any{"v": 2}})
	at = hear(t, s, at, "put a 1 2")
	for !value[bool](t, url, looking) { // not in an hour
		if ctx.Err() != nil {
			t.Fatal("nobody looks at it")
		}
		time.Sleep(20 * time.Millisecond)
	}
	apply(t, s, "other", layers.Edit{Op: layers.Put, ID: "a", Properties: map[string]any{"v": 3}})
	hear(t, s, at, "put a 2 3")
}

// looking tells whether a slow view is being looked at.
const looking = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'onemap watch' AND wait_event = 'PgSleep')"

func TestWhatChangesBeforeAPolledLayerIsSeenIsAReset(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	run(t, url, slowly)
	found, _ := polled(t, s, layers.Attachment{Table: "gauges", Key: "k", Poll: time.Hour})
	if e, err := s.As(layers.Owner).Layer(t.Context(), "gauges"); err != nil || !e.Status.Updated.IsZero() {
		t.Errorf("before anything changed: %+v, %v", e.Status, err)
	}
	sql(t, url, "UPDATE base SET v = 2") // nobody looks for an hour
	l := *found.Layer
	l.Schema = l.Schema[:1]
	at := define(t, s, &l)
	at = hear(t, s, at, "reset  - -")
	if f := one(t, s, "gauges"); f.Version != at.Position || f.Properties["v"] != int64(2) {
		t.Errorf("%+v at %d", f, at.Position)
	}
}

func TestALayerThatIsLockedOrFailsSlowlyLeavesTimeForOthers(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	run(t, url, `CREATE TABLE held (k int PRIMARY KEY, v int, geom geometry(Point, 4326)); INSERT INTO held VALUES (1, 1); CREATE VIEW h AS SELECT * FROM held;
		CREATE TABLE other (LIKE held); INSERT INTO other VALUES (1, 1); CREATE VIEW o AS SELECT * FROM other;
		CREATE TABLE control AS SELECT false AS bad; CREATE FUNCTION fail() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN IF (SELECT bad FROM public.control) THEN PERFORM pg_sleep(1); RAISE 'bad'; END IF; RETURN 1; END $$;
		CREATE VIEW f AS SELECT k, fail() AS v, geom FROM other`)
	for _, table := range []string{"h", "f"} {
		polled(t, s, layers.Attachment{Table: table, Key: "k", Poll: often})
	}
	_, at := polled(t, s, layers.Attachment{Table: "o", Key: "k", Poll: often})
	locked, release, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() { defer close(done); holdLock(t, url, "held", locked, release) }()
	<-locked
	sql(t, url, "UPDATE other SET v = 2")
	for range 2 { // it is looked at often; the other waits in between
		at = hear(t, s, at, "put 1 1 2")
		sql(t, url, "UPDATE other SET v = 1")
		at = hear(t, s, at, "put 1 2 1")
		sql(t, url, "UPDATE other SET v = 2")
	}
	close(release)
	<-done
	hear(t, s, at, "put 1 1 2")
	sql(t, url, "UPDATE control SET bad = true")
	for deadline := time.Now().Add(20 * time.Second); !value[bool](t, url, "SELECT due > clock_timestamp() + interval '2 s' FROM onemap.watched WHERE layer = 'f'"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is tried again at once")
		}
	}
}

func TestALayerIsDetachedWhileItIsLookedAt(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	run(t, url, slowly)
	for range 2 {
		polled(t, s, layers.Attachment{Table: "gauges", Key: "k", Poll: often})
		sql(t, url, "UPDATE control SET slow = true")
		for !value[bool](t, url, looking) {
			time.Sleep(10 * time.Millisecond)
		}
		if _, err := s.Detach(t.Context(), me, "gauges"); err != nil {
			t.Fatal(err)
		}
		sql(t, url, "UPDATE control SET slow = false")
	}
	if n := value[int](t, url, "SELECT (SELECT count(*) FROM onemap.watched) + (SELECT count(*) FROM onemap.seen)"); n != 0 {
		t.Errorf("%d traces", n)
	}
}

func TestARowThatCantBeReadIsNotQuotedAndHidesNoOtherLayer(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	run(t, url, `CREATE TABLE base (k text PRIMARY KEY, note text, geom geometry(Point, 4326)); INSERT INTO base VALUES ('1', '5', 'SRID=4326;POINT(108 22)');
		CREATE FUNCTION refuse(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF n = 0 THEN RAISE 'the secret'; END IF; RETURN n; END $$;
		CREATE VIEW numbers AS SELECT k, note::int AS v, geom FROM base; CREATE VIEW counts AS SELECT k, 1 AS v, geom FROM base WHERE note::int > 0;
		CREATE VIEW refused AS SELECT k, 1 AS v, geom FROM base WHERE refuse(length(replace(note, 'secret', ''))) > 0`)
	ids := []string{"numbers", "counts", "refused"}
	for _, id := range ids {
		polled(t, s, layers.Attachment{Table: id, Key: "k", Poll: often})
	}
	attach(t, s, layers.Attachment{Table: "base"})
	sql(t, url, "UPDATE base SET note = 'secret'")
	hidden := func(what string, err error) {
		t.Helper()
		if layers.CodeOf(err) != layers.Unavailable || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", what, err)
		}
	}
	r := s.As(layers.Owner)
	for _, id := range ids {
		_, _, err := r.Feature(t.Context(), id, "1")
		hidden(id+", a feature", err)
		_, err = r.Query(t.Context(), layers.Query{Layer: id, Limit: 1})
		hidden(id+", a page", err)
		_, err = r.Aggregate(t.Context(), layers.AggregateQuery{Layer: id, GroupBy: []string{"v"}})
		hidden(id+", groups", err)
		for _, err := range r.Scan(t.Context(), id, layers.Range{}) {
			hidden(id+", a scan", err)
		}
	}
	_, err := s.Survey(t.Context(), layers.Attachment{Table: "counts", Key: "k"})
	hidden("a survey", err)
	e, err := r.Layer(t.Context(), "counts")
	if err != nil {
		t.Fatal(err)
	}
	e.Layer.Title.En = "Counts"
	_, err = s.DefineLayer(t.Context(), me, e.Layer)
	hidden("a definition", err)
	entries, _, err := r.Layers(t.Context())
	if err != nil || len(entries) != 4 || entries[0].Status.Count != 1 {
		t.Errorf("%+v, %v", entries, err)
	}
	all, err := s.Attachments(t.Context())
	if err != nil || len(all) != 4 || strings.Contains(fmt.Sprint(all), "secret") || !strings.Contains(fmt.Sprint(all[1].Advice), "can't be read") {
		t.Errorf("%+v, %v", all, err)
	}
}
