package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"onemap/layers"
)

// Table is a table that is captured as a layer.
type Table struct {
	Layer        string
	Schema, Name string
	Key          string   // column whose text is the feature's id
	Geometry     string   // column; empty if the table has none
	SRID         int      // of the geometry
	Columns      []string // the attributes
}

// Capture sets the triggers of a table, if they are not there yet, and tells the
// mover how to read its rows. Capturing a layer again replaces what was known of
// it. It does not note a define: that is the caller's to order.
//
// Setting a trigger waits for open writers of the table and lets others wait behind
// it. So it gives up after a moment, with an Unavailable error.
func Capture(ctx context.Context, tx pgx.Tx, t Table) error {
	if err := Release(ctx, tx, t.Layer); err != nil {
		return err
	}
	return patiently(ctx, tx, func(tx pgx.Tx) error {
		root, err := findRelation(ctx, tx, t, "r", "p")
		if err != nil {
			return err
		}
		if err := checkColumns(ctx, tx, root, t); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT onemap.arm($1::oid)", root); err != nil {
			return err
		}
		if err := record(ctx, tx, root, t, false); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `SELECT onemap.learn(no), onemap.enlist(layer, root) FROM onemap.captured WHERE layer = $1 AND relation = $2::oid`, t.Layer, root)
		return err
	}, "capture "+t.Schema+"."+t.Name)
}

func findRelation(ctx context.Context, tx pgx.Tx, t Table, kinds ...string) (relation uint32, err error) {
	err = tx.QueryRow(ctx, `SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind::text = ANY($3)`, t.Schema, t.Name, kinds).Scan(&relation)
	if errors.Is(err, pgx.ErrNoRows) {
		err = layers.Errorf(layers.NotFound, "there is no table %s.%s", t.Schema, t.Name)
	}
	return relation, err
}

// record notes how the rows of a relation are read. The decoder comes of it later.
func record(ctx context.Context, tx pgx.Tx, relation uint32, t Table, watched bool) error {
	columns := t.Columns
	if columns == nil {
		columns = []string{}
	}
	_, err := tx.Exec(ctx, `INSERT INTO onemap.captured (relation, root, layer, key, geometry, columns, srid, shape, schema, name, watched) VALUES ($1::oid, $1::oid, $2, $3, $4, $5, $6, '', $7, $8, $9)`,
		relation, t.Layer, t.Key, t.Geometry, columns, t.SRID, t.Schema, t.Name, watched)
	return err
}

func checkColumns(ctx context.Context, tx pgx.Tx, root uint32, t Table) error {
	wanted := append([]string{t.Key}, t.Columns...)
	if t.Geometry != "" {
		wanted = append(wanted, t.Geometry)
	}
	rows, err := tx.Query(ctx, `SELECT name FROM unnest($2::text[]) name WHERE NOT EXISTS
		(SELECT FROM pg_attribute WHERE attrelid = $1 AND attname = name AND attnum > 0 AND NOT attisdropped)`, root, wanted)
	if err != nil {
		return err
	}
	missing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(missing) == 0 {
		return err
	}
	e := &layers.Error{Code: layers.Invalid, Message: fmt.Sprintf("table %s.%s lacks columns", t.Schema, t.Name)}
	for _, name := range missing {
		e.Violations = append(e.Violations, layers.Violation{Field: "columns", Value: name, Reason: "no such column", Remedy: "name one that the table has"})
	}
	return e
}

// Release removes every trace of a layer's capture from its table. It is no error
// if there is none, or no table any more.
func Release(ctx context.Context, tx pgx.Tx, layer string) error {
	return patiently(ctx, tx, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		// A look that takes minutes is not waited for.
		b.Queue(`SELECT pg_cancel_backend(pid) FROM pg_locks l JOIN onemap.captured c ON c.layer = $1 AND l.objid = c.no::oid
			WHERE l.locktype = 'advisory' AND l.classid = $2::int::oid AND l.objsubid = 2 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`, layer, watchLock)
		b.Queue("DELETE FROM onemap.watched WHERE layer = $1", layer) // before the node that polls takes it up again
		b.Queue("SELECT onemap.release($1)", layer)
		b.Queue("SELECT onemap.unlearn(no) FROM (SELECT no FROM onemap.captured WHERE layer = $1) c", layer)
		b.Queue("DELETE FROM onemap.seen WHERE layer = $1", layer)
		return tx.SendBatch(ctx, b).Close()
	}, "release "+layer)
}

// Note writes a mark about a layer to the outbox, in the caller's transaction: it
// becomes an entry in its place among the changes.
func Note(ctx context.Context, tx pgx.Tx, layer string, kind layers.ChangeKind) error {
	if _, err := tx.Exec(ctx, "SELECT onemap.note($1, $2)", layer, string(kind)); err != nil {
		return fmt.Errorf("note the %s of %s: %w", kind, layer, err)
	}
	return nil
}

const (
	lockPatience = 500 * time.Millisecond // how long a department may wait behind us, at most
	lockTries    = 5
)

// patiently runs DDL on a department's table: it waits for a lock only briefly,
// because whoever comes later waits behind us, and then tries again.
func patiently(ctx context.Context, tx pgx.Tx, f func(pgx.Tx) error, what string) error {
	for try := 1; ; try++ {
		err := pgx.BeginFunc(ctx, tx, func(sub pgx.Tx) error {
			var before string
			if err := sub.QueryRow(ctx, "SELECT current_setting('lock_timeout')").Scan(&before); err != nil {
				return err
			}
			if err := setLockTimeout(ctx, sub, fmt.Sprint(lockPatience.Milliseconds())); err != nil {
				return err
			}
			if err := f(sub); err != nil {
				return err
			}
			return setLockTimeout(ctx, sub, before)
		})
		if !isCode(err, lockNotAvailable) {
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			return nil
		}
		if try == lockTries {
			return layers.Errorf(layers.Unavailable, "%s: the table is being written to or altered; try again when its long transactions have ended: %w", what, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPatience / 2): // those behind us pass
		}
	}
}

func setLockTimeout(ctx context.Context, tx pgx.Tx, value string) error {
	_, err := tx.Exec(ctx, "SELECT set_config('lock_timeout', $1, true)", value)
	return err
}

// SQLSTATEs.
const (
	lockNotAvailable = "55P03"
	noPrivilege      = "42501"
)

func isCode(err error, code string) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == code
}
