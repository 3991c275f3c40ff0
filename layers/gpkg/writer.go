package gpkg

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"onemap/layers"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// A transaction stays open at most this long: GDAL gives up after five seconds.
const longestTransaction = 400 * time.Millisecond

// writer runs all of this process's write transactions, one after the other.
// Requests that arrive together share a transaction, and so one sync of the disk.
type writer struct {
	s        *Store
	conn     *sql.Conn
	requests chan *request
	stmts    map[string]*sql.Stmt
}

type request struct {
	ctx  context.Context
	do   func(*txn) error
	done chan error
}

func newWriter(s *Store, conn *sql.Conn) *writer {
	return &writer{s: s, conn: conn, requests: make(chan *request, 256), stmts: map[string]*sql.Stmt{}}
}

// do queues a request and waits for its commit.
func (w *writer) do(ctx context.Context, f func(*txn) error) error {
	r := &request{ctx: ctx, do: f, done: make(chan error, 1)}
	select {
	case w.requests <- r:
	case <-ctx.Done():
		return layers.Errorf(layers.Unavailable, "not written: %w", context.Cause(ctx))
	}
	// From here on the outcome is certain only when the writer says so.
	return <-r.done
}

func (w *writer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			for {
				select {
				case r := <-w.requests:
					r.done <- layers.Errorf(layers.Unavailable, "the store is closing")
				default:
					return
				}
			}
		case r := <-w.requests:
			w.batch(r)
		}
	}
}

// batch commits a request and all that wait behind it.
func (w *writer) batch(first *request) {
	ctx := context.Background()
	answered, err := w.transaction(ctx, first)
	if err == nil {
		err = w.s.refresh(ctx)
	}
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
	if err := w.begin(ctx); err != nil {
		return []answer{{first, nil}}, layers.Errorf(layers.Unavailable, "the file is locked by another program; try again: %w", err)
	}
	tx := &txn{ctx: ctx, w: w}
	for r := first; r != nil; {
		answered = append(answered, answer{r, w.savepoint(tx, r)})
		r = nil
		if time.Since(start) < longestTransaction {
			select {
			case r = <-w.requests:
			default:
			}
		}
	}
	if _, err := w.conn.ExecContext(ctx, "COMMIT"); err != nil {
		_, _ = w.conn.ExecContext(ctx, "ROLLBACK")
		return answered, layers.Errorf(layers.Unavailable, "commit: %w", err)
	}
	return answered, nil
}

func (w *writer) begin(ctx context.Context) error {
	_, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE")
	return err
}

// savepoint runs one request so that its failure undoes it alone.
func (w *writer) savepoint(tx *txn, r *request) error {
	if r.ctx.Err() != nil {
		return layers.Errorf(layers.Unavailable, "not written: %w", context.Cause(r.ctx))
	}
	if err := tx.exec("SAVEPOINT request"); err != nil {
		return err
	}
	err := r.do(tx)
	if err != nil {
		if e := tx.exec("ROLLBACK TO request"); e != nil {
			return e
		}
		w.forget()
	}
	if e := tx.exec("RELEASE request"); err == nil {
		err = e
	}
	return err
}

// one runs a request outside the loop, before it has started.
func (w *writer) one(ctx context.Context, f func(*txn) error) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	if err := f(&txn{ctx: ctx, w: w}); err != nil {
		_, _ = w.conn.ExecContext(ctx, "ROLLBACK")
		return err
	}
	_, err := w.conn.ExecContext(ctx, "COMMIT")
	return err
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
	ctx context.Context
	w   *writer
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
