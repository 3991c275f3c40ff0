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

// What waits joins a transaction that is younger than this. It is a fraction of what
// GDAL waits for the file (five seconds), and of what anybody notices.
const joinable = 30 * time.Millisecond

// SQLite's locks know no queue, and who waits looks every 100 ms. When this process
// has had the file locked nearly all the time for a window, it leaves it alone for
// a little longer than that, so that a department's GDAL gets its turn.
const (
	fairWindow = 3 * time.Second
	fairPause  = 110 * time.Millisecond
)

// carefulFor is how long a request that failed after it wrote makes the next ones
// have savepoints.
const carefulFor = time.Second

// writer runs all of this process's write transactions, one after the other.
// Requests that arrive together share a transaction, and so one sync of the disk.
type writer struct {
	s        *Store
	conn     *sql.Conn
	requests chan *request
	held     *request      // taken from requests, but not one to share the transaction
	finished chan struct{} // closed when run has returned
	stmts    map[string]*sql.Stmt

	careful time.Time // until then requests that share a transaction have savepoints

	walAsked int64 // size of the WAL when boundWAL last did something

	window time.Time     // since when busy counts
	busy   time.Duration // in transactions
}

type request struct {
	ctx   context.Context
	do    func(*txn) error
	done  chan error
	joins bool // may share a transaction
}

// sharedCall is how many edits a call may have to share a transaction with others,
// who wait for it.
const sharedCall = 500

func newWriter(s *Store, conn *sql.Conn) *writer {
	return &writer{s: s, conn: conn, requests: make(chan *request, 256), finished: make(chan struct{}), stmts: map[string]*sql.Stmt{}}
}

// do runs f in a transaction of its own and waits for its commit.
func (w *writer) do(ctx context.Context, f func(*txn) error) error {
	return w.queue(&request{ctx: ctx, do: f, done: make(chan error, 1)})
}

// share runs f in a transaction with others. If one of them fails all are undone, and
// made again one by one: f may run twice.
func (w *writer) share(ctx context.Context, f func(*txn) error) error {
	return w.queue(&request{ctx: ctx, do: f, done: make(chan error, 1), joins: true})
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
		return []answer{{first, locked(err)}}, nil
	}
	if !first.joins {
		return w.alone(tx, first)
	}
	var asked, made []*request
	for r := first; r != nil; r = w.joining(start) {
		asked = append(asked, r)
		err, lost := w.attempt(tx, r)
		switch {
		case lost:
			w.forget()
			_, _ = w.conn.ExecContext(ctx, "ROLLBACK")
			w.careful = time.Now().Add(carefulFor)
			// Also those that were refused: it was in view of what is undone now.
			return w.apart(ctx, asked), nil
		case err != nil:
			answered = append(answered, answer{r, err})
		default:
			made = append(made, r)
		}
	}
	if err := w.commit(tx); err != nil {
		return answersOf(asked, err), nil
	}
	return append(answered, answersOf(made, nil)...), nil
}

func answersOf(requests []*request, err error) (answers []answer) {
	for _, r := range requests {
		answers = append(answers, answer{r, err})
	}
	return answers
}

// attempt runs a request that shares its transaction. lost means that the whole
// transaction has to be made again, or is undone already.
//
// Usually there is no SAVEPOINT before it: for one SQLite keeps copies of pages, and
// looks through them at every statement, while a request that fails after it wrote is
// rare. Where one has, there is for a while.
func (w *writer) attempt(tx *txn, r *request) (err error, lost bool) {
	if err := r.expired(); err != nil {
		return err, false
	}
	before := *tx
	savepoint := time.Now().Before(w.careful)
	if savepoint {
		if err := tx.exec("SAVEPOINT request"); err != nil {
			return err, true
		}
	}
	err = r.do(tx)
	if err != nil && !savepoint {
		lost = tx.writes != before.writes || tx.lost()
		*tx = before
		return err, lost
	}
	if err != nil {
		*tx = before
		w.forget()
		w.careful = time.Now().Add(carefulFor)
		if e := tx.exec("ROLLBACK TO request"); e != nil {
			return err, true
		}
	}
	if savepoint {
		if e := tx.exec("RELEASE request"); e != nil {
			return errors.Join(err, e), true
		}
	}
	return err, false
}

func locked(err error) error {
	return layers.Errorf(layers.Unavailable, "the file is locked by another program; try again: %w", err)
}

// joining returns a request that waits, if it may join a transaction.
func (w *writer) joining(start time.Time) *request {
	if time.Since(start) > joinable {
		return nil
	}
	select {
	case r := <-w.requests:
		if r.joins {
			return r
		}
		w.held = r
	default:
	}
	return nil
}

// apart runs requests each in a transaction of its own.
func (w *writer) apart(ctx context.Context, requests []*request) (answered []answer) {
	for _, r := range requests {
		tx, err := w.begin(ctx)
		if err != nil {
			answered = append(answered, answer{r, locked(err)})
			continue
		}
		one, err := w.alone(tx, r)
		if one[0].err == nil {
			one[0].err = err
		}
		answered = append(answered, one...)
	}
	return answered
}

// expired tells whether nobody waits for the request any more.
func (r *request) expired() error {
	if r.ctx.Err() == nil {
		return nil
	}
	return layers.Errorf(layers.Unavailable, "not written: %w", context.Cause(r.ctx))
}

// alone runs one request as the whole transaction.
func (w *writer) alone(tx *txn, r *request) ([]answer, error) {
	err := r.expired()
	if err == nil {
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

	writes int // statements that may have written something
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
	tx.writes++
	s, err := tx.stmt(q)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(tx.ctx, args...)
}

// script runs statements that change the schema.
func (tx *txn) script(statements ...string) error {
	tx.writes++
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

// lost tells whether SQLite has undone the transaction by itself, as it does after an
// I/O error, and when a trigger asks for it. Statements would be for good then.
func (tx *txn) lost() bool {
	if _, err := tx.w.conn.ExecContext(tx.ctx, "BEGIN"); err != nil {
		return false // because there is one
	}
	_, _ = tx.w.conn.ExecContext(tx.ctx, "ROLLBACK")
	return true
}
