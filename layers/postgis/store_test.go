package postgis_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twpayne/go-geom"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/postgis"
)

var me = layers.Actor{Name: "test"}

func open(t *testing.T, url string) *postgis.Store {
	t.Helper()
	s, err := postgis.Open(t.Context(), url, postgis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func layer(id string, g layers.GeometryType, schema ...layers.Attribute) *layers.Layer {
	return &layers.Layer{ID: id, Title: layers.Text{Zh: "示例"}, Sharing: layers.Unconditional, UpdateCycle: layers.Daily, Geometry: g, Schema: schema}
}

func define(t *testing.T, s layers.Store, l *layers.Layer) layers.Cursor {
	t.Helper()
	c, err := s.DefineLayer(t.Context(), me, l)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func apply(t *testing.T, s layers.Store, layer string, edits ...layers.Edit) layers.Receipt {
	t.Helper()
	r, err := s.Apply(t.Context(), me, layer, edits)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sql runs statements as a department's own program would.
func sql(t *testing.T, url string, statements ...string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // it also cleans up
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, q := range statements {
		if _, err := conn.Exec(ctx, q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// run runs a script.
func run(t *testing.T, url, script string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), script, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
}

// next returns the changes after a cursor, as soon as there are any.
func next(t *testing.T, s layers.Store, after layers.Cursor) []layers.Change {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Wait(ctx, after.Position); err != nil {
		t.Fatal(err)
	}
	commits, err := s.Changes(ctx, after, 100)
	if err != nil {
		t.Fatal(err)
	}
	var all []layers.Change
	for _, c := range commits {
		all = append(all, c.Changes...)
	}
	return all
}

func TestPlainSQLIsHeardOnEveryNode(t *testing.T) {
	url := pgtest.Database(t)
	a, b := open(t, url), open(t, url)
	at := define(t, a, layer("l", layers.Point, layers.Attribute{Name: "水位", Type: layers.Number}))
	sql(t, url, `INSERT INTO layers.l (geom, "水位") VALUES ('SRID=4326;POINT(108 22)', 1.5)`)
	for name, s := range map[string]layers.Store{"a": a, "b": b} {
		got := next(t, s, at)
		if len(got) != 1 || got[0].ID != "1" || got[0].New.Num != 1 || got[0].New.Properties["水位"] != 1.5 {
			t.Errorf("node %s heard %+v", name, got)
		}
	}
	e, err := b.As(layers.Owner).Layer(t.Context(), "l")
	if err != nil || e.Status.Count != 1 || time.Since(e.Status.Updated) > time.Minute {
		t.Errorf("%+v, %v", e.Status, err)
	}
	// An id that the fid would be is taken; an id that is taken away is given again.
	sql(t, url, `INSERT INTO layers.l (id) VALUES ('3')`, `INSERT INTO layers.l DEFAULT VALUES`, `UPDATE layers.l SET id = NULL WHERE fid = 2`)
	page, err := b.As(layers.Owner).Query(t.Context(), layers.Query{Layer: "l", Limit: 10})
	if err != nil || len(page.Features) != 3 || page.Features[1].ID != "2" || !strings.HasPrefix(page.Features[2].ID, "3-") {
		t.Errorf("%+v, %v", page.Features, err)
	}
	// A definition that changes on one node is known on the other at once.
	define(t, a, layer("l", layers.Point, layers.Attribute{Name: "水位", Type: layers.Number}, layers.Attribute{Name: "n", Type: layers.Integer}))
	if r := apply(t, b, "l", layers.Edit{Op: layers.Patch, ID: "1", KeepGeometry: true, Properties: map[string]any{"n": 7}}); r.Results[0].Created {
		t.Errorf("%+v", r)
	}
}

func TestNamesThatAreNoColumnsBecomeSome(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	long := strings.Repeat("很", 63)
	names := []string{"xmin", "ctid", "tableoid", long, strings.Repeat("很", 62) + "x", "t", "v", "a", "i", "u", "select"}
	var schema layers.Schema
	props := map[string]any{}
	for i, name := range names {
		schema = append(schema, layers.Attribute{Name: name, Type: layers.Integer})
		props[name] = int64(i)
	}
	at := define(t, s, layer("l", layers.Point, schema...))
	apply(t, s, "l", layers.Edit{Op: layers.Put, ID: "x", Properties: props})
	f, _, err := s.As(layers.Owner).Feature(t.Context(), "l", "x")
	if err != nil {
		t.Fatal(err)
	}
	image := next(t, s, at)[0].New
	for name, want := range props {
		if f.Properties[name] != want || image.Properties[name] != want {
			t.Errorf("%s is %v, in the log %v", name, f.Properties[name], image.Properties[name])
		}
		page, err := s.As(layers.Owner).Query(t.Context(), layers.Query{Layer: "l", Limit: 1, Count: true, Sort: "-" + name,
			Selection: layers.Selection{Filters: []layers.Filter{{Attribute: name, Value: want}}}})
		if err != nil || page.Matched != 1 || len(page.Features) != 1 {
			t.Errorf("by %s: %+v, %v", name, page, err)
		}
	}
}

func TestATableTakesHeightsWhenTheFirstOneComes(t *testing.T) {
	s := open(t, pgtest.Database(t))
	at := define(t, s, layer("l", layers.MultiPoint))
	apply(t, s, "l", layers.Edit{Op: layers.Put, ID: "flat", Geometry: geom.NewPointFlat(geom.XY, []float64{108, 22})})
	apply(t, s, "l", layers.Edit{Op: layers.Put, ID: "high", Geometry: geom.NewPointFlat(geom.XYZ, []float64{108, 22, 77})})
	for id, layout := range map[string]geom.Layout{"flat": geom.XY, "high": geom.XYZ} {
		f, _, err := s.As(layers.Owner).Feature(t.Context(), "l", id)
		if err != nil || layers.TypeOf(f.Geometry) != layers.MultiPoint || f.Geometry.Layout() != layout {
			t.Errorf("%s is %#v, %v", id, f.Geometry, err)
		}
	}
	for _, ch := range next(t, s, at) {
		if ch.Kind != layers.ChangePut {
			t.Errorf("the log says %+v", ch)
		}
	}
}

func TestADatabaseWithoutPostGISIsRefusedInWords(t *testing.T) {
	url := pgtest.Database(t)
	sql(t, url, "DROP EXTENSION postgis")
	_, err := postgis.Open(t.Context(), url, postgis.Options{})
	if err == nil || !strings.Contains(err.Error(), "CREATE EXTENSION postgis") {
		t.Errorf("%v", err)
	}
}

func TestATableThatIsNotOursIsNotTakenOver(t *testing.T) {
	url := pgtest.Database(t)
	s := open(t, url)
	sql(t, url, "CREATE TABLE layers.theirs (x int)")
	if _, err := s.DefineLayer(t.Context(), me, layer("theirs", layers.Point)); layers.CodeOf(err) != layers.Conflict {
		t.Errorf("%v", err)
	}
	if _, err := s.As(layers.Owner).Layer(t.Context(), "theirs"); layers.CodeOf(err) != layers.NotFound {
		t.Errorf("%v", err)
	}
}

func TestOrdinaryRolesAreEnough(t *testing.T) {
	url := pgtest.Database(t)
	suffix := fmt.Sprint(time.Now().UnixNano()) // roles are the cluster's, which others may use too
	roles := []string{"onemap_server_" + suffix, "onemap_department_" + suffix}
	for _, r := range roles {
		sql(t, url, "CREATE ROLE "+r+" LOGIN PASSWORD 'secret'")
	}
	t.Cleanup(func() { dropRole(t, url, roles...) })
	server, department := pgtest.As(url, roles[0], "secret"), pgtest.As(url, roles[1], "secret")
	if _, err := postgis.Open(t.Context(), server, postgis.Options{}); err == nil || !strings.Contains(err.Error(), "grant it CREATE on the database") {
		t.Errorf("without the right to: %v", err)
	}
	// As docs/postgresql.md says.
	sql(t, url, "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO "+roles[0]+"', current_database()); END $$")
	s := open(t, server)
	at := define(t, s, layer("l", layers.Point, layers.Attribute{Name: "n", Type: layers.Integer}))
	sql(t, server, "GRANT USAGE ON SCHEMA layers TO "+roles[1], "GRANT INSERT ON layers.l TO "+roles[1])
	sql(t, department, "INSERT INTO layers.l (n) VALUES (7)")
	if got := next(t, s, at); len(got) != 1 || got[0].New.Properties["n"] != int64(7) {
		t.Errorf("%+v", got)
	}
}

// dropRole removes roles, before their database goes.
func dropRole(t *testing.T, url string, roles ...string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(context.Background())
	for _, r := range roles {
		if _, err := conn.Exec(context.Background(), "DROP OWNED BY "+r+" CASCADE; DROP ROLE "+r, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Error(err)
		}
	}
}

// holdLock keeps a table locked until it is released.
func holdLock(t *testing.T, url, table string, locked chan<- struct{}, release <-chan struct{}) {
	conn, err := pgx.Connect(context.Background(), url)
	if err == nil {
		defer conn.Close(context.Background())
		_, err = conn.Exec(context.Background(), "BEGIN; LOCK TABLE "+table, pgx.QueryExecModeSimpleProtocol)
	}
	if err != nil {
		t.Error(err)
	}
	close(locked)
	<-release
}
