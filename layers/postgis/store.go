package postgis

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxgeom "github.com/twpayne/pgx-geom"

	"onemap/layers"
	"onemap/layers/postgis/journal"
)

// Options tune a store; the zero value is ready for use.
type Options struct {
	Log         *slog.Logger // default: discard
	Connections int          // of the pool; default 16, unless the URL says pool_max_conns
	Existing    bool         // do not make our schemas if they are missing
	Replica     string       // URL of a read replica; see replica.go
	Journal     journal.Options
}

// tableSchema is where the tables of managed layers are.
const tableSchema = "layers"

// Store is layers in a PostGIS database. It implements layers.Store.
type Store struct {
	log     *slog.Logger
	pool    *pgxpool.Pool
	journal *journal.Journal

	replica   *replica     // nil: there is none
	told      atomic.Int64 // the newest position that anybody has heard of here
	catalogue atomic.Pointer[catalogue]
	statuses  statuses

	run     context.Context // ends with Close
	stop    context.CancelFunc
	done    sync.WaitGroup
	closing sync.Once
}

var _ layers.Store = (*Store)(nil)

// Open connects to a database and makes our schemas there if they are missing.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Journal.Log == nil {
		o.Journal.Log = o.Log
	}
	config, err := poolConfig(url, o)
	if err != nil {
		return nil, err
	}
	second, err := openReplica(ctx, o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	s := &Store{log: o.Log, pool: pool, replica: second}
	s.run, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.prepare(ctx, o.Existing); err != nil {
		s.stop()
		pool.Close()
		second.close()
		return nil, err
	}
	o.Journal.Unarmed = s.unarmed
	s.journal = journal.Open(pool, config.ConnConfig, o.Journal)
	s.done.Go(func() { _ = s.journal.Run(s.run) }) // it logs what goes wrong and ends with the context
	return s, nil
}

// openReplica does not connect yet: a server starts without its replica.
func openReplica(ctx context.Context, o Options) (*replica, error) {
	if o.Replica == "" {
		return nil, nil
	}
	config, err := poolConfig(o.Replica, o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	if err != nil {
		return nil, fmt.Errorf("connect to the read replica: %w", err)
	}
	return &replica{pool: pool, log: o.Log}, nil
}

func poolConfig(url string, o Options) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// pgx leaves the password out of its message.
		return nil, layers.Errorf(layers.Invalid, "the store's URL is not one of PostgreSQL: %w", err)
	}
	if o.Connections > 0 {
		config.MaxConns = int32(o.Connections)
	} else if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = 16 // pgx takes the number of cores; scans wait for their readers rather than for a core
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "onemap"
	}
	config.AfterConnect = findPostGIS
	return config, nil
}

// findPostGIS makes PostGIS's functions known to a connection by their plain names,
// whatever schema it is in, and no other schema's; and lets geometries come and go.
func findPostGIS(ctx context.Context, conn *pgx.Conn) error {
	found, err := conn.Exec(ctx, `SELECT set_config('search_path', 'pg_catalog, ' || quote_ident(nspname), false), set_config('TimeZone', 'UTC', false)
		FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'postgis'`)
	if err != nil || found.RowsAffected() == 0 { // checkVersions will say so
		return err
	}
	return pgxgeom.Register(ctx, conn)
}

//go:embed schema.sql
var schemaSQL string

//go:embed schema2.sql
var schema2SQL string

// migrations bring our tables from the version that is their index to the next.
// They stay as they are once released.
var migrations = []string{schemaSQL, schema2SQL}

func (s *Store) prepare(ctx context.Context, existing bool) error {
	if err := s.checkVersions(ctx); err != nil {
		return err
	}
	if existing {
		var is bool
		if err := s.pool.QueryRow(ctx, "SELECT to_regclass('onemap.store') IS NOT NULL").Scan(&is); err != nil {
			return s.problem(ctx, "look into the database", err)
		}
		if !is {
			return layers.Errorf(layers.NotFound, "there is no map in this database yet; make one with `onemap serve` or `onemap import`")
		}
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := journal.Prepare(ctx, tx); err != nil { // other nodes wait here
			return err
		}
		var exists bool
		var version int
		err := tx.QueryRow(ctx, "SELECT to_regclass('onemap.store') IS NOT NULL").Scan(&exists)
		if err == nil && exists {
			err = tx.QueryRow(ctx, "SELECT version FROM onemap.store").Scan(&version)
		}
		if err != nil {
			return err
		}
		if version > len(migrations) {
			return layers.Errorf(layers.Unavailable, "the database was prepared by a newer onemap; run that one")
		}
		for ; version < len(migrations); version++ {
			if _, err := tx.Exec(ctx, migrations[version], pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "UPDATE onemap.store SET version = $1", version+1); err != nil {
				return err
			}
		}
		if err := tx.QueryRow(ctx, "SELECT to_regnamespace($1) IS NOT NULL", tableSchema).Scan(&exists); err != nil || exists {
			return err
		}
		_, err = tx.Exec(ctx, "CREATE SCHEMA "+quote(tableSchema))
		return err
	})
	if isCode(err, noPrivilege) {
		return fail(layers.Unavailable, "the database role may not make the schemas onemap and layers; grant it CREATE on the database once", err)
	}
	return s.problem(ctx, "prepare the database", err)
}

// checkVersions refuses a server that is too old, in words.
func (s *Store) checkVersions(ctx context.Context) error {
	var server int
	var extension string
	err := s.pool.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, coalesce((SELECT extversion FROM pg_extension WHERE extname = 'postgis'), '')`).
		Scan(&server, &extension)
	if err != nil {
		return s.problem(ctx, "connect to PostgreSQL", err)
	}
	var major, minor int
	_, _ = fmt.Sscanf(extension, "%d.%d", &major, &minor)
	switch {
	case server < 150000:
		return layers.Errorf(layers.Unavailable, "onemap needs PostgreSQL 15 or newer; this server is version %d", server/10000)
	case extension == "":
		return layers.Errorf(layers.Unavailable, "the database has no PostGIS; install it on the server and run CREATE EXTENSION postgis in the database as a superuser")
	case major < 3 || major == 3 && minor < 3:
		return layers.Errorf(layers.Unavailable, "onemap needs PostGIS 3.3 or newer; this database has %s: run SELECT postgis_extensions_upgrade() with a newer one installed", extension)
	}
	return nil
}

// Close stops the background work and closes the connections.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.stop()
		s.done.Wait()
		s.pool.Close()
		s.replica.close()
	})
	return nil
}

// alive returns a context that also ends with the store.
func (s *Store) alive(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	release := context.AfterFunc(s.run, func() { cancel(errClosed) })
	return ctx, func() { release(); cancel(nil) }
}

// Stats tells of the mover, as far as this node knows.
func (s *Store) Stats() journal.Stats { return s.journal.Stats() }
