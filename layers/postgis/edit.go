package postgis

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

// row is a feature as far as a call concerns it.
type row struct {
	id      string
	num     int64 // 0: it was not in the table
	version layers.Position
	old     image
	now     image
	there   bool // as the edits so far leave it
	edited  bool
	last    int // the edit that touched it last
}

// image is a row's content; values are by index in the schema.
type image struct {
	geom   []byte
	values []any
}

// batch makes the edits of one call.
type batch struct {
	s       *Store
	t       *table
	rows    map[string]*row // by id, if the edit names one
	results []*row          // by edit
	created []bool
}

// load locks the rows that the edits name and reads them.
func (b *batch) load(ctx context.Context, tx pgx.Tx, changes []change) error {
	var ids []string
	versions := false
	for i := range changes {
		e := changes[i].edit
		if e.ID != "" {
			ids = append(ids, e.ID)
		}
		versions = versions || e.IfVersion != 0
	}
	if len(ids) == 0 {
		return nil
	}
	// In an order that all calls share, or two would wait for each other.
	t := b.t
	sql := "SELECT " + t.rowFields() + " FROM " + t.from() + " WHERE t." + quote(t.key) + " = ANY($1) ORDER BY t." + quote(t.key) + " FOR UPDATE OF t" + t.comment()
	rows, err := tx.Query(ctx, sql, ids)
	if err != nil {
		return err
	}
	for rows.Next() {
		r := &row{there: true}
		values := map[string]any{}
		into := []any{&r.num, &r.id, &r.old.geom}
		for _, a := range t.layer.Schema {
			into = append(into, &property{values, a})
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for _, a := range t.layer.Schema {
			r.old.values = append(r.old.values, values[a.Name])
		}
		r.now = r.old
		b.rows[r.id] = r
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return b.loadVersions(ctx, tx, ids, versions)
}

// rowFields is what load reads: the stored geometry, not the one that is shown.
func (t *table) rowFields() string {
	sql := "t." + quote(t.num) + "::bigint, t." + quote(t.key) + "::text, ST_AsEWKB(t." + quote(t.geometry) + ")"
	for _, a := range t.layer.Schema {
		sql += ", " + t.value(a)
	}
	return sql
}

// loadVersions reads the versions of the rows, which nobody changes any more. If
// they are preconditions, what others committed has to be in the log first.
func (b *batch) loadVersions(ctx context.Context, tx pgx.Tx, ids []string, exact bool) error {
	if exact {
		if err := b.s.caughtUp(ctx, tx, b.t); err != nil {
			return err
		}
	}
	rows, err := tx.Query(ctx, `SELECT k, greatest(v.position, z.position, s.origin) FROM unnest($2::text[]) k CROSS JOIN onemap.state s
		LEFT JOIN onemap.reset z ON z.layer = $1 LEFT JOIN onemap.version v ON v.layer = $1 AND v.key = k`, b.t.layer.ID, ids)
	if err != nil {
		return err
	}
	var id string
	var version layers.Position
	_, err = pgx.ForEachRow(rows, []any{&id, &version}, func() error {
		if r := b.rows[id]; r != nil {
			r.version = version
		}
		return nil
	})
	return err
}

// edit makes an edit in memory.
func (b *batch) edit(i int, c *change) error {
	e := c.edit
	r := b.rows[e.ID]
	there := r != nil && r.there
	switch {
	case !there && e.IfVersion != 0:
		return layers.Errorf(layers.Precondition, "feature %q does not exist, version %d was expected", e.ID, e.IfVersion)
	case !there && (e.Op == layers.Replace || e.Op == layers.Patch || e.Op == layers.Delete):
		return layers.Errorf(layers.NotFound, "there is no feature %q in layer %s", e.ID, b.t.layer.ID)
	case there && e.Op == layers.Create:
		return layers.Errorf(layers.Conflict, "feature %q exists already in layer %s", e.ID, b.t.layer.ID)
	case there && e.IfVersion != 0 && r.edited:
		return layers.Errorf(layers.Precondition, "feature %q was changed by an edit before, it is not at version %d any more", e.ID, e.IfVersion)
	case there && e.IfVersion != 0 && r.version != e.IfVersion:
		return layers.Errorf(layers.Precondition, "feature %q is at version %d, not %d", e.ID, r.version, e.IfVersion)
	}
	if r == nil {
		r = &row{id: e.ID}
		if e.ID != "" {
			b.rows[e.ID] = r
		}
	}
	before := r.now
	b.results[i], b.created[i], r.last = r, !there, i
	if r.there = e.Op != layers.Delete; !r.there {
		r.now, r.edited = image{}, true
		return nil
	}
	values := make([]any, len(b.t.layer.Schema))
	if e.Op == layers.Patch {
		copy(values, before.values)
	}
	for k, a := range b.t.layer.Schema {
		if v, named := e.Properties[a.Name]; named {
			values[k] = plainNull(v)
		}
	}
	r.now = image{c.geom, values}
	if c.keepsGeometry() {
		r.now.geom = before.geom
	}
	r.edited = r.edited || !there || !r.now.same(before)
	return nil
}

// plainNull takes JSON's null for null.
func plainNull(v any) any {
	if raw, ok := v.(json.RawMessage); ok && string(raw) == "null" {
		return nil
	}
	return v
}

func (m image) same(o image) bool {
	return sameGeometry(m.geom, o.geom) && slices.EqualFunc(m.values, o.values, sameValue)
}

// sameGeometry compares EWKB but for the SRID, which only the table's has.
func sameGeometry(a, b []byte) bool {
	return bytes.Equal(a, b) || a != nil && b != nil && bytes.Equal(withoutSRID(a), withoutSRID(b))
}

func sameValue(a, b any) bool {
	if x, ok := a.(time.Time); ok {
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	}
	return reflect.DeepEqual(a, b)
}
