package gpkg

import (
	"time"

	"onemap/layers"
)

// move moves what other programs left in the outbox to the log.
func (tx *txn) move(actor layers.Actor) error {
	var pending bool
	st, err := tx.stmt("SELECT EXISTS (SELECT 1 FROM onemap_outbox)")
	if err != nil {
		return err
	}
	if err := st.QueryRowContext(tx.ctx).Scan(&pending); err != nil || !pending {
		return err
	}
	_, err = tx.moveOwn(actor, nil)
	return err
}

// moveOwn moves what is in the outbox to the log, as one commit of the actor, and
// returns how many changes it were. Write transactions are alone, so the order of
// outbox rows is the order of commits, and positions have no gap. The layer, if
// not nil, is noted to be as new as the actor says even if nothing changed.
func (tx *txn) moveOwn(actor layers.Actor, t *table) (int64, error) {
	now := time.Now()
	asOf := actor.AsOf
	if asOf.IsZero() {
		asOf = now
	}
	if t != nil {
		if err := tx.exec(`UPDATE onemap_layer SET updated = max(ifnull(updated, 0), ?2) WHERE no = ?1`, t.no, asOf.UnixMilli()); err != nil {
			return 0, err
		}
	}
	st, err := tx.stmt(`SELECT count(*), ifnull(min(seq), 0), ifnull(max(seq), 0), ifnull(sum(kind = 'delete'), 0) FROM onemap_outbox`)
	if err != nil {
		return 0, err
	}
	var n, from, to, deletes int64
	if err := st.QueryRowContext(tx.ctx).Scan(&n, &from, &to, &deletes); err != nil || n == 0 {
		return 0, err
	}
	base := int64(tx.head)
	number := "?1 + 1 + o.seq - ?5"
	if to-from+1 != n { // the outbox has a gap, which the log must not have
		number = "?1 + row_number() OVER (ORDER BY o.seq) + 0 * ?5"
	}
	type step struct {
		sql  string
		args []any
	}
	steps := []step{
		{`INSERT INTO onemap_log(position, last, time, actor, layer, kind, fid, id, old_version, old_geom, new_geom, same_geom, old_props, new_props)
			SELECT ` + number + `, ?2, ?3, ?4, o.layer, o.kind, o.fid, o.id, v.version, o.old_geom, o.new_geom, o.same_geom, o.old_props, o.new_props
			FROM onemap_outbox o LEFT JOIN onemap_version v ON v.layer = o.layer AND v.fid = o.fid ORDER BY o.seq`,
			[]any{base, base + n, now.UnixMilli(), actor.Name, from}},
		{`DELETE FROM onemap_outbox`, nil},
	}
	if deletes > 0 {
		steps = append(steps, step{`DELETE FROM onemap_version WHERE (layer, fid) IN (SELECT layer, fid FROM onemap_log WHERE position > ? AND kind = 'delete')`, []any{base}})
	}
	steps = append(steps, step{`INSERT INTO onemap_version(layer, fid, version, updated)
			SELECT layer, fid, position, time FROM onemap_log WHERE position > ? AND kind = 'put' ORDER BY position
			ON CONFLICT DO UPDATE SET version = excluded.version, updated = excluded.updated`, []any{base}})
	if t == nil {
		steps = append(steps, step{`UPDATE onemap_layer SET updated = max(ifnull(updated, 0), ?2)
			WHERE no IN (SELECT DISTINCT layer FROM onemap_log WHERE position > ?1 AND kind IN ('put', 'delete', 'reset'))`,
			[]any{base, asOf.UnixMilli()}})
	}
	for _, step := range steps {
		if err := tx.exec(step.sql, step.args...); err != nil {
			return 0, layers.Errorf(layers.Internal, "move changes to the log: %w", err)
		}
	}
	tx.head += layers.Position(n)
	return n, nil
}

// note puts a change that is not about a row into the outbox. Such changes may
// concern the definitions, so everybody reads the catalogue anew.
func (tx *txn) note(layer int64, kind layers.ChangeKind) error {
	if err := tx.exec("UPDATE onemap_meta SET value = value + 1 WHERE key = 'catalogue'"); err != nil {
		return err
	}
	return tx.exec("INSERT INTO onemap_outbox(layer, kind) VALUES (?, ?)", layer, string(kind))
}
