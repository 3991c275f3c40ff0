package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	upkeepInterval = time.Second
	vacuumEvery    = 20_000    // rows taken out of the outbox
	segments       = 8         // that the log is cut into, about: what trimming drops at once
	outboxFile     = 128 << 20 // bytes that it may keep when it is empty: to cut it and to let it grow again slows writers
	unarmedAfter   = 5         // seconds: a table that is being restored gets its owner only after it is made
	// briefly is how long upkeep waits for a lock. Departments wait behind it.
	briefly = "20"
)

// takeOver looks whether history forked while nobody moved: then positions that
// others hold mean nothing any more, and a new epoch says so.
func (m *mover) takeOver(ctx context.Context) error {
	var forked bool
	err := m.conn.QueryRow(ctx, "SELECT identity <> onemap.identity() FROM onemap.state").Scan(&forked)
	if err != nil {
		return err
	}
	if forked {
		if err := m.newEpoch(ctx, "the database was restored, or failed over"); err != nil {
			return err
		}
	}
	return m.extendLease(ctx)
}

// newEpoch starts a new lineage. What waits in the outbox is thrown away, because
// its images may be older than what readers of the new epoch begin with; marks stay.
func (m *mover) newEpoch(ctx context.Context, why string) error {
	if err := m.extendLease(ctx); err != nil { // first, or the next writer is missed again
		return err
	}
	var epoch string
	err := pgx.BeginFunc(ctx, m.conn, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue("DELETE FROM onemap.missed WHERE ctid IN (SELECT ctid FROM onemap.missed FOR UPDATE SKIP LOCKED)")
		b.Queue("DELETE FROM onemap.outbox WHERE op <> 'N'")
		// In a restored database, images are read by other types than those that were dumped.
		b.Queue("UPDATE onemap.captured SET shape = '' WHERE shape IS NOT NULL AND (SELECT identity FROM onemap.state) <> onemap.identity()")
		// The position goes on, so that a feature's version never goes back.
		b.Queue("UPDATE onemap.state SET epoch = onemap.new_epoch(), identity = onemap.identity(), position = position + 1, floor = position + 1, origin = position + 1 RETURNING epoch").
			QueryRow(func(row pgx.Row) error { return row.Scan(&epoch) })
		b.Queue("SELECT onemap.next_segment()")
		b.Queue("SELECT pg_notify('onemap_log', '')")
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return err
	}
	m.options.Log.Warn("a new epoch begins: whoever reads the log reads everything again", "why", why, "epoch", epoch)
	m.wake()
	return nil
}

// extendLease lets departments write on.
func (m *mover) extendLease(ctx context.Context) error {
	_, err := m.conn.Exec(ctx, `SELECT setval('onemap.lease', s.last_value + $1) FROM onemap.outbox_id s, onemap.lease l
		WHERE l.last_value < s.last_value + $1 / 2 OR l.last_value > s.last_value + $1`, m.options.Outbox)
	return err
}

// upkeep does what is due now and then.
func (m *mover) upkeep(ctx context.Context) error {
	for _, f := range []func(context.Context) error{m.extendLease, m.mend, m.cut, m.trim, m.vacuum} {
		if err := f(ctx); err != nil {
			return err
		}
	}
	if lag := m.Stats().Lag; lag > time.Second {
		m.options.Log.Warn("the mover lags behind the departments", "lag", lag)
	}
	return nil
}

type ailing struct {
	Layer string
	Root  uint32
}

// mend looks after tables that were altered below us.
func (m *mover) mend(ctx context.Context) error {
	rows, err := m.conn.Query(ctx, "SELECT layer, root::oid FROM onemap.ailing")
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ailing])
	if err != nil {
		return err
	}
	before := m.ailing
	m.ailing = map[string]int{}
	for _, a := range found {
		err := m.briefly(ctx, "SELECT onemap.mend($1, $2::oid)", a.Layer, a.Root)
		if isPgError(err) { // it stays ailing; the next second is another try
			if m.ailing[a.Layer] = before[a.Layer] + 1; m.ailing[a.Layer] == 1 {
				m.options.Log.Warn("the table of a layer was changed below us and can't be mended", "layer", a.Layer, "error", err)
			}
			if m.ailing[a.Layer] == unarmedAfter && isCode(err, noPrivilege) {
				if err := m.options.Unarmed(ctx, a.Layer); err != nil {
					m.options.Log.Warn("a layer can't do without capture either", "layer", a.Layer, "error", err)
				}
			}
		} else if err != nil {
			return err
		} else {
			m.options.Log.Info("the table of a layer was changed below us: the layer is reset", "layer", a.Layer)
		}
	}
	return nil
}

// cut begins a new segment of the log when the newest is old or large enough.
func (m *mover) cut(ctx context.Context) error {
	var due bool
	err := m.conn.QueryRow(ctx, `SELECT s.position >= g.first AND (s.position - g.first >= $1 OR g.started < clock_timestamp() - make_interval(secs => $2))
		FROM onemap.state s JOIN onemap.segment g ON g.no = s.segment`, m.options.Retention.Changes/segments, m.options.Retention.Age.Seconds()/segments).Scan(&due)
	if err != nil || !due {
		return err
	}
	return m.ifFree(m.briefly(ctx, "SELECT onemap.next_segment()"))
}

// trim drops what the retention no longer asks for.
func (m *mover) trim(ctx context.Context) error {
	return m.ifFree(m.briefly(ctx, "SELECT onemap.trim($1, clock_timestamp() - make_interval(secs => $2))",
		m.options.Retention.Changes, m.options.Retention.Age.Seconds()))
}

// vacuum keeps the outbox small. Autovacuum comes once a minute at best, when there
// are too many dead rows for the index to be as quick as it should.
func (m *mover) vacuum(ctx context.Context) error {
	if m.moved < vacuumEvery {
		return nil
	}
	m.moved = 0
	var large bool
	if err := m.conn.QueryRow(ctx, "SELECT pg_relation_size('onemap.outbox') > $1", outboxFile).Scan(&large); err != nil {
		return err
	}
	_, err := m.conn.Exec(ctx, fmt.Sprintf("VACUUM (SKIP_LOCKED, TRUNCATE %t) onemap.outbox", large))
	return err
}

// briefly runs a statement that needs strong locks, if they are to be had at once.
func (m *mover) briefly(ctx context.Context, sql string, args ...any) error {
	return pgx.BeginFunc(ctx, m.conn, func(tx pgx.Tx) error {
		if err := setLockTimeout(ctx, tx, briefly); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, sql, args...)
		return err
	})
}

// ifFree leaves for the next time what somebody else's lock forbids now.
func (m *mover) ifFree(err error) error {
	if isCode(err, lockNotAvailable) {
		return nil
	}
	return err
}
