package postgis_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/postgis"
)

func attach(t *testing.T, s *postgis.Store, a layers.Attachment) (layers.Attached, layers.Cursor) {
	t.Helper()
	found, at, err := s.Attach(t.Context(), me, a)
	if err != nil {
		t.Fatal(err)
	}
	return found, at
}

// value reads one value, as somebody beside us.
func value[T any](t *testing.T, url, q string, args ...any) (v T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if err := conn.QueryRow(t.Context(), q, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return v
}

// one returns the only feature of a layer.
func one(t *testing.T, s layers.Store, layer string) *layers.Feature {
	t.Helper()
	page, err := s.As(layers.Owner).Query(t.Context(), layers.Query{Layer: layer, Limit: 10})
	if err != nil || len(page.Features) != 1 {
		t.Fatalf("%d features, %v", len(page.Features), err)
	}
	return page.Features[0]
}

const everything = `CREATE SCHEMA "水利"; CREATE TYPE "水利".stage AS ENUM ('正常', '警戒'); CREATE DOMAIN "水利".percent AS numeric(5,2);
	CREATE TABLE "水利"."水位站" (gid serial PRIMARY KEY, name varchar(40) NOT NULL, stage "水利".stage, code char(6), whole numeric(12,0), p "水利".percent, n numeric, r real, f float8, s smallint,
		i int, b bigint, ok boolean, d date, ts timestamp, tz timestamptz, j json, jb jsonb, tags text[], nums int[], u uuid, raw bytea, iv interval, ip inet, "水位（m）" float8, id text, geom geometry(PointZ, 4545));
	COMMENT ON TABLE "水利"."水位站" IS '全区水位站'; COMMENT ON COLUMN "水利"."水位站".ts IS '观测时间'`

const everyRow = `INSERT INTO "水利"."水位站" (name, stage, code, whole, p, n, r, f, s, i, b, ok, d, ts, tz, j, jb, tags, nums, u, raw, iv, ip, "水位（m）", id, geom) VALUES
	('示例站01', '警戒', 'ab', 123456789012, 99.5, 1e3, 0.1, 0.1, -5, 7, 9007199254740993, true, '2026-07-01', '2026-07-01 08:00:00.25', '2026-07-01 08:00+08', '{"b": 1, "a": [2]}', '{"x": null}',
		'{甲,"乙 丙"}', '{1,NULL}', '6f9619ff-8b86-d011-b42d-00cf4fc964ff', '\x00', '1 day', '10.0.0.1', 71.5, 'own', ST_Transform('SRID=4326;POINT Z(108.3 22.8 5)'::geometry, 4545))`

func TestATableOfADepartmentBecomesALayerAsItIs(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	sql(t, url, everything, everyRow)
	found, at := attach(t, s, layers.Attachment{Table: `"水利"."水位站"`, Layer: layers.Layer{ID: "gauges"}})
	if found.Kind != "table" || found.Key != "gid" || found.Geometry != "geom" || found.SRID != 4545 || found.Poll != 0 {
		t.Errorf("%+v", found)
	}
	l := found.Layer
	if l.Title.Zh != "全区水位站" || l.Geometry != layers.Point || l.Open || l.Sharing != layers.Conditional {
		t.Errorf("%+v", l)
	}
	var schema []string
	for _, a := range l.Schema {
		schema = append(schema, fmt.Sprintf("%s %s", a.Name, a.Type))
	}
	const want = "name string, stage string, code string, whole integer, p number, n number, r number, f number, s integer, i integer, b integer, ok boolean, d date, ts datetime, tz datetime, " +
		"j json, jb json, tags json, nums json, u string, iv string, ip string, 水位_m number, id_1 string"
	if got := strings.Join(schema, ", "); got != want {
		t.Errorf("schema\ngot  %s\nwant %s", got, want)
	}
	name, _ := l.Schema.Attribute("name")
	ts, _ := l.Schema.Attribute("ts")
	stage, _ := l.Schema.Attribute("stage")
	if name.Role != layers.RoleName || !name.Required || name.MaxLength != 40 || ts.Title.Zh != "观测时间" || len(stage.Enum) != 2 {
		t.Errorf("%+v\n%+v\n%+v", name, ts, stage)
	}
	if len(found.Advice) != 2 || !strings.Contains(found.Advice[0].Statement, `CREATE INDEX ON "水利"."水位站" USING gist ("geom")`) || !strings.Contains(found.Advice[1].Reason, "raw (bytea)") {
		t.Errorf("advice %+v", found.Advice)
	}

	f := one(t, s, "gauges")
	wantProps := map[string]any{"name": "示例站01", "stage": "警戒", "code": "ab", "whole": int64(123456789012), "p": 99.5, "n": 1000.0, "r": 0.1, "f": 0.1, "s": int64(-5), "i": int64(7),
		"b": int64(9007199254740993), "ok": true, "d": layers.Date("2026-07-01"), "ts": time.Date(2026, 7, 1, 0, 0, 0, 250e6, time.UTC), "tz": time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC),
		"j": json.RawMessage(`{"b": 1, "a": [2]}`), "jb": json.RawMessage(`{"x": null}`), "tags": json.RawMessage(`["甲","乙 丙"]`), "nums": json.RawMessage(`[1,null]`),
		"u": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "iv": "1 day", "ip": "10.0.0.1", "水位_m": 71.5, "id_1": "own"}
	for k, v := range wantProps {
		if !reflect.DeepEqual(f.Properties[k], v) {
			t.Errorf("%s: got %#v, want %#v", k, f.Properties[k], v)
		}
	}
	p, ok := f.Geometry.(*geom.Point)
	if f.ID != "1" || f.Num != 1 || len(f.Properties) != len(wantProps) || !ok || p.Layout() != geom.XYZ || p.X() < 108.2999999 || p.X() > 108.3000001 || p.Z() != 5 {
		t.Errorf("%+v, %+v", f, f.Geometry)
	}

	// What the log says of a row is what a query says of it.
	sql(t, url, `UPDATE "水利"."水位站" SET i = 8`)
	changes := next(t, s, at)
	if len(changes) != 1 || !reflect.DeepEqual(changes[0].Old.Properties, f.Properties) || !reflect.DeepEqual(changes[0].Old.Geometry, f.Geometry) {
		t.Fatalf("got  %#v\nwant %#v", changes[0].Old.Properties, f.Properties)
	}
	now := one(t, s, "gauges")
	if !reflect.DeepEqual(changes[0].New, now) || now.Properties["i"] != int64(8) {
		t.Errorf("the change says %+v, the query %+v", changes[0].New, now)
	}
	checkSelections(t, s, wantProps)
	if _, err := s.Apply(t.Context(), me, "gauges", []layers.Edit{{Op: layers.Delete, ID: "1"}}); layers.CodeOf(err) != layers.Forbidden || !strings.Contains(err.Error(), "水位站") {
		t.Errorf("a write through us: %v", err)
	}
}

// checkSelections finds the one feature by each of its values, and by its place.
func checkSelections(t *testing.T, s layers.Store, values map[string]any) {
	t.Helper()
	count := func(sel layers.Selection, sort string) int64 {
		page, err := s.As(layers.Owner).Query(t.Context(), layers.Query{Layer: "gauges", Selection: sel, Limit: 5, Count: true, Sort: sort})
		if err != nil {
			t.Errorf("%+v: %v", sel, err)
		}
		return page.Matched
	}
	values["i"] = int64(8)
	for k, v := range values {
		if n := count(layers.Selection{Filters: []layers.Filter{{Attribute: k, Value: v}}}, k); n != 1 {
			t.Errorf("%s = %v matches %d", k, v, n)
		}
		b, err := s.As(layers.Owner).Aggregate(t.Context(), layers.AggregateQuery{Layer: "gauges", GroupBy: []string{k}})
		if err != nil || len(b) != 1 || b[0].Count != 1 {
			t.Errorf("grouped by %s: %v, %v", k, b, err)
		}
	}
	for _, c := range []struct {
		box  orb.Bound
		want int64
	}{
		{orb.Bound{Min: orb.Point{-180, -90}, Max: orb.Point{180, 90}}, 1}, {orb.Bound{Min: orb.Point{100, 15}, Max: orb.Point{120, 30}}, 1}, {orb.Bound{Min: orb.Point{108.2, 22.7}, Max: orb.Point{108.4, 22.9}}, 1},
		{orb.Bound{Min: orb.Point{-60, -20}, Max: orb.Point{-50, -10}}, 0}, {orb.Bound{Min: orb.Point{17.9, 22}, Max: orb.Point{18.1, 23}}, 0}, {orb.Bound{Min: orb.Point{108, 23}, Max: orb.Point{109, 24}}, 0},
	} { // also where the table's reference system does not reach
		if n := count(layers.Selection{BBox: &c.box}, ""); n != c.want {
			t.Errorf("in %v: %d", c.box, n)
		}
	}
	for want, x := range map[int64]float64{1: 108.3, 0: 108.31} {
		b := geom.NewPointFlat(geom.XY, []float64{x, 22.8})
		box, _ := layers.BoundOf(b)
		box = box.Pad(1e-6)
		if n := count(layers.Selection{BBox: &box}, ""); n != want {
			t.Errorf("at %v: %d", x, n)
		}
	}
}

func TestAnyKeyIdentifiesAndNumbersTheFeatures(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	for typ, make := range map[string]string{
		"smallint": "n", "int": "n", "bigint": "(n - 50)::bigint * 1000000000000000", "uuid": "md5(n::text)::uuid", "text": "'号' || n", "varchar(20)": "'x' || n % 7 || '-' || n", "char(8)": "'c' || n",
	} {
		table := "t_" + strings.Trim(strings.Map(func(r rune) rune { return []rune{'_', r}[bit(r >= 'a' && r <= 'z')] }, typ), "_")
		sql(t, url, fmt.Sprintf("CREATE TABLE %s (k %s PRIMARY KEY, v int, geom geometry(Point, 4326))", table, typ),
			fmt.Sprintf("INSERT INTO %s SELECT %s, n %% 5, ST_SetSRID(ST_Point(108, 20 + n / 100.0), 4326) FROM generate_series(1, 100) n", table, make))
		found, at := attach(t, s, layers.Attachment{Table: table})
		for _, sort := range []string{"", "v", "-v"} {
			seen, nums := map[string]bool{}, map[int64]bool{}
			q := layers.Query{Layer: found.Layer.ID, Limit: 33, Sort: sort}
			for {
				page, err := s.As(layers.Owner).Query(t.Context(), q)
				if err != nil {
					t.Fatalf("%s: %v", typ, err)
				}
				for _, f := range page.Features {
					if seen[f.ID] || nums[f.Num] || f.Num < 0 || f.Num >= 1<<53 {
						t.Errorf("%s: %s comes twice, or its number %d", typ, f.ID, f.Num)
					}
					seen[f.ID], nums[f.Num] = true, true
					if again, _, err := s.As(layers.Owner).Feature(t.Context(), q.Layer, f.ID); err != nil || again.Num != f.Num || again.ID != f.ID {
						t.Errorf("%s: feature %q: %v, %v", typ, f.ID, again, err)
					}
				}
				if q.After = page.Next; q.After == "" {
					break
				}
			}
			if len(seen) != 100 {
				t.Errorf("%s sorted by %q: %d features on all pages", typ, sort, len(seen))
			}
		}
		for _, id := range []string{"", "nobody", "01", " 1", "6F9619FF-8b86-d011-b42d-00cf4fc964ff", "99999999999999999999"} {
			if _, _, err := s.As(layers.Owner).Feature(t.Context(), found.Layer.ID, id); layers.CodeOf(err) != layers.NotFound {
				t.Errorf("%s: id %q: %v", typ, id, err)
			}
		}
		sql(t, url, fmt.Sprintf("UPDATE %s SET v = 77 WHERE k = (SELECT k FROM %s LIMIT 1)", table, table))
		ch := next(t, s, at)[0]
		f, _, err := s.As(layers.Owner).Feature(t.Context(), found.Layer.ID, ch.ID)
		if err != nil || f.Num != ch.New.Num || f.Num != ch.Old.Num || f.Version != ch.Position {
			t.Errorf("%s: %+v is now %+v, %v", typ, ch, f, err)
		}
	}
}

func TestCastsOfADepartmentAreNotRunWithOurRights(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	sql(t, url, `CREATE TABLE loot (who text)`, `CREATE TYPE mood AS ENUM ('好', 'b')`, `CREATE DOMAIN inner_d AS numeric(6,2)`, `CREATE DOMAIN outer_d AS inner_d`, `CREATE TYPE pair AS (a int, b text)`)
	for _, cast := range []string{"mood AS text", "pair AS text", "mood AS json", "pair AS json"} {
		from, to, _ := strings.Cut(cast, " AS ")
		name := "steal_" + from + "_" + to
		sql(t, url, fmt.Sprintf("CREATE FUNCTION %s(%s) RETURNS %s LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.loot VALUES (current_user); RETURN NULL; END'", name, from, to),
			fmt.Sprintf("CREATE CAST (%s) WITH FUNCTION %s(%s) AS ASSIGNMENT", cast, name, from))
	}
	sql(t, url, `CREATE TABLE t (k int PRIMARY KEY, name mood, moods mood[], pair pair, pairs pair[], n outer_d, division mood, geom geometry(Point, 4326))`,
		`INSERT INTO t VALUES (1, '好', '{好,b}', '(1,x)', ARRAY['(1,x)'::pair], 12.5, 'b', 'SRID=4326;POINT(108 22)')`)
	found, at := attach(t, s, layers.Attachment{Table: "t"})
	f := one(t, s, "t")
	want := map[string]any{"name": "好", "moods": json.RawMessage(`["好","b"]`), "pair": "(1,x)", "pairs": json.RawMessage(`["(1,x)"]`), "n": 12.5, "division": "b"}
	if !reflect.DeepEqual(f.Properties, want) {
		t.Errorf("%#v", f.Properties)
	}
	for _, a := range found.Layer.Schema {
		sel := layers.Selection{Text: "好", Filters: []layers.Filter{{Attribute: a.Name, Value: f.Properties[a.Name]}}}
		page, err := s.As(layers.Owner).Query(t.Context(), layers.Query{Layer: "t", Limit: 1, Sort: a.Name, Selection: sel})
		if err != nil || len(page.Features) != 1 {
			t.Errorf("%s: %v, %v", a.Name, page.Features, err)
		}
		if b, err := s.As(layers.Owner).Aggregate(t.Context(), layers.AggregateQuery{Layer: "t", GroupBy: []string{a.Name}}); err != nil || len(b) != 1 {
			t.Errorf("%s: %v, %v", a.Name, b, err)
		}
	}
	spec := layers.TileSpec{Extent: 4096, Buffer: 64, Bound: orb.Bound{Min: orb.Point{-180, -85}, Max: orb.Point{180, 85}}, IDKey: "_id", CountKey: "point_count"}
	if tile, err := s.As(layers.Owner).(layers.TileMaker).MakeTile(t.Context(), "t", spec); err != nil || len(tile) == 0 {
		t.Errorf("%d bytes, %v", len(tile), err)
	}
	sql(t, url, `UPDATE t SET n = 13`)
	if ch := next(t, s, at); !reflect.DeepEqual(ch[0].Old.Properties, want) {
		t.Errorf("%#v", ch[0].Old.Properties)
	}
	if n := value[int](t, url, "SELECT count(*) FROM loot"); n != 0 {
		t.Errorf("a department's functions ran %d times", n)
	}
}

func TestALargeViewHasACountAndBounds(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	sql(t, url, `CREATE TABLE many (k int PRIMARY KEY, geom geometry(Point, 4545))`,
		`INSERT INTO many SELECT n, ST_Transform(ST_SetSRID(ST_Point(108 + n / 1e5, 22 + n / 1e5), 4326), 4545) FROM generate_series(1, 20500) n`, `CREATE INDEX ON many USING gist (geom)`, `ANALYZE many`, `CREATE VIEW v AS SELECT * FROM many`)
	attach(t, s, layers.Attachment{Table: "many"})
	_, at := polled(t, s, layers.Attachment{Table: "v", Key: "k", Poll: often})
	check := func(id string, count int64) {
		t.Helper()
		e, err := s.As(layers.Owner).Layer(t.Context(), id)
		if err != nil || e.Status.Count != count || e.Status.Extent == nil {
			t.Fatalf("%s: %+v, %v", id, e.Status, err)
		}
		if b := *e.Status.Extent; b.Min[0] < 107.99 || b.Min[0] > 108.001 || b.Max[1] < 22.2049 || b.Max[1] > 22.22 {
			t.Errorf("%s: %v", id, b)
		}
	}
	check("many", 20500)
	check("v", 20500)
	sql(t, url, "DELETE FROM many WHERE k = 7")
	for range 2 { // the table's, the view's
		at.Position = next(t, s, at)[0].Position
	}
	check("many", 20499)
	check("v", 20499)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestWhatCantBeAttachedIsSaidWithARemedy(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	sql(t, url, `CREATE TABLE nokey (a int, geom geometry(Point, 4326))`, `CREATE TABLE two (a int, b int, geom geometry(Point, 4326), PRIMARY KEY (a, b))`,
		`CREATE TABLE numbers (k numeric PRIMARY KEY, geom geometry(Point, 4326))`, `CREATE TABLE nowhere (k int PRIMARY KEY, geom geometry)`,
		`CREATE TABLE plain (k int PRIMARY KEY, lon float8)`, `CREATE TABLE places (k int PRIMARY KEY, a geometry(Point, 4326), b geometry(Point, 4326))`,
		`CREATE TABLE nullable (k int UNIQUE, geom geometry(Point, 4326))`, `CREATE TABLE solid (k int PRIMARY KEY, geom geometry(TIN, 4326))`,
		`CREATE TABLE mixed (k int PRIMARY KEY, geom geometry)`, `INSERT INTO mixed VALUES (1, 'SRID=4326;POINT(1 1)'), (2, 'SRID=4490;POINT(1 1)')`,
		`CREATE TABLE flags (k int PRIMARY KEY, v boolean, geom geometry(Point, 4326))`, `CREATE SCHEMA water`, `CREATE TABLE water.gauges (k int PRIMARY KEY, geom geometry(Point, 4326))`, `CREATE VIEW twice AS SELECT 1 AS k, geom FROM mixed`)
	define(t, s, layer("managed", layers.Point))
	for _, c := range []struct {
		a                     layers.Attachment
		field, reason, remedy string
	}{
		{layers.Attachment{Table: "nokey"}, "key", "no primary key", `ALTER TABLE "public"."nokey" ADD COLUMN`},
		{layers.Attachment{Table: "nokey", Key: "a"}, "key", "no index", `ADD UNIQUE ("a")`},
		{layers.Attachment{Table: "nokey", Key: "b"}, "key", "no such column", "a, geom"},
		{layers.Attachment{Table: "two"}, "key", "several columns", "UNIQUE"},
		{layers.Attachment{Table: "numbers"}, "key", "numeric", "an integer, a uuid or a text"},
		{layers.Attachment{Table: "nullable", Key: "k"}, "key", "null", "SET NOT NULL"},
		{layers.Attachment{Table: "nowhere"}, "geometry", "reference system", "ST_SetSRID"},
		{layers.Attachment{Table: "mixed"}, "geometry", "[4326 4490]", "ST_Transform"},
		{layers.Attachment{Table: "plain"}, "geometry", "no column of type geometry", "ST_Point"},
		{layers.Attachment{Table: "places"}, "geometry", "several", "a, b"},
		{layers.Attachment{Table: "places", Geometry: "k"}, "geometry", "not a geometry", "a, b"},
		{layers.Attachment{Table: "solid"}, "geometry", "TIN", "view"},
		{layers.Attachment{Table: "gauges"}, "table", "not in the database", "water.gauges"},
		{layers.Attachment{Table: "a.b.c"}, "table", "not the name", "schema.table"},
		{layers.Attachment{Table: `"; DROP TABLE plain`}, "table", "not the name", "quotes"},
		{layers.Attachment{Table: "layers.managed"}, "table", "schema layers", "another schema"},
		{layers.Attachment{Table: "onemap.log"}, "table", "schema onemap", "another schema"},
		{layers.Attachment{Table: "pg_catalog.pg_class"}, "table", "pg_catalog", "another schema"},
		{layers.Attachment{Table: "twice", Geometry: "geom"}, "key", "a view has no primary key", "name the column"},
		{layers.Attachment{Table: "twice", Key: "k"}, "key", "the same value", "different"},
		{layers.Attachment{Table: "water.gauges", Version: "v"}, "version", "no such column", "k, geom"},
		{layers.Attachment{Table: "water.gauges", Version: "geom"}, "version", "no order", "numbers or times"},
		{layers.Attachment{Table: "flags", Key: "k", Version: "v"}, "version", "no order", "numbers or times"},
		{layers.Attachment{Table: "water.gauges", Poll: -1}, "poll", "negative", "10s"},
		{layers.Attachment{Table: "water.gauges", Layer: layers.Layer{ID: "Übel"}}, "id", "not a layer id", "letters"},
		{layers.Attachment{Table: "water.gauges", Layer: layers.Layer{ID: "managed"}}, "layer.id", "taken", "another id"},
		{layers.Attachment{Table: "water.gauges", Layer: layers.Layer{Schema: layers.Schema{{Name: "v"}}}}, "layer.schema.v", "no such column", ""},
	} {
		_, _, err := s.Attach(t.Context(), me, c.a)
		e, ok := err.(*layers.Error)
		if !ok || len(e.Violations) != 1 {
			t.Errorf("%+v: %v", c.a, err)
			continue
		}
		if v := e.Violations[0]; v.Field != c.field || !strings.Contains(v.Reason, c.reason) || !strings.Contains(v.Remedy, c.remedy) {
			t.Errorf("%s: %+v", c.a.Table, v)
		}
	}
	if n := value[int](t, url, "SELECT count(*) FROM onemap.layer WHERE NOT managed"); n != 0 {
		t.Errorf("%d layers were attached", n)
	}
}

func TestNothingIsPublishedThatWasNotAttachedAndDetachLeavesNoTrace(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url) // as a superuser
	sql(t, url, `CREATE TABLE a (k int PRIMARY KEY, geom geometry(Point, 4326))`, `CREATE TABLE b (k int PRIMARY KEY, geom geometry(Point, 4326))`, `CREATE VIEW v AS SELECT * FROM a`,
		`CREATE TABLE parts (k int PRIMARY KEY, geom geometry(Point, 4326)) PARTITION BY RANGE (k)`, `CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000)`, `INSERT INTO parts VALUES (1, 'SRID=4326;POINT(1 1)')`)
	entries, _, err := s.As(layers.Owner).Layers(t.Context())
	if err != nil || len(entries) != 0 {
		t.Fatalf("%v, %v", entries, err)
	}
	// All that the database consists of, but for how often it was looked at.
	const traces = `SELECT string_agg(x, E'\n' ORDER BY x) FROM (
		SELECT 'trigger ' || tgrelid::regclass || ' ' || tgname FROM pg_trigger UNION ALL SELECT 'function ' || oid::regprocedure FROM pg_proc WHERE pronamespace <> 'pg_catalog'::regnamespace
		UNION ALL SELECT 'type ' || oid::regtype FROM pg_type UNION ALL SELECT 'relation ' || oid::regclass FROM pg_class WHERE relname !~ '^(pg_toast|log_)'
		UNION ALL SELECT 'layer ' || id FROM onemap.layer UNION ALL SELECT 'captured ' || layer FROM onemap.captured UNION ALL SELECT 'watched ' || layer FROM onemap.watched
		UNION ALL SELECT 'seen ' || layer FROM onemap.seen UNION ALL SELECT 'freshness ' || layer FROM onemap.freshness UNION ALL SELECT 'version ' || layer FROM onemap.version
		UNION ALL SELECT 'grant ' || relacl::text FROM pg_class WHERE relacl IS NOT NULL) t(x)`
	before := value[string](t, url, traces)
	for _, a := range []layers.Attachment{{Table: "a"}, {Table: "v", Key: "k"}, {Table: "parts"}} {
		if a.Table == "v" {
			polled(t, s, a)
		} else {
			_, at := attach(t, s, a)
			sql(t, url, fmt.Sprintf("INSERT INTO %s VALUES (7, 'SRID=4326;POINT(1 1)')", a.Table), fmt.Sprintf("UPDATE %s SET geom = NULL WHERE k = 7", a.Table))
			if got := next(t, s, at); len(got) == 0 || got[0].ID != "7" {
				t.Errorf("%+v", got)
			}
		}
	}
	all, err := s.Attachments(t.Context())
	if err != nil || len(all) != 3 || all[0].Table != `"public"."a"` || all[1].Kind != "partitioned table" || all[2].Poll != layers.DefaultPoll {
		t.Errorf("%+v, %v", all, err)
	}
	entries, _, err = s.As(layers.Owner).Layers(t.Context())
	if err != nil || len(entries) != 3 { // and not b
		t.Errorf("%v, %v", entries, err)
	}
	for _, id := range []string{"a", "v", "parts"} {
		if _, err := s.Detach(t.Context(), me, id); err != nil {
			t.Error(err)
		}
	}
	if after := value[string](t, url, traces); after != before {
		t.Errorf("detaching left:\n%s", difference(after, before))
	}
	if n := value[int](t, url, "SELECT count(*) FROM a"); n != 1 {
		t.Errorf("the table has %d rows", n)
	}
	define(t, s, layer("managed", layers.Point))
	if _, err := s.Detach(t.Context(), me, "managed"); layers.CodeOf(err) != layers.Invalid {
		t.Errorf("a managed layer was detached: %v", err)
	}
}

// difference is the lines that are in one text only.
func difference(a, b string) string {
	var out []string
	for _, l := range strings.Split(a, "\n") {
		if !slices.Contains(strings.Split(b, "\n"), l) {
			out = append(out, "+ "+l)
		}
	}
	for _, l := range strings.Split(b, "\n") {
		if !slices.Contains(strings.Split(a, "\n"), l) {
			out = append(out, "- "+l)
		}
	}
	return strings.Join(out, "\n")
}

func TestAnAttachedLayerGetsAnotherDefinitionButKeepsItsTable(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	sql(t, url, `CREATE TABLE water (k int PRIMARY KEY, "Name" text, level float8, secret text, geom geometry(Point, 4326))`, `INSERT INTO water VALUES (1, '站', 2.5, 'x', NULL)`)
	found, _ := attach(t, s, layers.Attachment{Table: "water"})
	l := *found.Layer
	l.Title = layers.Text{Zh: "水位", En: "Water levels"}
	l.Schema = layers.Schema{{Name: "level", Type: layers.Number, Title: layers.Text{Zh: "水位"}, Unit: "m"}, {Name: "Name", Type: layers.String, Role: layers.RoleName}}
	at := define(t, s, &l)
	f := one(t, s, "water")
	if len(f.Properties) != 2 || f.Properties["level"] != 2.5 || f.Properties["Name"] != "站" {
		t.Errorf("%+v", f.Properties)
	}
	e, err := s.As(layers.Owner).Layer(t.Context(), "water")
	if err != nil || e.Title.En != "Water levels" || e.Schema[0].Unit != "m" || e.Schema[0].Type != layers.Number || e.Schema[1].Role != layers.RoleName {
		t.Errorf("%+v, %v", e.Layer, err)
	}
	sql(t, url, "UPDATE water SET secret = 'y', level = 3")
	if ch := next(t, s, at); len(ch) != 1 || !reflect.DeepEqual(ch[0].New.Properties, map[string]any{"level": 3.0, "Name": "站"}) {
		t.Errorf("%+v", ch)
	}
	l.Schema = append(l.Schema, layers.Attribute{Name: "colour", Type: layers.String})
	if _, err := s.DefineLayer(t.Context(), me, &l); layers.CodeOf(err) != layers.Invalid || !strings.Contains(err.Error(), "colour") {
		t.Errorf("an attribute without a column: %v", err)
	}
	l.Schema, l.Geometry = nil, layers.Polygon
	if _, err := s.DefineLayer(t.Context(), me, &l); layers.CodeOf(err) != layers.Invalid {
		t.Errorf("another geometry: %v", err)
	}
	if n := value[int](t, url, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'water'::regclass AND attnum > 0 AND NOT attisdropped"); n != 5 {
		t.Errorf("the table has %d columns", n)
	}
	// Dropping the layer is no more than detaching it.
	if _, err := s.DropLayer(t.Context(), me, "water"); err != nil {
		t.Error(err)
	}
	if n := value[int](t, url, "SELECT count(*) FROM water"); n != 1 {
		t.Errorf("the table has %d rows", n)
	}
}

func TestATableThatIsAlteredUnderneathIsMendedByADefinition(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	sql(t, url, `CREATE TABLE a (k int PRIMARY KEY, gone int, kept int, geom geometry(Point, 4326))`, `INSERT INTO a VALUES (1, 1, 1)`, `CREATE TABLE b (k int PRIMARY KEY, geom geometry(Point, 4326))`)
	found, _ := attach(t, s, layers.Attachment{Table: "a"})
	attach(t, s, layers.Attachment{Table: "b"})
	sql(t, url, `ALTER TABLE a DROP COLUMN gone`)
	if _, err := s.As(layers.Owner).Query(t.Context(), layers.Query{Layer: "a", Limit: 1}); layers.CodeOf(err) != layers.Unavailable || !strings.Contains(err.Error(), "altered") {
		t.Errorf("%v", err)
	}
	if entries, _, err := s.As(layers.Owner).Layers(t.Context()); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
	all, err := s.Attachments(t.Context())
	if err != nil || len(all) != 2 || len(all[0].Advice) == 0 || !strings.Contains(all[0].Advice[0].Reason, "gone") {
		t.Errorf("%+v, %v", all, err)
	}
	l := *found.Layer
	l.Schema = l.Schema[1:]
	define(t, s, &l)
	if f := one(t, s, "a"); f.Properties["kept"] != int64(1) {
		t.Errorf("%+v", f)
	}
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sql(t, url, `UPDATE a SET kept = 2`)
	if ch := next(t, s, head); ch[len(ch)-1].New == nil || ch[len(ch)-1].New.Properties["kept"] != int64(2) {
		t.Errorf("%+v", ch)
	}
	sql(t, url, `DROP TABLE a CASCADE`)
	if _, err := s.Detach(t.Context(), me, "a"); err != nil {
		t.Errorf("a table that is gone can't be detached: %v", err)
	}
}

func TestWhoDefinesALayerDoesNotWaitForAViewThatIsSlowToRead(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	sql(t, url, `CREATE TABLE base (k int PRIMARY KEY, geom geometry(Point, 4326))`, `INSERT INTO base VALUES (1)`,
		`CREATE FUNCTION gate(k int) RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN k; END'`,
		`CREATE VIEW slow AS SELECT gate(k) AS k, geom FROM base`)
	found, _ := polled(t, s, layers.Attachment{Table: "slow", Key: "k", Poll: time.Hour})
	gate, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close(context.WithoutCancel(t.Context())) // opens it
	if _, err := gate.Exec(t.Context(), "SELECT pg_advisory_lock(77)"); err != nil {
		t.Fatal(err)
	}
	defined := make(chan error, 1)
	go func() {
		l := *found.Layer
		l.Title.Zh = "慢"
		_, err := s.DefineLayer(t.Context(), me, &l)
		defined <- err
	}()
	for !value[bool](t, url, "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted)") {
	}
	quick, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := s.DefineLayer(quick, me, layer("other", layers.Point)); err != nil {
		t.Errorf("another layer: %v", err)
	}
	if _, err := gate.Exec(t.Context(), "SELECT pg_advisory_unlock(77)"); err != nil {
		t.Fatal(err)
	}
	if err := <-defined; err != nil {
		t.Error(err)
	}
}
