package gpkg

import (
	"time"

	"onemap/layers"
)

// move moves what is in the outbox to the log, as one commit of the actor.
// Write transactions are alone, so the order of outbox rows is the order of
// commits, and positions have no gap.
func (tx *txn) move(actor layers.Actor) error {
	var pending bool
	st, err := tx.stmt("SELECT EXISTS (SELECT 1 FROM onemap_outbox)")
	if err != nil {
		return err
	}
	if err := st.QueryRowContext(tx.ctx).Scan(&pending); err != nil || !pending {
		return err
	}
	_, _, err = tx.moveOwn(actor)
	return err
}

// moveOwn is move when there is something in the outbox; it returns the first
// and the last position given.
func (tx *txn) moveOwn(actor layers.Actor) (first, last layers.Position, err error) {
	st, err := tx.stmt(`SELECT ifnull((SELECT max(position) FROM onemap_log), (SELECT value FROM onemap_meta WHERE key = 'floor')), count(*) FROM onemap_outbox`)
	if err != nil {
		return 0, 0, err
	}
	var base, n int64
	if err := st.QueryRowContext(tx.ctx).Scan(&base, &n); err != nil {
		return 0, 0, err
	}
	now := time.Now()
	asOf := actor.AsOf
	if asOf.IsZero() {
		asOf = now
	}
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO onemap_log(position, last, time, actor, layer, kind, fid, id, old_version, old_geom, new_geom, same_geom, old_props, new_props)
			SELECT ?1 + row_number() OVER (ORDER BY o.seq), ?2, ?3, ?4, o.layer, o.kind, o.fid, o.id, v.version, o.old_geom, o.new_geom, o.same_geom, o.old_props, o.new_props
			FROM onemap_outbox o LEFT JOIN onemap_version v ON v.layer = o.layer AND v.fid = o.fid ORDER BY o.seq`,
			[]any{base, base + n, now.UnixMilli(), actor.Name}},
		{`DELETE FROM onemap_outbox`, nil},
		{`DELETE FROM onemap_version WHERE (layer, fid) IN (SELECT layer, fid FROM onemap_log WHERE position > ? AND kind = 'delete')`, []any{base}},
		{`INSERT OR REPLACE INTO onemap_version(layer, fid, version, updated)
			SELECT layer, fid, position, time FROM onemap_log WHERE position > ? AND kind = 'put' ORDER BY position`, []any{base}},
		{`UPDATE onemap_layer SET updated = max(ifnull(updated, 0), ?2)
			WHERE no IN (SELECT DISTINCT layer FROM onemap_log WHERE position > ?1 AND kind IN ('put', 'delete', 'reset'))`,
			[]any{base, asOf.UnixMilli()}},
	} {
		if err := tx.exec(step.sql, step.args...); err != nil {
			return 0, 0, layers.Errorf(layers.Internal, "move changes to the log: %w", err)
		}
	}
	return layers.Position(base + 1), layers.Position(base + n), nil
}

// note puts a change that is not about a row into the outbox.
func (tx *txn) note(layer int64, kind layers.ChangeKind) error {
	return tx.exec("INSERT INTO onemap_outbox(layer, kind) VALUES (?, ?)", layer, string(kind))
}
