package postgis_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onemap/internal/pgtest"
	"onemap/layers"
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
	s := open(t, server.Database(t))
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
			if _, err := reader.Aggregate(t.Context(), layers.AggregateQuery{Layer: l.ID, GroupBy: a.Name}); err != nil {
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
