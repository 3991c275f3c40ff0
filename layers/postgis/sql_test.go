package postgis_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/postgis"
)

// Every name and value of the test holds one of these.
const (
	markText = "隹"
	markID   = "zqx" // layer ids are plain letters
)

// quoted are identifiers as pgx writes them.
var quoted = regexp.MustCompile(`"(?:[^"]|"")*"`)

// TestNoByteOfAUserIsInTheTextOfAStatement reads the server's own log of all
// statements: outside quoted identifiers, nothing of what users named or sent is in it.
func TestNoByteOfAUserIsInTheTextOfAStatement(t *testing.T) {
	server := pgtest.Cluster(t, "log_statement=all", "log_parameter_max_length=0", "log_parameter_max_length_on_error=0", "log_error_verbosity=terse",
		"logging_collector=on", "log_directory='statements'", "log_filename='all'", "log_file_mode=0644", "log_line_prefix='@@'")
	url := server.Database(t)
	s := open(t, url)
	name := rapid.StringMatching(`[\p{L}_][\p{L}\p{N}_]{0,12}`)
	value := rapid.Custom(func(t *rapid.T) string {
		hostile := rapid.SampledFrom([]string{`'`, `"`, `\`, `;--`, `$1`, `%s`, `%`, `'; DROP TABLE onemap.log; --`, `$$`, `/*`, "\n"})
		return hostile.Draw(t, "before") + markText + rapid.StringN(0, 10, -1).Draw(t, "text") + hostile.Draw(t, "after")
	})
	id := rapid.StringMatching(`[a-z0-9][a-z0-9_-]{0,10}` + markID)
	for seed := range 15 {
		l := layer(id.Example(seed), layers.Point)
		types := []layers.DataType{layers.String, layers.String, layers.Integer, layers.DateTime, layers.JSON}
		for i, typ := range types {
			l.Schema = append(l.Schema, layers.Attribute{Name: name.Example(100*seed+i) + markText + fmt.Sprint(i), Type: typ})
		}
		l.Title.Zh = value.Example(seed)
		l.Schema[0].Role, l.Schema[1].Role = layers.RoleName, layers.RoleDivision
		define(t, s, l)
		v := strings.ReplaceAll(value.Example(seed), "\x00", "")
		key, text := v+"id", map[string]any{l.Schema[0].Name: v, l.Schema[1].Name: "450103" + markText, l.Schema[4].Name: v}
		apply(t, s, l.ID, layers.Edit{Op: layers.Put, ID: key, Properties: text}, layers.Edit{Op: layers.Create, Properties: text})
		apply(t, s, l.ID, layers.Edit{Op: layers.Patch, ID: key, KeepGeometry: true, Properties: map[string]any{l.Schema[2].Name: 7, l.Schema[0].Name: v + "2"}})
		reader := s.As(layers.Owner)
		if f, _, err := reader.Feature(t.Context(), l.ID, key); err != nil || f.Properties[l.Schema[0].Name] != v+"2" {
			t.Fatalf("%q: %+v, %v", key, f, err)
		}
		for _, a := range l.Schema {
			q := layers.Query{Layer: l.ID, Limit: 1, Count: true, Sort: "-" + a.Name, Selection: layers.Selection{Text: markText, Division: "450100"}}
			page, err := reader.Query(t.Context(), q)
			if err != nil || page.Matched != 2 || page.Next == "" {
				t.Fatalf("sorted by %s: %+v, %v", a.Name, page, err)
			}
			q.After = page.Next
			if page, err = reader.Query(t.Context(), q); err != nil || len(page.Features) != 1 {
				t.Fatalf("the second page by %s: %+v, %v", a.Name, page, err)
			}
			if _, err := reader.Aggregate(t.Context(), layers.AggregateQuery{Layer: l.ID, GroupBy: []string{a.Name}}); err != nil {
				t.Fatal(err)
			}
			// Of the wrong type for most: refused, not written.
			_, _ = reader.Query(t.Context(), layers.Query{Layer: l.ID, Limit: 1, Selection: layers.Selection{Filters: []layers.Filter{{Attribute: a.Name, Value: v}}}})
		}
		l.Schema = l.Schema[1:]
		define(t, s, l)
		if _, err := s.DropLayer(t.Context(), layers.Actor{Name: v}, l.ID); err != nil {
			t.Fatal(err)
		}
	}
	attachHostile(t, s, url)
	log, err := os.ReadFile(filepath.Join(server.DataDir(), "statements", "all"))
	if err != nil || strings.Count(string(log), `INSERT INTO "layers"."`) < 15 {
		t.Fatalf("the test looks at the wrong log (%v), %d bytes", err, len(log))
	}
	for _, statement := range strings.Split(string(log), "\n@@") {
		if strings.HasPrefix(statement, "ERROR:") { // it tells the value that was refused
			continue
		}
		if bare := quoted.ReplaceAllString(statement, `""`); strings.Contains(bare, markText) || strings.Contains(bare, markID) {
			t.Errorf("%s", bare[:min(2000, len(bare))])
			return
		}
	}
}

// attachHostile publishes a table and a view whose every name is hostile.
func attachHostile(t *testing.T, s *postgis.Store, url string) {
	t.Helper()
	for i, bad := range []string{`'`, `"`, `\`, `;--`, `$1`, `%s`, `%`, `'; DROP TABLE onemap.log; --`, `$$`, `/*`, "a\nb"} {
		name := func(what string) string { return pgx.Identifier{bad + markText + what}.Sanitize() }
		schema, table, view := name("schema"), name("schema")+"."+name("table"), name("schema")+"."+name("view")
		sql(t, url, "CREATE SCHEMA "+schema, fmt.Sprintf("CREATE TYPE %s.%s AS ENUM ('a')", schema, name("enum")),
			fmt.Sprintf("CREATE TABLE %s (%s text PRIMARY KEY, %s int, %s %s.%s, %s bigint, %s geometry)", table, name("key"), name("n"), name("e"), schema, name("enum"), name("version"), name("geom")),
			fmt.Sprintf("INSERT INTO %s SELECT 'k', 1, 'a', 1, 'SRID=4490;POINT(108 22)'", table), fmt.Sprintf("CREATE VIEW %s AS SELECT * FROM %s", view, table))
		ids := []string{fmt.Sprintf("t%d%s", i, markID), fmt.Sprintf("v%d%s", i, markID)}
		key, version := bad+markText+"key", bad+markText+"version"
		attach(t, s, layers.Attachment{Table: table, Layer: layers.Layer{ID: ids[0]}})
		_, at := polled(t, s, layers.Attachment{Table: view, Layer: layers.Layer{ID: ids[1]}, Key: key, Version: version, Poll: often})
		sql(t, url, fmt.Sprintf("UPDATE %s SET %s = 2, %s = 2", table, name("n"), name("version")))
		heard := map[string]bool{}
		for len(heard) < 2 {
			for _, ch := range next(t, s, at) {
				heard[ch.Layer], at.Position = true, ch.Position
				if ch.Kind != layers.ChangePut || ch.Old == nil || ch.ID != "k" {
					t.Fatalf("%q: %+v", bad, ch)
				}
			}
		}
		for _, id := range ids {
			f := one(t, s, id)
			e, err := s.As(layers.Owner).Layer(t.Context(), id)
			if err != nil || f.Properties[e.Schema[0].Name] != int64(2) {
				t.Fatalf("%q: %+v, %v", bad, f, err)
			}
			for _, a := range e.Schema {
				sel := layers.Selection{Filters: []layers.Filter{{Attribute: a.Name, Value: f.Properties[a.Name]}}}
				if page, err := s.As(layers.Owner).Query(t.Context(), layers.Query{Layer: id, Limit: 1, Sort: a.Name, Selection: sel}); err != nil || len(page.Features) != 1 {
					t.Fatalf("%q, %s: %v, %v", bad, a.Name, page.Features, err)
				}
			}
			if _, err := s.Detach(t.Context(), me, id); err != nil {
				t.Fatal(err)
			}
		}
	}
}
