package postgis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
	"onemap/layers/postgis/journal"
)

var _ layers.Attacher = (*Store)(nil)

// Survey implements layers.Attacher.
func (s *Store) Survey(ctx context.Context, a layers.Attachment) (layers.Attached, error) {
	ctx, cancel := s.alive(ctx)
	defer cancel()
	var found layers.Attached
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		_, found, err = survey(ctx, tx, a, 0)
		return err
	})
	return found, s.problem(ctx, "look at table "+a.Table, err)
}

// Attach implements layers.Attacher.
func (s *Store) Attach(ctx context.Context, actor layers.Actor, a layers.Attachment) (layers.Attached, layers.Cursor, error) {
	// The id is known once the table is; and whoever defines something waits for what follows.
	found, err := s.Survey(ctx, a)
	if err != nil {
		return layers.Attached{}, layers.Cursor{}, err
	}
	id := found.Layer.ID
	at, err := s.redefine(ctx, actor, "attach table "+a.Table, id, layers.ChangeDefine, func(d *definer) error {
		if _, taken := d.tables[id]; taken {
			return &layers.Error{Code: layers.Conflict, Message: "there is a layer of that id already",
				Violations: []layers.Violation{{Field: "layer.id", Value: id, Reason: "taken", Remedy: "choose another id, or detach that layer first"}}}
		}
		var t *table
		if t, found, err = survey(d.ctx, d.tx, a, found.SRID); err != nil {
			return err
		}
		t.poll, t.version = found.Poll, found.Version
		if err := d.enter(t); err != nil {
			return err
		}
		return d.capture(t)
	})
	if err != nil {
		return layers.Attached{}, layers.Cursor{}, err
	}
	return found, at, nil
}

// Detach implements layers.Attacher.
func (s *Store) Detach(ctx context.Context, actor layers.Actor, layer string) (layers.Cursor, error) {
	return s.redefine(ctx, actor, "detach layer "+layer, layer, layers.ChangeDrop, func(d *definer) error {
		t, err := d.see(layers.Owner, layer)
		if err != nil {
			return err
		}
		if t.managed {
			return layers.Errorf(layers.Invalid, "layer %s is not attached: its table is onemap's own, and goes when the layer is dropped", layer)
		}
		return d.drop(t)
	})
}

// Attachments implements layers.Attacher.
func (s *Store) Attachments(ctx context.Context) ([]layers.Attached, error) {
	ctx, cancel := s.alive(ctx)
	defer cancel()
	all := []layers.Attached{}
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		c, err := loadCatalogue(ctx, tx)
		if err != nil {
			return err
		}
		for _, id := range c.ids {
			t := c.tables[id]
			if t.managed {
				continue
			}
			var found layers.Attached
			err := pgx.BeginFunc(ctx, tx, func(sub pgx.Tx) (err error) {
				_, found, err = survey(ctx, sub, t.attachment(t.layer), 0)
				return err
			})
			var broken *layers.Error
			if errors.As(err, &broken) { // what was attached is no longer there, or is not what it was
				found = layers.Attached{Table: quote(t.schema, t.name), Key: t.key, Geometry: t.geometry, SRID: t.srid, Version: t.version, Advice: []layers.Advice{{Reason: broken.Error()}}}
			} else if err != nil {
				return err
			}
			found.Layer, found.Poll = t.layer, t.poll
			all = append(all, found)
		}
		return nil
	})
	if err != nil {
		return nil, s.problem(ctx, "list the attached tables", err)
	}
	return all, nil
}

// attachment is what an attached layer was made from, with another definition.
func (t *table) attachment(l *layers.Layer) layers.Attachment {
	a := layers.Attachment{Table: quote(t.schema, t.name), Layer: *l, Key: t.key, Geometry: t.geometry, Poll: t.poll, Version: t.version}
	if a.Layer.Schema == nil {
		a.Layer.Schema = layers.Schema{} // none, not all
	}
	return a
}

// reattach gives an attached layer another definition: its titles, and which of its
// columns are published.
func (d *definer) reattach(old *table, layer *layers.Layer) error {
	if layer.Geometry != old.layer.Geometry {
		return impossible("geometry", string(layer.Geometry), "the table holds geometries of type "+string(old.layer.Geometry), "keep it")
	}
	t, _, err := survey(d.ctx, d.tx, old.attachment(layer), old.srid) // DefineLayer has looked at the rows
	if err != nil {
		return err
	}
	t.poll, t.version = old.poll, old.version
	same := slices.Equal(t.published(), old.published())
	if !same {
		if err := d.s.caughtUp(d.ctx, d.tx, old); err != nil {
			return err
		}
	}
	definition, columns, types, err := t.stored()
	if err != nil {
		return err
	}
	if err := d.exec("UPDATE onemap.layer SET definition = $2::text::json, columns = $3::text::json, types = $4::text::json WHERE id = $1", layer.ID, definition, columns, types); err != nil || same {
		return err
	}
	return d.capture(t)
}

// published lists the columns of the attributes.
func (t *table) published() []string {
	var names []string
	for _, a := range t.layer.Schema {
		names = append(names, t.columns[a.Name])
	}
	return names
}

// capture has the changes of a layer's table told.
func (d *definer) capture(t *table) error {
	captured := journal.Table{Layer: t.layer.ID, Schema: t.schema, Name: t.name, Key: t.key, Geometry: t.geometry, SRID: t.srid, Columns: t.published()}
	if t.num != "" {
		captured.Columns = append([]string{t.num}, captured.Columns...)
	}
	if t.poll > 0 {
		return journal.Watch(d.ctx, d.tx, captured, t.poll, t.version)
	}
	return journal.Capture(d.ctx, d.tx, captured)
}

// unarmed has an attached layer polled from now on, because its table was made again by a
// role that lets us set no triggers.
func (s *Store) unarmed(ctx context.Context, layer string) error {
	var owner, us string
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE onemap.store SET catalogue = catalogue + 1"); err != nil {
			return err
		}
		c, err := loadCatalogue(ctx, tx)
		if err != nil {
			return err
		}
		t, err := c.see(layers.Owner, layer)
		if err != nil || t.managed {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT pg_get_userbyid(relowner), current_user FROM pg_class WHERE oid = $1", t.oid).Scan(&owner, &us); err != nil {
			return err
		}
		d := &definer{c, s, ctx, tx}
		t.poll = layers.DefaultPoll
		if err := d.exec("UPDATE onemap.layer SET poll = $2 WHERE id = $1", layer, t.poll.Milliseconds()); err != nil {
			return err
		}
		if err := d.capture(t); err != nil {
			return err
		}
		return journal.Note(ctx, tx, layer, layers.ChangeDefine) // other nodes read it again
	})
	if err != nil {
		return s.problem(ctx, "poll layer "+layer, err)
	}
	if owner != "" {
		s.log.Warn("only the owner of a layer's table may set the triggers that capture writes: it is polled from now on. To capture it again, grant this, detach the layer and attach it",
			"layer", layer, "statement", "GRANT "+quote(owner)+" TO "+quote(us))
	}
	return nil
}

// readOnly is the answer to a write to an attached layer.
func (t *table) readOnly() error {
	return layers.Errorf(layers.Forbidden, "layer %s shows table %s, which is its department's to change", t.layer.ID, fmt.Sprintf("%s.%s", t.schema, t.name))
}
