package journal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twpayne/go-geom/encoding/ewkb"
	"go.uber.org/goleak"

	"onemap/internal/pgtest"
	"onemap/layers"
	"onemap/layers/postgis/journal"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(main{m})
}

// main stops the shared server between the tests and the search for leaks.
type main struct{ m *testing.M }

func (m main) Run() int { return pgtest.Main(m.m) }

// site is a prepared database with a mover.
type site struct {
	testing.TB
	url  string
	pool *pgxpool.Pool
	j    *journal.Journal
	stop func() // the mover
	at   layers.Cursor
}

// ready prepares a database; nobody moves yet.
func ready(t testing.TB, url string, o journal.Options) *site {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := &site{TB: t, url: url, pool: pool}
	s.tx(func(tx pgx.Tx) error { return journal.Prepare(t.Context(), tx) })
	if o.Log == nil && os.Getenv("ONEMAP_TEST_LOG") != "" {
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	s.j = journal.Open(pool, pool.Config().ConnConfig, o)
	return s
}

// start is a site that moves.
func start(t testing.TB, o journal.Options) *site {
	t.Helper()
	s := ready(t, pgtest.Database(t), o)
	s.run()
	return s
}

func (s *site) run() {
	s.Helper()
	s.stop = runJournal(s.TB, s.j)
	s.at = s.head()
}

func runJournal(t testing.TB, j *journal.Journal) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func (s *site) head() layers.Cursor {
	s.Helper()
	c, err := s.j.Head(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return c
}

func (s *site) exec(sql string, args ...any) {
	s.Helper()
	if _, err := s.pool.Exec(context.Background(), sql, args...); err != nil {
		s.Fatalf("%s: %v", sql, err)
	}
}

func (s *site) tx(f func(pgx.Tx) error) {
	s.Helper()
	if err := pgx.BeginFunc(s.Context(), s.pool, f); err != nil {
		s.Fatal(err)
	}
}

// stations is the table that most tests capture.
var stations = journal.Table{Layer: "stations", Schema: "public", Name: "stations", Key: "id", Geometry: "geom", SRID: 4326, Columns: []string{"name", "level"}}

func (s *site) makeStations() {
	s.Helper()
	s.exec(`CREATE TABLE stations (id int PRIMARY KEY, name text, level numeric, geom geometry(Point, 4326))`)
	s.capture(stations)
}

func (s *site) capture(t journal.Table) {
	s.Helper()
	s.tx(func(tx pgx.Tx) error { return journal.Capture(s.Context(), tx, t) })
}

// moved makes a mark through the outbox and returns what came before it since the
// last call.
func (s *site) moved() []journal.Entry {
	s.Helper()
	var xid uint64
	s.tx(func(tx pgx.Tx) error {
		if err := tx.QueryRow(s.Context(), "SELECT pg_current_xact_id()").Scan(&xid); err != nil {
			return err
		}
		return journal.Note(s.Context(), tx, "mark", layers.ChangeDefine)
	})
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
	defer cancel()
	placed, err := s.j.Moved(ctx, xid)
	if err != nil || len(placed) != 1 || placed[0].Layer != "mark" || placed[0].Kind != layers.ChangeDefine {
		s.Fatalf("the mark became %+v, %v", placed, err)
	}
	var all []journal.Entry
	for s.at.Position < placed[0].Position {
		entries, err := s.j.Read(s.Context(), s.at, 1000)
		if err != nil {
			s.Fatal(err)
		}
		for _, e := range entries {
			if e.Position != s.at.Position+1 {
				s.Fatalf("position %d follows %d", e.Position, s.at.Position)
			}
			s.at.Position = e.Position
			if e.Layer != "mark" {
				all = append(all, e)
			}
		}
	}
	return all
}

// brief is what an entry says: "put 7 {old} {new}", with the place of a point.
func brief(e journal.Entry) string {
	s := string(e.Kind)
	if e.Key != "" {
		s += " " + e.Key
	}
	image := func(i *journal.Image) string {
		if i == nil {
			return " -"
		}
		var attributes map[string]any
		d := json.NewDecoder(bytes.NewReader(i.Attributes))
		d.UseNumber()
		if err := d.Decode(&attributes); err != nil {
			return err.Error()
		}
		b, _ := json.Marshal(attributes)
		s := " " + string(b)
		if i.Geometry != nil {
			g, err := ewkb.Unmarshal(i.Geometry)
			if err != nil {
				return err.Error()
			}
			s += fmt.Sprint("@", g.FlatCoords())
			if g.SRID() != 4326 {
				s += fmt.Sprint(" in ", g.SRID())
			}
		}
		return s
	}
	if e.Kind == layers.ChangePut || e.Kind == layers.ChangeDelete {
		s += image(e.Old) + image(e.New)
	}
	return s
}

// expect compares what was moved since the last call, in order.
func (s *site) expect(what string, want ...string) []journal.Entry {
	s.Helper()
	entries := s.moved()
	var got []string
	for _, e := range entries {
		got = append(got, brief(e))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || len(got) != len(want) {
		s.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
	return entries
}

// name is the site's database.
func (s *site) name() string { return s.pool.Config().ConnConfig.Database }

// urlOf is the URL of another database on the site's server.
func (s *site) urlOf(database string) string {
	u, err := url.Parse(s.url)
	if err != nil {
		s.Fatal(err)
	}
	u.Path = "/" + database
	return u.String()
}
