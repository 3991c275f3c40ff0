package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Watch is Capture for what has no triggers: a view, or a table of others. The mover's
// node compares its rows with those that it saw last, so often. version is a column
// that grows with each change of a row, if there is one. What came and went between
// two looks nobody hears of. The first look comes soon, and is a reset of the layer.
func Watch(ctx context.Context, tx pgx.Tx, t Table, every time.Duration, version string) error {
	if err := Release(ctx, tx, t.Layer); err != nil {
		return err
	}
	root, err := findRelation(ctx, tx, t, "r", "p", "v", "m", "f")
	if err != nil {
		return err
	}
	if version != "" {
		t.Columns = append(t.Columns[:len(t.Columns):len(t.Columns)], version) // it is looked for like the others
	}
	if err := checkColumns(ctx, tx, root, t); err != nil {
		return err
	}
	if version != "" {
		t.Columns = t.Columns[:len(t.Columns)-1]
	}
	if err := record(ctx, tx, root, t, true); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO onemap.watched (layer, every, version, due) VALUES ($1, $2, $3, clock_timestamp())", t.Layer, every, version)
	if err == nil {
		_, err = tx.Exec(ctx, "SELECT onemap.learn(no) FROM onemap.captured WHERE layer = $1", t.Layer)
	}
	if err != nil {
		return fmt.Errorf("watch %s.%s: %w", t.Schema, t.Name, err)
	}
	return nil
}

const (
	watchInterval = 250 * time.Millisecond // between two looks at what is due
	watchTimeout  = 5 * time.Minute        // for one look
	watchPatience = time.Second            // for a lock: somebody alters the table, and other layers wait
	watchLock     = lockSpace + 1          // first key of the advisory lock on a layer that is looked at
)

// watch looks at watched layers when they are due. It has a connection of its own,
// because a view may take its time.
func (j *Journal) watch(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, fmt.Sprintf("SET search_path = pg_catalog, pg_temp; SET statement_timeout = %d; SET lock_timeout = %d; SET application_name = 'onemap watch'",
		watchTimeout.Milliseconds(), watchPatience.Milliseconds()), pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	troubled := map[string]bool{}
	for {
		began := time.Now()
		layer, err := j.lookAtNext(ctx, conn)
		switch {
		case layer == "" && err != nil:
			return err
		case err != nil && !isPgError(err):
			return err
		case err != nil:
			due, dueErr := postpone(ctx, conn, layer, time.Since(began))
			if dueErr != nil {
				return dueErr
			}
			if due && !troubled[layer] { // else somebody defines or detaches it
				j.options.Log.Warn("a layer that is polled can't be read, trying on", "layer", layer, "error", err)
				troubled[layer] = true
			}
		case layer != "":
			delete(troubled, layer)
			continue
		}
		if err := pause(ctx, watchInterval); err != nil {
			return err
		}
	}
}

// lookAtNext looks at the layer that is due first, if any is. Should two nodes think
// that they are elected, one of them looks.
func (j *Journal) lookAtNext(ctx context.Context, conn *pgx.Conn) (layer string, err error) {
	return layer, pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var no int32
		err := tx.QueryRow(ctx, `SELECT w.layer, c.no FROM onemap.watched w JOIN onemap.captured c USING (layer)
			WHERE due <= clock_timestamp() AND c.shape = onemap.shape(c.relation) -- or the mover has to mend it first
			ORDER BY due LIMIT 1 FOR UPDATE OF w SKIP LOCKED`).Scan(&layer, &no)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		began := time.Now()
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, $2), onemap.look($3)", watchLock, no, layer); err != nil {
			return err
		}
		_, err = postpone(ctx, tx, layer, time.Since(began))
		return err
	})
}

// postpone says when to look at a layer again, unless somebody else has it. A view that
// is slow to read, or to fail, is left alone for longer.
func postpone(ctx context.Context, q interface {
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
}, layer string, took time.Duration) (bool, error) {
	done, err := q.Exec(ctx, `UPDATE onemap.watched SET due = clock_timestamp() + greatest(every, $2)
		WHERE layer = (SELECT layer FROM onemap.watched WHERE layer = $1 FOR UPDATE SKIP LOCKED)`, layer, 4*took)
	return done.RowsAffected() > 0, err
}
