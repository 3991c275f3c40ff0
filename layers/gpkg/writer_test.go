package gpkg

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// together has requests share a transaction: they wait behind one that runs.
func together(t *testing.T, s *Store, requests ...func(*txn) error) []error {
	t.Helper()
	running, end := make(chan bool), make(chan bool)
	first := make(chan error, 1)
	go func() {
		first <- s.writer.do(context.Background(), func(*txn) error { close(running); <-end; return nil })
	}()
	<-running
	queued := make([]*request, len(requests))
	for i, f := range requests {
		queued[i] = &request{ctx: context.Background(), do: f, done: make(chan error, 1), joins: true}
		s.writer.requests <- queued[i]
	}
	close(end)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	errs := make([]error, len(requests))
	for i, r := range queued {
		errs[i] = <-r.done
	}
	return errs
}

func scratch(t *testing.T) (s *Store, rows func() string) {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "onemap.gpkg"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	err = s.writer.do(t.Context(), func(tx *txn) error {
		return tx.script(`CREATE TABLE onemap_test (v TEXT)`, `CREATE TRIGGER onemap_test_no BEFORE INSERT ON onemap_test WHEN NEW.v = 'undo' BEGIN SELECT RAISE(ROLLBACK, 'undone'); END`)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, func() (all string) {
		if err := s.read.QueryRow(`SELECT ifnull(group_concat(v, ' '), '') FROM (SELECT v FROM onemap_test ORDER BY v)`).Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	}
}

var errNo = errors.New("no")

func insert(v string) func(*txn) error {
	return func(tx *txn) error { return tx.exec("INSERT INTO onemap_test VALUES (?)", v) }
}

func insertAndFail(v string) func(*txn) error {
	return func(tx *txn) error { return errors.Join(insert(v)(tx), errNo) }
}

func TestARequestThatFailsIsUndoneAloneHoweverItFails(t *testing.T) {
	s, rows := scratch(t)
	for _, round := range []string{"first", "with savepoints"} { // the second comes while the writer is careful
		errs := together(t, s, insert("a"), insertAndFail("x"), insert("b"), insert("undo"), insert("c"), func(*txn) error { return errNo }, insert("d"))
		for i, err := range errs {
			if failed := i == 1 || i == 3 || i == 5; (err != nil) != failed {
				t.Errorf("%s: request %d: %v", round, i, err)
			}
		}
		if got := rows(); got != "a b c d" {
			t.Errorf("%s: the table holds %q", round, got)
		}
		if err := s.writer.do(t.Context(), func(tx *txn) error { return tx.exec("DELETE FROM onemap_test") }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestATransactionThatIsUndoneByAReadIsMadeAgain(t *testing.T) {
	s, rows := scratch(t)
	times := 0
	undoneOnce := func(tx *txn) error { // as an I/O error in a SELECT does
		if times++; times == 1 {
			if _, err := tx.w.conn.ExecContext(tx.ctx, "ROLLBACK"); err != nil {
				t.Error(err)
			}
			return errNo
		}
		return insert("b")(tx)
	}
	for i, err := range together(t, s, insert("a"), undoneOnce, insert("c")) {
		if err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if got := rows(); got != "a b c" {
		t.Errorf("the table holds %q", got)
	}
}

func TestARefusalDoesNotRestOnWhatIsUndone(t *testing.T) {
	s, rows := scratch(t)
	times := 0
	onlyOnce := func(tx *txn) error { // nobody waits for it any more when it would be made again
		if times++; times == 1 {
			return insert("x")(tx)
		}
		return errNo
	}
	unlessThere := func(tx *txn) error {
		var n int
		if err := tx.row("SELECT count(*) FROM onemap_test WHERE v = 'x'").Scan(&n); err != nil || n > 0 {
			return errors.Join(err, errors.New("there is one"))
		}
		return insert("y")(tx)
	}
	errs := together(t, s, onlyOnce, unlessThere, insertAndFail("z"))
	if errs[0] == nil || errs[1] != nil || errs[2] == nil || rows() != "y" {
		t.Errorf("%v; the table holds %q", errs, rows())
	}
	if strings.Contains(rows(), "z") {
		t.Error("what failed is there")
	}
}
