package gpkg

import (
	"context"
	"database/sql"
	"os"
	"time"
)

// The WAL grows until it was copied to the file completely while nobody wrote; then
// it starts over and is cut to checkpointAt bytes. Larger ones are copied beside the
// writer. Under writes without a pause
// something is always left, so the writer does the rest itself at checkpointInWriter:
// little by then.
const (
	checkpointAt       = 16 << 20
	checkpointInWriter = 64 << 20
	checkpointEvery    = 200 * time.Millisecond
)

// walSize is asked of the directory: the file must not be opened, because closing
// it would drop SQLite's locks.
func (s *Store) walSize() int64 {
	if info, err := os.Stat(s.wal); err == nil {
		return info.Size()
	}
	return 0
}

// checkpoint keeps the WAL from growing without bound.
func (s *Store) checkpoint(ctx context.Context) {
	conn, err := s.read.Conn(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Error("the WAL is not checkpointed", "error", err)
		}
		return
	}
	defer conn.Close()
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.walSize() <= checkpointAt {
			continue
		}
		if err := passiveCheckpoint(ctx, conn); err != nil && ctx.Err() == nil {
			s.log.Warn("the WAL could not be checkpointed", "error", err)
		}
	}
}

// passiveCheckpoint copies what it can without waiting for anybody.
func passiveCheckpoint(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
	return err
}
