package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// mover moves committed changes from the outbox to the log. It lives as long as the
// connection that holds the lock: without the connection it can't commit, so there
// are never two.
type mover struct {
	*Journal
	conn *pgx.Conn
	// The snapshot up to which everything is moved: transactions before xmax are
	// done, but for those that were running. So a look into the outbox reads new
	// rows only, however many dead ones an old transaction makes the server keep.
	xmax    string
	running []string
	moved   int64          // rows since the last vacuum
	ailing  map[string]int // how often in a row a layer could not be mended
}

// lead waits for the lock and then moves until something goes wrong.
func (j *Journal) lead(ctx context.Context, conn *pgx.Conn) error {
	for {
		var elected bool
		err := conn.QueryRow(ctx, "SELECT NOT pg_is_in_recovery() AND pg_try_advisory_lock($1, $2)", lockSpace, lockMover).Scan(&elected)
		if err != nil {
			return err
		}
		if elected {
			break
		}
		if err := pause(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
	m := &mover{Journal: j, conn: conn}
	j.setLeader(true)
	defer j.setLeader(false)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return m.run(ctx) })
	g.Go(func() error { return j.again(ctx, "look at what is polled", j.watch) })
	return g.Wait()
}

func (j *Journal) setLeader(is bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stats.Leader = is
	if !is {
		j.stats.Lag = 0
	}
}

// session are the settings of the mover's connection. A mover that hangs must lose
// the lock: the server ends its session. Plans are made once, for few rows: then
// indexes are used, which is right for many rows as well.
const session = `SET idle_session_timeout = '10s'; SET idle_in_transaction_session_timeout = '10s'; SET lock_timeout = 0; SET statement_timeout = 0;
	SET search_path = pg_catalog, pg_temp; SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1;
	SET jit = off; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET work_mem = '16MB'; SET application_name = 'onemap mover'`

func (m *mover) run(ctx context.Context) error {
	if _, err := m.conn.Exec(ctx, session, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	if err := m.takeOver(ctx); err != nil {
		return fmt.Errorf("take over: %w", err)
	}
	m.options.Log.Info("this node moves changes to the log")
	m.xmax, m.running = "0", []string{} // the first look is at everything
	upkeep := time.NewTicker(upkeepInterval)
	defer upkeep.Stop()
	poll := time.NewTicker(m.options.Interval)
	defer poll.Stop()
	for {
		more, err := m.step(ctx)
		if err != nil {
			return err
		}
		select {
		case <-upkeep.C:
			if err := m.upkeep(ctx); err != nil {
				return err
			}
		default:
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		case <-m.nudge:
		}
	}
}

// look is what the outbox holds, at one moment.
type look struct {
	missed  bool // somebody wrote more than the outbox may hold
	xmax    string
	running []string
	waiting []waiting // in the order in which they go to the log
}

type waiting struct {
	Xid       string   `json:"xid"`
	Rows      int      `json:"rows"`
	Relations []uint32 `json:"relations"` // that were captured
	Watched   []int32  `json:"watched"`   // that were polled: numbers in onemap.captured
}

// maxBatch is about how many outbox rows one transaction moves. One transaction of
// a department is never split.
const maxBatch = 10_000

// step moves one batch, and says whether there is more.
func (m *mover) step(ctx context.Context) (more bool, err error) {
	l, err := m.look(ctx)
	if err != nil {
		return false, fmt.Errorf("look into the outbox: %w", err)
	}
	if l.missed {
		return true, m.newEpoch(ctx, "more changes were made than the outbox may hold")
	}
	if len(l.waiting) == 0 {
		m.report(0, 0)
		m.xmax, m.running = l.xmax, l.running
		return false, nil
	}
	n, rows := 0, 0
	for n < len(l.waiting) && (n == 0 || rows+l.waiting[n].Rows <= maxBatch) {
		rows += l.waiting[n].Rows
		n++
	}
	if err := m.move(ctx, l.waiting[:n]); err != nil {
		return false, fmt.Errorf("move %d transactions: %w", n, err)
	}
	m.moved += int64(rows)
	if n < len(l.waiting) {
		return true, nil // the rest is found again
	}
	m.xmax, m.running = l.xmax, l.running
	return false, nil
}

func (m *mover) look(ctx context.Context) (look, error) {
	// An id lies after the commit of whatever its row waited for, and before its own:
	// by each transaction's last id, no change overtakes one that it builds on.
	var l look
	var snapshot, waiting string
	err := m.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM onemap.missed), pg_current_snapshot()::text, coalesce((SELECT json_agg(json_build_object('xid', xid::text, 'rows', rows, 'relations', relations, 'watched', watched) ORDER BY last)::text
		FROM (SELECT xid, max(id) AS last, count(*) AS rows, array_agg(DISTINCT relation::bigint) FILTER (WHERE watch IS NULL) AS relations, array_agg(DISTINCT watch) FILTER (WHERE watch IS NOT NULL) AS watched
			FROM onemap.outbox WHERE xid >= $1::xid8 OR xid = ANY($2::xid8[]) GROUP BY xid) x), '[]')`, m.xmax, m.running).Scan(&l.missed, &snapshot, &waiting)
	if err != nil {
		return look{}, err
	}
	if l.xmax, l.running, err = parseSnapshot(snapshot); err != nil {
		return look{}, err
	}
	return l, json.Unmarshal([]byte(waiting), &l.waiting)
}

// parseSnapshot reads "xmin:xmax:xid,xid".
func parseSnapshot(s string) (xmax string, running []string, err error) {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return "", nil, fmt.Errorf("snapshot %q", s)
	}
	return parts[1], strings.FieldsFunc(parts[2], func(r rune) bool { return r == ',' }), nil
}

func (m *mover) report(moved int64, lag time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Moved += moved
	m.stats.Lag = lag
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
