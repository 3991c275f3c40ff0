package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "onemap"

// rule says that only some packages may import others. A pattern is a package
// path below the module, or "path/..." with everything below it.
type rule struct {
	why     string
	imports []string // packages that are imported
	only    []string // who may
}

var rules = []rule{
	{"PostgreSQL is a store's own business", []string{"github.com/jackc/pgx/...", "github.com/twpayne/pgx-geom"}, []string{"layers/postgis/...", "internal/pgtest", "internal/tilebench"}},
	{"SQLite is the embedded store's business, and the GeoPackage reader's", []string{"modernc.org/sqlite/...", "database/sql"}, []string{"layers/gpkg/...", "internal/ingest/gpkgread"}},
	{"sockets are live's business", []string{"github.com/gorilla/websocket"}, []string{"internal/live/..."}},
	{"routing is the business of api and of the command", []string{"github.com/go-chi/chi/..."}, []string{"internal/api/...", "cmd/..."}},
	{"metrics are handed out as functions", []string{"github.com/prometheus/..."}, []string{"internal/telemetry"}},
	{"the grammar is the command's", []string{"github.com/alecthomas/kong"}, []string{"cmd/..."}},
	{"a store is chosen in one place", []string{module + "/layers/gpkg", module + "/layers/postgis"}, []string{"cmd/...", "layers/gpkg/...", "layers/postgis/..."}},
	{"only the command reads settings", []string{module + "/internal/config", module + "/internal/telemetry", module + "/web"}, []string{"cmd/..."}},
	{"only the command imports files", []string{module + "/internal/ingest"}, []string{"cmd/..."}},
	{"files go out by the command and the API", []string{module + "/internal/formats"}, []string{"cmd/...", "internal/api", "internal/ingest"}},
	{"only ingest reads other people's GeoPackages", []string{module + "/internal/ingest/gpkgread"}, []string{"internal/ingest", "cmd/..."}},
	{"api and live do not know each other", []string{module + "/internal/api/...", module + "/internal/live/...", module + "/internal/feed"}, []string{"cmd/...", "internal/api/...", "internal/live/...", "internal/feed"}},
}

// forbidden is what a package may never import.
var forbidden = []struct {
	why     string
	from    string
	imports []string
	except  []string
}{
	{"the core knows nothing of onemap", "layers", []string{module + "/..."}, []string{module + "/layers", module + "/internal/cql2"}},
	{"the core has no I/O", "layers", []string{"net/http", "database/sql", "os", "net"}, nil},
	{"stores do not know tiles", "layers/...", []string{module + "/tiles/..."}, nil},
	{"stores know only the core", "layers/...", []string{module + "/internal/...", module + "/web", module + "/sample-data"}, []string{module + "/internal/cql2/...", module + "/internal/pgtest"}},
	{"tiles never import a store", "tiles/...", []string{module + "/..."}, []string{module + "/layers", module + "/internal/cql2", module + "/tiles/..."}},
	{"coverage knows only outlines", "tiles/coverage", []string{module + "/..."}, []string{module + "/tiles/coverage"}},
	{"api does not know live or the feed", "internal/api/...", []string{module + "/internal/live/...", module + "/internal/feed"}, nil},
	{"live does not know api or the feed", "internal/live/...", []string{module + "/internal/api/...", module + "/internal/feed"}, nil},
	{"the feed knows only the core", "internal/feed", []string{module + "/..."}, []string{module + "/layers"}},
	{"the pages know nothing of onemap", "web/...", []string{module + "/..."}, []string{module + "/web"}},
}

func TestImportsPointTheWayTheArchitectureSays(t *testing.T) {
	imports := goFiles(t, func(name string) bool { return !strings.HasSuffix(name, "_test.go") })
	if len(imports["layers"]) == 0 {
		t.Fatal("the test looks at the wrong tree: it sees no imports of layers")
	}
	delete(imports, "internal/deps") // only keeps requirements in go.mod that nothing uses yet
	for _, pkg := range slices.Sorted(maps.Keys(imports)) {
		for _, imported := range imports[pkg] {
			for _, r := range rules {
				if matchAny(r.imports, imported) && !matchAny(r.only, pkg) {
					t.Errorf("%s imports %s: %s", pkg, imported, r.why)
				}
			}
			for _, f := range forbidden {
				if match(f.from, pkg) && matchAny(f.imports, imported) && !matchAny(f.except, imported) {
					t.Errorf("%s imports %s: %s", pkg, imported, f.why)
				}
			}
		}
	}
}

func TestPackagesWithoutAnIdeaOfTheirOwnDoNotAppear(t *testing.T) {
	for pkg := range goFiles(t, func(string) bool { return true }) {
		if slices.Contains([]string{"util", "utils", "common", "engine", "types", "helpers", "misc"}, filepath.Base(pkg)) {
			t.Errorf("%s: name it for what it provides", pkg)
		}
	}
}

// goFiles returns the imports of every package below the module's root, found by
// parsing, so that build tags hide nothing.
func goFiles(t *testing.T, take func(name string) bool) map[string][]string {
	t.Helper()
	const root = "../.."
	imports := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n == "node_modules" || n == "testdata" || path != root && strings.HasPrefix(n, ".") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || !take(d.Name()) {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		pkg = filepath.ToSlash(pkg)
		imports[pkg] = append(imports[pkg], []string{}...)
		for _, i := range file.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if !slices.Contains(imports[pkg], name) {
				imports[pkg] = append(imports[pkg], name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}

func matchAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, pkg) })
}

func match(pattern, pkg string) bool {
	if parent, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == parent || strings.HasPrefix(pkg, parent+"/")
	}
	return pkg == pattern
}

func TestAPatternMatchesThePackageAndWhatIsBelowIt(t *testing.T) {
	for _, c := range []struct {
		pattern, pkg string
		want         bool
	}{
		{"layers", "layers", true}, {"layers", "layers/gpkg", false}, {"layers/...", "layers", true},
		{"layers/...", "layers/gpkg", true}, {"layers/...", "layersx", false},
	} {
		if got := match(c.pattern, c.pkg); got != c.want {
			t.Errorf("%s, %s: %v", c.pattern, c.pkg, got)
		}
	}
}
