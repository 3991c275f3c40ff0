package journal

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

// Entry is one change in the log.
type Entry struct {
	Position   layers.Position
	Last       layers.Position // of the commit that it belongs to
	Xid        uint64
	Time       time.Time // when the commit's last change was written
	Actor      string    // the setting onemap.actor of the writer, which any role may choose
	Layer      string
	Kind       layers.ChangeKind
	Key        string          // empty unless put or delete
	OldVersion layers.Position // of the old image; 0 if older than the log
	Old, New   *Image          // nil: the feature did not, does not exist
}

// Image is a feature at one version.
type Image struct {
	Geometry   []byte // EWKB in EPSG:4326, longitude first; nil for a null geometry
	Attributes []byte // JSON object by column name
}

// Head returns the position of the newest change.
func (j *Journal) Head(ctx context.Context) (layers.Cursor, error) {
	var c layers.Cursor
	err := j.db.QueryRow(ctx, "SELECT epoch, position FROM onemap.state").Scan(&c.Epoch, &c.Position)
	return c, unavailable(ctx, "read the head of the log", err)
}

// Read returns the entries after the cursor, oldest first: whole commits, about
// limit entries (more if the first commit is larger). The error code is Expired if
// the cursor is of another epoch, ahead of the head, or behind what the log holds.
func (j *Journal) Read(ctx context.Context, after layers.Cursor, limit int) ([]Entry, error) {
	// Positions have no gaps, so that the row limit places on tells where its commit ends.
	rows, err := j.db.Query(ctx, `SELECT position, last, xid, time, actor, layer, kind, coalesce(key, ''), coalesce(old_version, 0),
			old_geometry, CASE WHEN same_geometry THEN old_geometry ELSE new_geometry END, old_attributes::text, new_attributes::text
		FROM onemap.log WHERE position > $1 AND position <= coalesce((SELECT last FROM onemap.log WHERE position = $1 + $2), $1 + $2)
		ORDER BY position`, int64(after.Position), int64(max(limit, 1)))
	if err != nil {
		return nil, unavailable(ctx, "read the log", err)
	}
	entries, err := pgx.CollectRows(rows, scanEntry)
	if err != nil {
		return nil, unavailable(ctx, "read the log", err)
	}
	// Looked at last: what is still in the lineage now was so while we read.
	var epoch string
	var head, floor layers.Position
	if err := j.db.QueryRow(ctx, "SELECT epoch, position, floor FROM onemap.state").Scan(&epoch, &head, &floor); err != nil {
		return nil, unavailable(ctx, "read the log", err)
	}
	switch {
	case epoch != after.Epoch:
		return nil, layers.Errorf(layers.Expired, "position %v is of another epoch than %s", after, epoch)
	case after.Position > head:
		return nil, layers.Errorf(layers.Expired, "position %v is ahead of the log, which ends at %d", after, head)
	case after.Position < floor:
		return nil, layers.Errorf(layers.Expired, "position %v is older than the log, which begins at %d", after, floor+1)
	}
	return entries, nil
}

func scanEntry(row pgx.CollectableRow) (e Entry, err error) {
	var oldGeometry, newGeometry, oldAttributes, newAttributes []byte
	err = row.Scan(&e.Position, &e.Last, &e.Xid, &e.Time, &e.Actor, &e.Layer, &e.Kind, &e.Key, &e.OldVersion,
		&oldGeometry, &newGeometry, &oldAttributes, &newAttributes)
	if oldAttributes != nil {
		e.Old = &Image{Geometry: oldGeometry, Attributes: oldAttributes}
	}
	if newAttributes != nil {
		e.New = &Image{Geometry: newGeometry, Attributes: newAttributes}
	}
	return e, err
}

// Wait returns as soon as the log holds a change after the position.
func (j *Journal) Wait(ctx context.Context, after layers.Position) error {
	return j.until(ctx, time.Second, func() (bool, error) {
		head, err := j.Head(ctx)
		return head.Position > after, err
	})
}

// Placed is where a change went.
type Placed struct {
	Layer    string
	Kind     layers.ChangeKind
	Key      string
	Position layers.Position
}

// Moved waits until the committed transaction is in the log and returns what it
// became there. That is nothing if its changes undid each other.
func (j *Journal) Moved(ctx context.Context, xid uint64) ([]Placed, error) {
	j.Nudge()
	err := j.until(ctx, j.options.Interval, func() (done bool, err error) {
		err = j.db.QueryRow(ctx, "SELECT NOT EXISTS (SELECT FROM onemap.outbox WHERE xid = $1)", xid).Scan(&done)
		return done, unavailable(ctx, "wait for the mover", err)
	})
	if err != nil {
		return nil, err
	}
	rows, err := j.db.Query(ctx, "SELECT layer, kind, coalesce(key, ''), position FROM onemap.log WHERE xid = $1 ORDER BY position", xid)
	if err != nil {
		return nil, unavailable(ctx, "read where changes went", err)
	}
	placed, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Placed])
	return placed, unavailable(ctx, "read where changes went", err)
}

// until asks again whenever the log has grown, and now and then, in case that the
// mover's word was lost.
func (j *Journal) until(ctx context.Context, atLeast time.Duration, done func() (bool, error)) error {
	for {
		growth := j.growth() // taken before asking, or growth between the two is missed
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-growth:
		case <-time.After(atLeast):
		}
	}
}
