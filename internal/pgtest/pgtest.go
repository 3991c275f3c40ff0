package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// What onemap runs on in production, and so what it is tested on.
const (
	minServer  = 150000 // server_version_num
	minPostGIS = "3.3"
)

// shared is what all tests of the binary use together.
var shared struct {
	sync.Mutex
	main   bool    // Main runs and will clean up
	server *Server // the throw-away cluster; nil if ONEMAP_TEST_PG names one
	admin  string  // URL of the maintenance database; "" until the first test asks
	err    error
}

// Main runs the binary's tests and stops what they shared. TestMain hands its
// result to os.Exit, or calls it between the checks it makes itself.
func Main(m interface{ Run() int }) int {
	shared.Lock()
	shared.main = true
	shared.Unlock()
	code := m.Run()
	if err := closeShared(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	return code
}

// Database returns the URL of a fresh database with PostGIS, by which a superuser
// connects. It is dropped after the test, whoever is still connected.
func Database(t testing.TB) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.main {
		t.Fatal(`pgtest: the package's tests need func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }`)
	}
	if shared.admin == "" && shared.err == nil {
		shared.admin, shared.err = openShared()
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return createDatabase(t, shared.admin)
}

// With runs f while a server runs, and gives it the URL of a superuser: for tests
// that are not written in Go.
// Settings are as those of Cluster; a server that ONEMAP_TEST_PG names has its own.
func With(f func(url string) error, settings ...string) error {
	if admin := os.Getenv("ONEMAP_TEST_PG"); admin != "" {
		return f(admin)
	}
	s, err := start(settings)
	if err != nil {
		return err
	}
	return errors.Join(f(s.URL()), s.remove())
}

// WithDatabase is With, and the URL is that of a fresh database with PostGIS, which
// is dropped after f.
func WithDatabase(f func(url string) error, settings ...string) error {
	return With(func(admin string) error {
		name := "onemap_test_" + randomName()
		err := makePostGIS(admin, name)
		if err == nil {
			err = f(withDatabase(admin, name))
		}
		return errors.Join(err, dropDatabase(admin, name))
	}, settings...)
}

// As returns the URL with another role: how a test connects as somebody who is
// no superuser. The role needs a password.
func As(dbURL, role, password string) string {
	u, err := url.Parse(dbURL)
	if err != nil {
		panic(err) // not one of ours
	}
	u.User = url.UserPassword(role, password)
	return u.String()
}

func openShared() (string, error) {
	admin := os.Getenv("ONEMAP_TEST_PG")
	if admin == "" {
		s, err := start(nil)
		if err != nil {
			return "", err
		}
		shared.server = s
		admin = s.URL()
	}
	return admin, makePostGIS(admin, template)
}

func closeShared() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		return shared.server.remove()
	}
	if shared.admin == "" {
		return nil
	}
	return dropDatabase(shared.admin, template)
}

// template is the database that fresh ones are copied from: a copy with PostGIS
// takes a fraction of what CREATE EXTENSION does. The name is this process's
// own, because several binaries may use the server of ONEMAP_TEST_PG at once.
var template = "onemap_template_" + randomName()

// makePostGIS makes a database with PostGIS.
func makePostGIS(admin, name string) error {
	err := exec(admin, "CREATE DATABASE "+name+" ENCODING 'UTF8' TEMPLATE template0")
	if err != nil {
		return fmt.Errorf("make a database: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, withDatabase(admin, name))
	if err != nil {
		return fmt.Errorf("connect to the new database: %w", err)
	}
	// Closed before the first copy: PostgreSQL does not copy a database in use.
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE EXTENSION postgis"); err != nil {
		return fmt.Errorf("PostGIS is missing: %w; %s", err, remedy)
	}
	var server int
	var postgis string
	var ok bool
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, postgis_lib_version(),
		string_to_array(substring(postgis_lib_version() FROM '^\d+\.\d+'), '.')::int[] >= string_to_array($1, '.')::int[]`, minPostGIS).
		Scan(&server, &postgis, &ok)
	if err != nil {
		return fmt.Errorf("ask for the versions: %w", err)
	}
	if server < minServer || !ok {
		return fmt.Errorf("onemap needs PostgreSQL %d with PostGIS %s or newer, this is %d with %s; %s", minServer/10000, minPostGIS, server, postgis, remedy)
	}
	return nil
}

func createDatabase(t testing.TB, admin string) string {
	t.Helper()
	name := "onemap_test_" + randomName()
	if err := exec(admin, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("pgtest: make a database: %v", err)
	}
	t.Cleanup(func() {
		if err := dropDatabase(admin, name); err != nil {
			t.Errorf("pgtest: drop the test's database: %v", err)
		}
	})
	return withDatabase(admin, name)
}

func dropDatabase(admin, name string) error {
	return exec(admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

// exec runs one statement on a connection of its own. A name in it is a random one of ours.
func exec(dbURL, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, dbURL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

func withDatabase(admin, name string) string {
	u, err := url.Parse(admin)
	if err != nil {
		panic(err) // pgx has connected with it
	}
	u.Path = "/" + name
	return u.String()
}

func randomName() string { return strings.ToLower(rand.Text()[:12]) }
