package gpkg

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"onemap/layers"
)

// standardSQL makes the tables of any GeoPackage, schemaSQL those of ours.
var (
	//go:embed standard.sql
	standardSQL string
	//go:embed schema.sql
	schemaSQL string
)

// Options tune a store; the zero value is ready for use.
type Options struct {
	Log       *slog.Logger  // default: discard
	Poll      time.Duration // how often to look for other processes' commits; default 25 ms
	Retention Retention
	Readers   int // read connections; default 8
}

// Retention says how much of the log is kept. Zero values mean the defaults.
type Retention struct {
	Changes int64         // default 500,000
	Age     time.Duration // default 7 days; what is younger than a minute is always kept
}

// Store is an open GeoPackage. It implements layers.Store.
type Store struct {
	log       *slog.Logger
	retention Retention
	read      *sql.DB
	scan      *sql.DB // for whole tables: each page is needed once, so its connections keep few
	write     *sql.DB
	writer    *writer
	watch     *sql.Conn

	catalogue atomic.Pointer[catalogue]
	mu        sync.Mutex // guards head and moved
	head      layers.Position
	moved     chan struct{} // closed and replaced when head grows

	wal    string // its path
	stop   context.CancelFunc
	done   sync.WaitGroup
	closed atomic.Bool
}

var _ layers.Store = (*Store)(nil)

// Open opens the GeoPackage at path and creates it if it does not exist.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if err := registerFunctions(); err != nil {
		return nil, fmt.Errorf("register SQL functions: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Poll <= 0 {
		o.Poll = 25 * time.Millisecond
	}
	if o.Readers <= 0 {
		o.Readers = 8
	}
	if o.Retention.Changes <= 0 {
		o.Retention.Changes = 500_000
	}
	if o.Retention.Age <= 0 {
		o.Retention.Age = 7 * 24 * time.Hour
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	s := &Store{log: o.Log, retention: o.Retention, wal: path + "-wal", moved: make(chan struct{})}
	if err := s.open(ctx, path, o); err != nil {
		if s.write != nil {
			_ = s.write.Close()
		}
		for _, db := range []*sql.DB{s.read, s.scan} {
			if db != nil {
				_ = db.Close()
			}
		}
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	run, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.done.Go(func() { s.writer.run(run) })
	s.done.Go(func() { (&watcher{s: s}).run(run, o.Poll) })
	s.done.Go(func() { s.maintain(run) })
	s.done.Go(func() { s.checkpoint(run) })
	return s, nil
}

func (s *Store) open(ctx context.Context, path string, o Options) (err error) {
	dsn := func(cacheKiB int, pragmas ...string) string {
		q := url.Values{"_pragma": append([]string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)",
			"recursive_triggers(1)", "temp_store(memory)", fmt.Sprintf("cache_size(%d)", -cacheKiB), "wal_autocheckpoint(0)", fmt.Sprintf("journal_size_limit(%d)", checkpointAt)}, pragmas...)}
		return "file:" + url.PathEscape(path) + "?" + q.Encode()
	}
	if s.write, err = sql.Open("sqlite", dsn(64<<10)); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	if err := initialise(ctx, conn); err != nil {
		return err
	}
	if s.read, err = sql.Open("sqlite", dsn(64<<10, "query_only(1)")); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(4*o.Readers + 1) // one of them watches; who scans may ask for more meanwhile
	s.read.SetMaxIdleConns(o.Readers + 1)
	if s.scan, err = sql.Open("sqlite", dsn(2<<10, "query_only(1)")); err != nil {
		return err
	}
	s.scan.SetMaxOpenConns(2 * o.Readers)
	if s.watch, err = s.read.Conn(ctx); err != nil {
		return err
	}
	s.writer = newWriter(s, conn)
	// What others wrote while no onemap ran is in the outbox or lacks triggers.
	if err := s.writer.one(ctx, (*txn).adoptTables); err != nil {
		return err
	}
	if err := s.measure(ctx, s.writer.one); err != nil {
		return err
	}
	return s.refresh(ctx)
}

// applicationID says "GPKG" in the head of a file.
const applicationID = 0x47504B47

// markSQL says that a file is a GeoPackage 1.3.0.
var markSQL = fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = 10300", applicationID)

// initialise makes the file a GeoPackage with our tables, if it isn't one.
func initialise(ctx context.Context, conn *sql.Conn) error {
	var id int64
	if err := conn.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if id != 0 && id != applicationID && id != 0x47503130 && id != 0x47503131 {
		return layers.Errorf(layers.Invalid, "the file is not a GeoPackage; name another file")
	}
	for _, q := range []string{"BEGIN IMMEDIATE", standardSQL, schemaSQL} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	if id == 0 {
		if _, err := conn.ExecContext(ctx, markSQL); err != nil {
			return err
		}
	}
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		return err
	}
	// GDAL reads the application id from the file itself, not from the WAL.
	_, err := conn.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
	return err
}

// Close stops the background work and closes the file.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.stop()
	s.done.Wait()
	_ = s.watch.Close()
	if err := s.measure(context.Background(), s.writer.one); err != nil {
		s.log.Warn("the layers' extents could not be brought up to date", "error", err)
	}
	err := errors.Join(s.read.Close(), s.scan.Close())
	// Open statements would keep the WAL, and a copy of the file alone would lack
	// what is in it.
	s.writer.forget()
	if _, e := s.writer.conn.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)"); err == nil {
		err = e
	}
	_ = s.writer.conn.Close()
	if e := s.write.Close(); err == nil {
		err = e
	}
	return err
}

// maintain trims the log and measures the layers now and then.
func (s *Store) maintain(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.Trim(ctx, s.retention); err != nil && ctx.Err() == nil {
				s.log.Warn("the change log could not be trimmed", "error", err)
			}
			if err := s.measure(ctx, s.writer.do); err != nil && ctx.Err() == nil {
				s.log.Warn("the layers' extents could not be brought up to date", "error", err)
			}
		}
	}
}
