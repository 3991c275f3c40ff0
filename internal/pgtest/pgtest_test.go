package pgtest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func TestEachDatabaseIsFreshAndHasPostGIS(t *testing.T) {
	a, b := connect(t, Database(t)), connect(t, Database(t))
	if _, err := a.Exec(t.Context(), "CREATE TABLE wells (geom geometry(Point, 4490))"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Exec(t.Context(), "SELECT 1 FROM wells"); err == nil {
		t.Error("the second database sees the first one's table")
	}
}

func TestADatabaseIsGoneAfterItsTestEvenIfSomebodyIsStillConnected(t *testing.T) {
	var name string
	t.Run("test", func(t *testing.T) {
		url := Database(t)
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		name = conn.Config().Database
	})
	var there bool
	err := connect(t, shared.admin).QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there)
	if err != nil || there || name == "" {
		t.Errorf("%q: there %v, %v", name, there, err)
	}
}

func TestAProgramGetsADatabaseThatIsGoneAfterwards(t *testing.T) {
	Database(t) // so that there is a server
	t.Setenv("ONEMAP_TEST_PG", shared.admin)
	var name string
	err := WithDatabase(func(url string) error {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return err
		}
		defer conn.Close(t.Context())
		name = conn.Config().Database
		_, err = conn.Exec(t.Context(), "SELECT postgis_lib_version()")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var there bool
	err = connect(t, shared.admin).QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there)
	if err != nil || there || name == "" {
		t.Errorf("%q: there %v, %v", name, there, err)
	}
}

func TestARoleWithoutRightsConnects(t *testing.T) {
	url := Database(t)
	role := "onemap_role_" + randomName()
	conn := connect(t, url)
	if _, err := conn.Exec(t.Context(), "CREATE ROLE "+role+" LOGIN PASSWORD 'secret'"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // before the database goes, and the connection is closed
		if err := exec(url, "DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	var super bool
	if err := connect(t, As(url, role, "secret")).QueryRow(t.Context(), "SELECT usesuper FROM pg_user WHERE usename = current_user").Scan(&super); err != nil || super {
		t.Errorf("superuser %v, %v", super, err)
	}
}

func TestAServerOfItsOwnSurvivesAnImmediateRestartAndLeavesNothing(t *testing.T) {
	var dir string
	t.Run("test", func(t *testing.T) {
		s := Cluster(t, "fsync=on", "max_connections=20")
		dir = s.dir
		url := s.Database(t)
		conn := connect(t, url)
		if _, err := conn.Exec(t.Context(), "CREATE TABLE t AS SELECT 7 AS n"); err != nil {
			t.Fatal(err)
		}
		s.Restart(t, Immediate)
		if err := conn.Ping(t.Context()); err == nil {
			t.Error("a connection outlived the server")
		}
		var n int
		var fsync, connections string
		err := connect(t, url).QueryRow(t.Context(), "SELECT n, current_setting('fsync'), current_setting('max_connections') FROM t").Scan(&n, &fsync, &connections)
		if err != nil || n != 7 || fsync != "on" || connections != "20" {
			t.Errorf("%d, fsync %s, max_connections %s, %v", n, fsync, connections, err)
		}
		log, err := os.ReadFile(filepath.Join(s.dir, "log"))
		if err != nil || !strings.Contains(string(log), "automatic recovery in progress") {
			t.Errorf("no recovery in the log (%v):\n%s", err, log)
		}
	})
	if exists(dir) || dir == "" {
		t.Errorf("%q is still there", dir)
	}
}

func TestWhatAKilledBinaryLeftIsSweptAndWhatLivesIsNot(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	old := time.Now().Add(-time.Hour)
	left, lock, err := newDir()
	if err != nil {
		t.Fatal(err)
	}
	lock.Close() // as the kernel does
	alive, held, err := newDir()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	for _, dir := range []string{left, alive} {
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	if exists(left) || !exists(alive) {
		t.Errorf("left behind: there %v; alive: there %v", exists(left), exists(alive))
	}
}
