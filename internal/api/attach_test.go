package api

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"onemap/internal/pgtest"
	"onemap/layers/postgis"
)

// startWithTables is a server in whose database departments have tables, and how
// they write to them.
func startWithTables(t *testing.T) (s *server, sql func(string)) {
	t.Helper()
	url := pgtest.Database(t)
	store, err := postgis.Open(t.Context(), url, postgis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	sql = func(q string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return startOn(t, store, t.TempDir()), sql
}

func TestATableIsAttachedSeenInItemsAndTilesAndDetached(t *testing.T) {
	s, sql := startWithTables(t)
	sql(`CREATE SCHEMA water; CREATE TABLE water.gauges (code text PRIMARY KEY, level float8, geom geometry(Point, 4490)); COMMENT ON TABLE water.gauges IS '水位站';
		INSERT INTO water.gauges VALUES ('G1', 2.5, 'SRID=4490;POINT(108.3 22.8)')`)
	definition := contractOf(t, s.get("/api/openapi.json").body)
	json := header("Content-Type", mediaJSON)
	const body = `{"table":"water.gauges","layer":{"id":"gauges","sharing":"unconditional","open":true}`

	look := s.write("POST", "/api/attachments", body+`,"look":true}`, json).want(t, 200)
	var found map[string]any
	look.into(t, &found)
	definition.check(t, "POST /api/attachments", look)
	if advice := found["advice"].([]any); len(advice) != 1 || !strings.Contains(advice[0].(object)["statement"].(string), "USING gist") {
		t.Errorf("advice %v", advice)
	}
	s.get("/api/collections/gauges").want(t, 404) // it only looked

	made := s.write("POST", "/api/attachments", body+`}`, json).want(t, 201)
	definition.check(t, "POST /api/attachments", made)
	if got := made.Header.Get("Location"); !strings.HasSuffix(got, "/api/collections/gauges") || made.Header.Get(positionHeader) == "" {
		t.Errorf("Location %q", got)
	}
	var c struct{ Title string }
	s.get("/api/collections/gauges").want(t, 200).into(t, &c)
	if c.Title != "水位站" {
		t.Errorf("%+v", c)
	}
	before := s.get("/tiles/gauges/6/51/27").want(t, 200)
	sql(`UPDATE water.gauges SET level = 71.5`)
	// A change below us is in the tile when it is in the log: it takes the mover's way.
	eventually(t, func() bool {
		a := s.get("/tiles/gauges/6/51/27")
		return a.StatusCode == 200 && a.Header.Get("ETag") != before.Header.Get("ETag")
	})
	var f struct{ Properties map[string]any }
	s.get("/api/collections/gauges/items/G1").want(t, 200).into(t, &f)
	if f.Properties["level"] != 71.5 {
		t.Errorf("%+v", f)
	}
	var list struct{ Attachments []map[string]any }
	s.write("GET", "/api/attachments", "").want(t, 200).into(t, &list)
	if len(list.Attachments) != 1 || list.Attachments[0]["table"] != `"water"."gauges"` {
		t.Errorf("%+v", list)
	}
	if got := s.write("PATCH", "/api/collections/gauges/items/G1", `{"properties":{"level":1}}`).want(t, 403); !strings.Contains(got.body, "water.gauges") {
		t.Errorf("%s", got.body)
	}
	s.write("POST", "/api/attachments", body+`}`, json).want(t, 409)
	s.write("DELETE", "/api/attachments/gauges", "").want(t, 204)
	s.get("/api/collections/gauges").want(t, 404)
	s.write("DELETE", "/api/attachments/gauges", "").want(t, 404)
}

func TestAttachingIsTheWritersAndMistakesAreNamed(t *testing.T) {
	s, sql := startWithTables(t)
	sql(`CREATE TABLE t (k int PRIMARY KEY, geom geometry(Point, 4326))`)
	json := header("Content-Type", mediaJSON)
	for body, field := range map[string]string{
		`{"table":"missing"}`: "table", `{}`: "table", `{"table":"t","colour":1}`: "body", `[]`: "body", `{"table":"t","pollSeconds":-1}`: "pollSeconds",
		`{"table":"t","key":"x"}`: "key", `{"table":"t","layer":{"id":"UPPER"}}`: "id", `{"table":"t","layer":{"sharing":"none","open":true}}`: "open",
		`{"table":"onemap.log"}`: "table", `{"table":"t","version":true}`: "version", `{"table":"t","layer":{"schema":[{"name":1}]}}`: "layer.schema.name",
	} {
		a := s.write("POST", "/api/attachments", body, json)
		if got := a.fields(t); got != field || a.StatusCode >= 500 || strings.Contains(a.body, "Go ") {
			t.Errorf("%s: %d, fields %q: %s", body, a.StatusCode, got, a.body)
		}
	}
	const good = `{"table":"t"}`
	s.send("POST", "/api/attachments", good, json).want(t, 401)
	s.send("POST", "/api/attachments", good, json, bearer(s.tokens.Official())).want(t, 403)
	s.get("/api/attachments").want(t, 401)
	s.get("/api/attachments", bearer(s.tokens.Official())).want(t, 403)
	s.write("POST", "/api/attachments", good, json).want(t, 201)
	s.send("DELETE", "/api/attachments/t", "").want(t, 404) // the public does not see it
	s.send("DELETE", "/api/attachments/t", "", bearer(s.tokens.Official())).want(t, 403)
	// What only its department may see, no list of ours tells of.
	s.write("DELETE", "/api/attachments/t", "").want(t, 204)
	s.write("POST", "/api/attachments", `{"table":"t","layer":{"sharing":"none"}}`, json).want(t, 201)
	if a := s.write("GET", "/api/attachments", "").want(t, 200); a.body != "{\"attachments\":[]}\n" {
		t.Errorf("%s", a.body)
	}
}

// eventually waits until something holds that nobody can be told of.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not happen")
		}
	}
}
