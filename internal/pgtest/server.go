package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const remedy = "run .ci/install-test-deps, or set ONEMAP_TEST_PG to the URL of a superuser on a server that has them"

// Server is a throw-away cluster.
type Server struct {
	dir      string   // holds the data, the log and the lock that says we live
	lock     *os.File // held while the cluster is in use
	bin      string
	port     int
	password string
	settings []string
	owner    *syscall.SysProcAttr // as whom the server runs
	process  *osexec.Cmd          // nil while it is stopped
	exited   chan struct{}        // closed when process is gone
}

// Cluster starts a server of the test's own, for a test that stops, starves or
// breaks it. Settings are lines of postgresql.conf that come last, e.g.
// "fsync=on". It is removed after the test.
func Cluster(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := start(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server's log ends with:\n%s", s.logTail())
		}
		if err := s.remove(); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	if err := makePostGIS(s.URL(), template); err != nil {
		t.Fatal(err)
	}
	return s
}

// URL is how a superuser connects to the maintenance database.
func (s *Server) URL() string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", s.password), Host: s.Addr(), Path: "/postgres", RawQuery: "sslmode=disable"}
	return u.String()
}

// Addr is the server's host and port, for a proxy in front of it.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// DataDir is the server's data directory, for tools that read or copy it.
func (s *Server) DataDir() string { return filepath.Join(s.dir, "data") }

// Bin returns the path of one of PostgreSQL's own programs, of the server's version.
func (s *Server) Bin(program string) string { return filepath.Join(s.bin, program) }

// Database returns the URL of a fresh database with PostGIS on this server. It
// goes with the server.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := "onemap_test_" + randomName()
	if err := exec(s.URL(), "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("pgtest: make a database: %v", err)
	}
	return withDatabase(s.URL(), name)
}

// Mode is how the server is stopped.
type Mode syscall.Signal

const (
	Fast      = Mode(syscall.SIGINT)  // connections are cut, everything is written
	Immediate = Mode(syscall.SIGQUIT) // as after a loss of power: recovery at the next start
)

// Stop ends the server and returns when it is gone.
func (s *Server) Stop(t testing.TB, mode Mode) {
	t.Helper()
	if err := s.stop(syscall.Signal(mode)); err != nil {
		t.Fatalf("pgtest: stop the server: %v", err)
	}
}

// Start starts a stopped server at the same address and returns when it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.run(); err != nil {
		t.Fatalf("pgtest: start the server again: %v", err)
	}
}

// Restart stops the server and starts it again.
func (s *Server) Restart(t testing.TB, mode Mode) {
	t.Helper()
	s.Stop(t, mode)
	s.Start(t)
}

func start(settings []string) (*Server, error) {
	bin, err := findPostgres()
	if err != nil {
		return nil, err
	}
	owner, uid, err := serverOwner()
	if err != nil {
		return nil, err
	}
	sweep()
	s := &Server{bin: bin, owner: owner, password: rand.Text(), settings: settings}
	if s.dir, s.lock, err = newDir(); err != nil {
		return nil, err
	}
	if err := s.create(uid); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	// Between the choice of a free port and its use another process may take it.
	for try := 0; ; try++ {
		if s.port, err = freePort(); err == nil {
			err = s.run()
		}
		if err == nil {
			return s, nil
		}
		if try == 2 {
			return nil, errors.Join(err, s.remove())
		}
	}
}

// create makes the cluster's files. A password, because a superuser of
// PostgreSQL runs programs and others may use this machine. Text sorts as in
// Chinese, as in production, so that a query that forgot COLLATE "C" is found out.
func (s *Server) create(uid int) error {
	if uid >= 0 {
		if err := os.Chown(s.dir, uid, -1); err != nil {
			return err
		}
	}
	pwfile := filepath.Join(s.dir, "password")
	if err := os.WriteFile(pwfile, []byte(s.password), 0o600); err != nil {
		return err
	}
	if uid >= 0 {
		if err := os.Chown(pwfile, uid, -1); err != nil {
			return err
		}
	}
	cmd := osexec.Command(s.Bin("initdb"), "--pgdata", s.DataDir(), "--no-sync", "--username=postgres", "--auth=md5", "--pwfile="+pwfile,
		"--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=zh")
	cmd.Dir, cmd.SysProcAttr, cmd.Env = s.dir, s.owner, environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	conf, err := os.OpenFile(filepath.Join(s.DataDir(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer conf.Close()
	lines := append(slices.Clone(defaults), s.settings...)
	_, err = conf.WriteString("\n" + strings.Join(lines, "\n") + "\n")
	return err
}

// defaults are fast rather than safe: a cluster that is thrown away does not
// outlive a loss of power. Logical replication is on, because capture must see
// what its apply worker writes.
var defaults = []string{
	"listen_addresses='127.0.0.1'", "unix_socket_directories=''", "max_connections=200", "shared_buffers='128MB'",
	"fsync=off", "full_page_writes=off", "synchronous_commit=on", "wal_level=logical", "max_wal_size='2GB'", "checkpoint_timeout='15min'",
	"max_wal_senders=10", "max_replication_slots=10", "max_logical_replication_workers=8", "max_worker_processes=16",
	"timezone='UTC'", "log_timezone='UTC'", "lc_messages='C'", "jit=off", "log_line_prefix='%m [%p] %d %u '",
}

// run starts the server and waits until it answers.
func (s *Server) run() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := osexec.Command(s.Bin("postgres"), "-D", s.DataDir(), "-p", strconv.Itoa(s.port))
	cmd.Dir, cmd.SysProcAttr, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.owner, environment(), log, log
	exited := make(chan struct{})
	if err := startBound(cmd, exited); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.process, s.exited = cmd, exited
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.URL())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-exited:
			s.process = nil
			return fmt.Errorf("PostgreSQL ended at its start:\n%s", s.logTail())
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, s.logTail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) stop(signal syscall.Signal) error {
	if s.process == nil {
		return nil
	}
	if err := s.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-s.exited
	s.process = nil
	return nil
}

func (s *Server) remove() error {
	err := s.stop(syscall.SIGQUIT)
	return errors.Join(err, os.RemoveAll(s.dir), s.lock.Close())
}

func (s *Server) logTail() string {
	b, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-4000):])
}

// environment leaves out what would lead PostgreSQL's programs elsewhere.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "PG") || strings.HasPrefix(v, "LC_") || strings.HasPrefix(v, "LANG")
	})
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
