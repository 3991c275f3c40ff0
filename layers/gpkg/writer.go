package gpkg

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"onemap/layers"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// A transaction stays open at most this long: GDAL gives up after five seconds.
const longestTransaction = 400 * time.Millisecond

// SQLite's locks know no queue, and who waits looks every 100 ms. When this process
// has had the file locked nearly all the time for a window, it leaves it alone for
// a little longer than that, so that a department's GDAL gets its turn.
const (
	fairWindow = 3 * time.Second
	fairPause  = 110 * time.Millisecond
)

// writer runs all of this process's write transactions, one after the other.
// Requests that arrive together share a transaction, and so one sync of the disk.
type writer struct {
	s        *Store
	conn     *sql.Conn
	requests chan *request
	held     *request      // taken from requests, but too large for the transaction
	finished chan struct{} // closed when run has returned
	stmts    map[string]*sql.Stmt

	walAsked int64 // size of the WAL when boundWAL last did something

	window time.Time     // since when busy counts
	busy   time.Duration // in transactions
}

type request struct {
	ctx   context.Context
	do    func(*txn) error
	done  chan error
	small bool // may share a transaction
}

// smallCall is how many edits a call may have to share a transaction with others.
// To undo one of several calls SQLite keeps copies of pages from its SAVEPOINT on,
// and looks through them at every statement; a larger call is cheaper alone, where
// to undo it is to roll back.
const smallCall = 16

func newWriter(s *Store, conn *sql.Conn) *writer {
	return &writer{s: s, conn: conn, requests: make(chan *request, 256), finished: make(chan struct{}), stmts: map[string]*sql.Stmt{}}
}

// do runs f in a transaction of its own and waits for its commit.
func (w *writer) do(ctx context.Context, f func(*txn) error) error {
	return w.queue(&request{ctx: ctx, do: f, done: make(chan error, 1)})
}

// doSmall runs f in a transaction that others may share.
func (w *writer) doSmall(ctx context.Context, f func(*txn) error) error {
	return w.queue(&request{ctx: ctx, do: f, done: make(chan error, 1), small: true})
}

func (w *writer) queue(r *request) error {
	ctx := r.ctx
	select {
	case w.requests <- r:
	case <-w.finished:
		return errClosed
	case <-ctx.Done():
		return layers.Errorf(layers.Unavailable, "not written: %w", context.Cause(ctx))
	}
	// From here on the outcome is certain only when the writer says so.
	select {
	case err := <-r.done:
		return err
	case <-w.finished:
	}
	select {
	case err := <-r.done:
		return err
	default:
		return errClosed
	}
}

func (w *writer) run(ctx context.Context) {
	defer close(w.finished)
	for {
		r := w.held
		w.held = nil
		if r == nil {
			select {
			case <-ctx.Done():
				return
			case r = <-w.requests:
			}
		}
		w.beFair()
		start := time.Now()
		w.boundWAL(ctx)
		w.batch(r)
		w.busy += time.Since(start)
	}
}

// boundWAL finishes a checkpoint, so that the next transaction starts the WAL over.
// If that did not help because a long read holds the WAL, it asks again when the
// WAL has grown some more.
func (w *writer) boundWAL(ctx context.Context) {
	size := w.s.walSize()
	if size < w.walAsked {
		w.walAsked = 0
	}
	if size < checkpointInWriter || size < w.walAsked+checkpointAt {
		return
	}
	w.walAsked = size
	if err := passiveCheckpoint(ctx, w.conn); err != nil && ctx.Err() == nil {
		w.s.log.Warn("the WAL could not be checkpointed", "error", err)
	}
}

func (w *writer) beFair() {
	since := time.Since(w.window)
	if since < fairWindow {
		return
	}
	if w.busy > since*7/10 && w.busy < 2*since {
		time.Sleep(fairPause)
	}
	w.window, w.busy = time.Now(), 0
}

// batch commits a request and all that wait behind it.
func (w *writer) batch(first *request) {
	answered, err := w.transaction(context.Background(), first)
	for _, a := range answered {
		if a.err == nil {
			a.err = err
		}
		a.request.done <- a.err
	}
}

type answer struct {
	request *request
	err     error
}

func (w *writer) transaction(ctx context.Context, first *request) (answered []answer, err error) {
	start := time.Now()
	tx, err := w.begin(ctx)
	if err != nil {
		return []answer{{first, nil}}, layers.Errorf(layers.Unavailable, "the file is locked by another program; try again: %w", err)
	}
	if !first.small {
		return w.alone(tx, first)
	}
	for r := first; r != nil; {
		err, lost := w.savepoint(tx, r)
		answered = append(answered, answer{r, err})
		if lost { // SQLite has rolled everything back, as it does when the disk is full
			_, _ = w.conn.ExecContext(ctx, "ROLLBACK")
			return answered, layers.Errorf(layers.Unavailable, "not written: %w", err)
		}
		r = nil
		if time.Since(start) < longestTransaction {
			select {
			case r = <-w.requests:
				if !r.small {
					w.held, r = r, nil
				}
			default:
			}
		}
	}
	return answered, w.commit(tx)
}

// alone runs one request as the whole transaction.
func (w *writer) alone(tx *txn, r *request) ([]answer, error) {
	err := r.ctx.Err()
	if err != nil {
		err = layers.Errorf(layers.Unavailable, "not written: %w", context.Cause(r.ctx))
	} else {
		err = r.do(tx)
	}
	if err != nil {
		w.forget()
		_, _ = w.conn.ExecContext(tx.ctx, "ROLLBACK")
		return []answer{{r, err}}, nil
	}
	return []answer{{r, nil}}, w.commit(tx)
}

func (w *writer) commit(tx *txn) error {
	if err := tx.exec("COMMIT"); err != nil {
		_, _ = w.conn.ExecContext(tx.ctx, "ROLLBACK")
		return layers.Errorf(layers.Unavailable, "commit: %w", err)
	}
	w.s.publish(tx.cat)
	w.s.advance(tx.head)
	return nil
}

// begin locks the file and finds out what other processes did.
func (w *writer) begin(ctx context.Context) (*txn, error) {
	tx := &txn{ctx: ctx, w: w}
	if err := tx.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	err := func() error {
		st, err := tx.stmt(stateSQL)
		if err != nil {
			return err
		}
		var version, floor int64
		if err := st.QueryRowContext(ctx).Scan(&tx.epoch, &version, &floor, &tx.head); err != nil {
			return err
		}
		if tx.cat = w.s.catalogue.Load(); tx.cat == nil || tx.cat.version != version || tx.cat.epoch != tx.epoch {
			if err := tx.reload(); err != nil {
				return err
			}
		}
		return tx.move(layers.Actor{}) // what others left is nobody's of this process
	}()
	if err != nil {
		_, _ = w.conn.ExecContext(ctx, "ROLLBACK")
		return nil, err
	}
	return tx, nil
}

// savepoint runs one request so that its failure undoes it alone. lost means that
// the whole transaction is undone.
func (w *writer) savepoint(tx *txn, r *request) (err error, lost bool) {
	if r.ctx.Err() != nil {
		return layers.Errorf(layers.Unavailable, "not written: %w", context.Cause(r.ctx)), false
	}
	if err := tx.exec("SAVEPOINT request"); err != nil {
		return err, true
	}
	before := *tx
	if err = r.do(tx); err != nil {
		*tx = before
		w.forget()
		if e := tx.exec("ROLLBACK TO request"); e != nil {
			return err, true
		}
	}
	if e := tx.exec("RELEASE request"); e != nil {
		return errors.Join(err, e), true
	}
	return err, false
}

// one runs a request outside the loop, before it has started or after its end.
func (w *writer) one(ctx context.Context, f func(*txn) error) error {
	tx, err := w.begin(ctx)
	if err != nil {
		return err
	}
	answers, err := w.alone(tx, &request{ctx: ctx, do: f})
	return errors.Join(answers[0].err, err)
}

// forget closes prepared statements, after the schema may have changed.
func (w *writer) forget() {
	for _, s := range w.stmts {
		_ = s.Close()
	}
	clear(w.stmts)
}

// txn is a write transaction.
type txn struct {
	ctx   context.Context
	w     *writer
	cat   *catalogue // as this transaction leaves it
	epoch string
	head  layers.Position // of the log as this transaction leaves it
}

func (tx *txn) stmt(q string) (*sql.Stmt, error) {
	if s, ok := tx.w.stmts[q]; ok {
		return s, nil
	}
	if len(tx.w.stmts) > 2000 { // many column sets; start over rather than grow
		tx.w.forget()
	}
	s, err := tx.w.conn.PrepareContext(tx.ctx, q)
	if err == nil {
		tx.w.stmts[q] = s
	}
	return s, err
}

func (tx *txn) exec(q string, args ...any) error {
	_, err := tx.run(q, args...)
	return err
}

func (tx *txn) run(q string, args ...any) (sql.Result, error) {
	s, err := tx.stmt(q)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(tx.ctx, args...)
}

// script runs statements that change the schema.
func (tx *txn) script(statements ...string) error {
	tx.w.forget()
	for _, q := range statements {
		if _, err := tx.w.conn.ExecContext(tx.ctx, q); err != nil {
			return layers.Errorf(layers.Internal, "change the file's schema: %w", err)
		}
	}
	return nil
}

func (tx *txn) row(q string, args ...any) *sql.Row {
	return tx.w.conn.QueryRowContext(tx.ctx, q, args...)
}
