package postgis

import (
	"context"
	"errors"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"
)

// taskSpace is the first key of the advisory locks of Alone ("onet"); they are counted
// per database.
const taskSpace = 0x6f6e6574

// nodeSpace is that of the locks of Join ("onen").
const nodeSpace = 0x6f6e656e

const (
	taskPause   = 500 * time.Millisecond // between two tries for the lock, and two looks whether it is still ours
	taskSilence = 5 * time.Second        // after which a connection that does not answer is given up
)

// Alone runs f on one node at a time: it waits until no other node runs a task of the
// same name. If the connection that holds the lock breaks, f's context ends, and f runs
// again as soon as the lock is to be had.
func (s *Store) Alone(ctx context.Context, task string, f func(context.Context) error) error {
	for quiet := false; ; {
		done, err := s.once(ctx, task, f)
		if done || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if err != nil && !quiet {
			s.log.Warn("could not find out whether another node is at it, trying on", "task", task, "error", err)
		}
		quiet = err != nil
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(taskPause):
		}
	}
}

// once runs f if the lock is free, and says whether f came to its end with the lock held.
func (s *Store) once(ctx context.Context, task string, f func(context.Context) error) (done bool, err error) {
	conn, err := s.lone(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // and so the lock is free
	h := fnv.New32a()
	_, _ = h.Write([]byte(task))
	for free := false; !free; {
		// Whoever waits within the statement holds a snapshot, and vacuum back.
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, $2)", taskSpace, int32(h.Sum32())).Scan(&free); err != nil {
			return false, err
		}
		if !free {
			select {
			case <-ctx.Done():
				return false, ctx.Err()
			case <-time.After(taskPause):
			}
		}
	}
	ours, lose := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		hold(ours, conn, lose)
	}()
	err = f(ours)
	lost := context.Cause(ours)
	lose(nil)
	<-watched
	if lost != nil && ctx.Err() == nil {
		return false, lost
	}
	return true, err
}

// lone makes a connection outside the pool, which is for those who wait for an answer.
func (s *Store) lone(ctx context.Context) (*pgx.Conn, error) {
	return pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
}

// hold looks after the connection that holds a lock until the context ends.
func hold(ctx context.Context, conn *pgx.Conn, lose context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(taskPause):
		}
		ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), taskSilence)
		_, err := conn.Exec(ask, "SELECT")
		cancel()
		if err != nil {
			lose(err)
			return
		}
	}
}

// Join makes this store one of the nodes that serve the database, until it is closed,
// and says whether it is the only one.
func (s *Store) Join(ctx context.Context) (first bool, err error) {
	conn, err := s.lone(ctx)
	if err == nil {
		if first, err = joinOn(ctx, conn); err != nil {
			_ = conn.Close(ctx)
		}
	}
	if err != nil {
		return false, s.problem(ctx, "join the nodes", err)
	}
	s.done.Go(func() { s.stay(conn) })
	return first, nil
}

// joinOn takes the lock that each node has a share in: whoever could have it alone is the
// first. Of two that start at once, one waits for the other's answer.
func joinOn(ctx context.Context, conn *pgx.Conn) (first bool, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, 1)", nodeSpace); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1, 2)", nodeSpace).Scan(&first); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "SELECT pg_advisory_lock_shared($1, 2)", nodeSpace)
		return err
	})
	return first, err
}

// stay keeps the share, on a new connection if the old one breaks.
func (s *Store) stay(conn *pgx.Conn) {
	for {
		if conn != nil {
			ctx, lose := context.WithCancelCause(s.run)
			hold(ctx, conn, lose)
			lose(nil)
			_ = conn.Close(context.WithoutCancel(ctx))
		}
		select {
		case <-s.run.Done():
			return
		case <-time.After(taskPause):
		}
		var err error
		if conn, err = s.lone(s.run); err != nil {
			conn = nil
		} else if _, err = joinOn(s.run, conn); err != nil {
			_ = conn.Close(context.WithoutCancel(s.run))
			conn = nil
		}
	}
}

// Setting returns a value that all nodes share; empty if nobody has set it.
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.pool.QueryRow(ctx, "SELECT coalesce(max(value), '') FROM onemap.setting WHERE name = $1", name).Scan(&value)
	return value, s.problem(ctx, "read the setting "+name, err)
}

// ChangeSetting sets a value for all nodes and returns what it was.
func (s *Store) ChangeSetting(ctx context.Context, name, value string) (before string, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO onemap.setting VALUES ($1, '') ON CONFLICT DO NOTHING", name); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT value FROM onemap.setting WHERE name = $1 FOR UPDATE", name).Scan(&before); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE onemap.setting SET value = $2 WHERE name = $1", name, value)
		return err
	})
	return before, s.problem(ctx, "change the setting "+name, err)
}
