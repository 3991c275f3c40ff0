package gpkg

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// maxEdits bounds one call, so that the file is not locked for longer than about
// half a second.
const maxEdits = 10_000

// Apply implements layers.Store.
func (s *Store) Apply(ctx context.Context, actor layers.Actor, layer string, edits []layers.Edit) (layers.Receipt, error) {
	var receipt layers.Receipt
	t, err := s.catalogue.Load().see(layers.Owner, layer)
	if err != nil {
		return receipt, err
	}
	if len(edits) == 0 {
		receipt.Cursor, err = s.Head(ctx)
		return receipt, err
	}
	if len(edits) > maxEdits {
		return receipt, layers.Errorf(layers.TooLarge, "%d edits in one call; at most %d", len(edits), maxEdits)
	}
	// What needs no lock is done here, beside the writer.
	changes, err := prepare(t, edits)
	if err != nil {
		return receipt, err
	}
	do := s.writer.do
	if len(edits) <= smallCall {
		do = s.writer.doSmall
	}
	err = do(ctx, func(tx *txn) error {
		current, err := tx.table(layer)
		if err != nil {
			return err
		}
		if current != t { // defined anew meanwhile
			if changes, err = prepare(current, edits); err != nil {
				return err
			}
		}
		receipt, err = tx.apply(actor, current, changes)
		return err
	})
	if err != nil {
		return layers.Receipt{}, err
	}
	return receipt, nil
}

// change is an edit in the form that the file takes.
type change struct {
	edit   *layers.Edit
	geom   []byte
	layout geom.Layout
	named  []int // the attributes that it sets, by index in the schema
	values []any
}

func (c *change) keepsGeometry() bool { return c.edit.Op == layers.Patch && c.edit.KeepGeometry }

// prepare checks edits and encodes what they carry.
func prepare(t *table, edits []layers.Edit) ([]change, error) {
	for i := range edits {
		e := &edits[i]
		switch e.Op {
		case layers.Put, layers.Create, layers.Replace, layers.Patch, layers.Delete:
		default:
			return nil, atEdit(layers.Errorf(layers.Invalid, "unknown operation %q", e.Op), i)
		}
		if !utf8.ValidString(e.ID) || strings.ContainsRune(e.ID, 0) {
			return nil, atEdit(layers.Errorf(layers.Invalid, "the id is not text in UTF-8"), i)
		}
	}
	edits, err := t.layer.CheckEdits(edits)
	if err != nil {
		return nil, err
	}
	all := make([]int, len(t.layer.Schema))
	for k := range all {
		all[k] = k
	}
	changes := make([]change, len(edits))
	for i := range edits {
		c := change{edit: &edits[i]}
		if c.edit.Op != layers.Delete && !c.keepsGeometry() && c.edit.Geometry != nil {
			c.layout = c.edit.Geometry.Layout()
			g, err := promote(t.layer.Geometry, c.edit.Geometry)
			if err != nil {
				return nil, atEdit(err, i)
			}
			if c.geom, err = encodeGeometry(g); err != nil {
				return nil, atEdit(err, i)
			}
		}
		switch c.edit.Op {
		case layers.Delete:
		case layers.Patch:
			for k := range t.layer.Schema {
				if v, ok := c.edit.Properties[t.layer.Schema[k].Name]; ok {
					c.named, c.values = append(c.named, k), append(c.values, encodeValue(v))
				}
			}
		default:
			c.named, c.values = all, make([]any, len(all))
			for k := range all {
				c.values[k] = encodeValue(c.edit.Properties[t.layer.Schema[k].Name])
			}
		}
		changes[i] = c
	}
	return changes, nil
}

// declareLayout says in the GeoPackage that a layer has heights or measures, as
// soon as the first one comes.
func (tx *txn) declareLayout(t *table, layout geom.Layout) error {
	if layout == geom.NoLayout || layout == geom.XY {
		return nil
	}
	column := "m"
	if layout.ZIndex() >= 0 {
		column = "z"
	}
	if err := tx.exec("UPDATE gpkg_geometry_columns SET "+column+" = 2 WHERE table_name = ? AND "+column+" = 0", t.layer.ID); err != nil {
		return err
	}
	if layout == geom.XYZM {
		return tx.exec("UPDATE gpkg_geometry_columns SET m = 2 WHERE table_name = ? AND m = 0", t.layer.ID)
	}
	return nil
}

// atEdit says which edit of a batch failed.
func atEdit(err error, i int) error {
	var e *layers.Error
	if errors.As(err, &e) {
		copied := *e
		copied.Message = "edits[" + itoa(int64(i)) + "]: " + e.Message
		return &copied
	}
	return layers.Errorf(layers.Internal, "edits[%d]: %w", i, err)
}

// stored is what the file holds of a feature, as far as the edits touch it.
type stored struct {
	fid     int64
	version layers.Position
	geom    []byte
	values  []any // by index in the schema
}

// batch makes the edits of one call.
type batch struct {
	*txn
	t        *table
	features map[string]*stored // by id; nil: there is none
	next     layers.Position    // that the next change will get
}

func (tx *txn) apply(actor layers.Actor, t *table, changes []change) (layers.Receipt, error) {
	b := &batch{txn: tx, t: t, next: tx.head + 1}
	if err := b.load(changes); err != nil {
		return layers.Receipt{}, err
	}
	layout := geom.NoLayout
	receipt := layers.Receipt{Results: make([]layers.EditResult, len(changes))}
	for i := range changes {
		c := &changes[i]
		if c.layout != layout {
			if err := tx.declareLayout(t, c.layout); err != nil {
				return layers.Receipt{}, err
			}
			layout = c.layout
		}
		var err error
		if receipt.Results[i], err = b.edit(c); err != nil {
			return layers.Receipt{}, atEdit(err, i)
		}
	}
	expected := b.next - tx.head - 1
	moved, err := tx.moveOwn(actor, t)
	if err != nil {
		return layers.Receipt{}, err
	}
	if moved != int64(expected) {
		return layers.Receipt{}, layers.Errorf(layers.Unavailable, "layer %s is being replaced by another program; try again", t.layer.ID)
	}
	receipt.Cursor = layers.Cursor{Epoch: tx.epoch, Position: tx.head}
	return receipt, nil
}

// load reads what the edits will be compared with, in one statement: the rows with
// their ids, and of these the columns that any of the edits sets.
func (b *batch) load(changes []change) error {
	b.features = make(map[string]*stored, len(changes))
	ids := make([]string, 0, len(changes))
	named := make([]bool, len(b.t.layer.Schema))
	geometry := "NULL"
	for i := range changes {
		c := &changes[i]
		id := c.edit.ID
		if id == "" {
			continue
		}
		if _, ok := b.features[id]; !ok {
			b.features[id] = nil
			ids = append(ids, id)
		}
		if c.edit.Op == layers.Create || c.edit.Op == layers.Delete {
			continue
		}
		for _, k := range c.named {
			named[k] = true
		}
		if !c.keepsGeometry() {
			geometry = "+t." + quote(b.t.geom)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	q := "SELECT t.id, t." + quote(b.t.fid) + ", v.version, " + geometry
	var indexes []int
	for k, is := range named {
		if is {
			q += ", +t." + quote(b.t.layer.Schema[k].Name)
			indexes = append(indexes, k)
		}
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	st, err := b.stmt(q + " FROM json_each(?) j CROSS JOIN " + quote(b.t.layer.ID) + " t ON t.id = j.value" +
		" LEFT JOIN onemap_version v ON v.layer = " + itoa(b.t.no) + " AND v.fid = t." + quote(b.t.fid))
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(b.ctx, string(list))
	if err != nil {
		return err
	}
	defer rows.Close()
	into := make([]any, 4+len(indexes))
	for rows.Next() {
		f := &stored{values: make([]any, len(b.t.layer.Schema))}
		var id string
		var version, blob any
		into[0], into[1], into[2], into[3] = &id, &f.fid, &version, &blob
		for i, k := range indexes {
			into[4+i] = &f.values[k]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if v, ok := version.(int64); ok {
			f.version = layers.Position(v)
		}
		f.geom, _ = blob.([]byte)
		b.features[id] = f
	}
	return rows.Err()
}

// edit makes one edit, which changes one row and so leaves one row in the outbox,
// or changes nothing and leaves none.
func (b *batch) edit(c *change) (layers.EditResult, error) {
	e := c.edit
	var old *stored
	if e.ID != "" {
		old = b.features[e.ID]
	}
	switch {
	case old == nil && (e.Op == layers.Replace || e.Op == layers.Patch || e.Op == layers.Delete) && e.IfVersion == 0:
		return layers.EditResult{}, layers.Errorf(layers.NotFound, "there is no feature %q in layer %s", e.ID, b.t.layer.ID)
	case old == nil && e.IfVersion != 0:
		return layers.EditResult{}, layers.Errorf(layers.Precondition, "feature %q does not exist, version %d was expected", e.ID, e.IfVersion)
	case old == nil:
		return b.insert(c)
	case e.Op == layers.Create:
		return layers.EditResult{}, layers.Errorf(layers.Conflict, "feature %q exists already in layer %s", e.ID, b.t.layer.ID)
	case e.IfVersion != 0 && old.version != e.IfVersion:
		return layers.EditResult{}, layers.Errorf(layers.Precondition, "feature %q is at version %d, not %d", e.ID, old.version, e.IfVersion)
	case e.Op == layers.Delete:
		b.features[e.ID] = nil
		b.next++
		return layers.EditResult{ID: e.ID, Version: b.next - 1}, b.exec("DELETE FROM "+quote(b.t.layer.ID)+" WHERE "+quote(b.t.fid)+" = ?", old.fid)
	}
	return b.update(c, old)
}

func (b *batch) insert(c *change) (layers.EditResult, error) {
	var names strings.Builder
	args := make([]any, 2, 2+len(c.values))
	if c.edit.ID != "" {
		args[0] = c.edit.ID
	}
	if c.geom != nil {
		args[1] = c.geom
	}
	f := &stored{version: b.next, geom: c.geom, values: make([]any, len(b.t.layer.Schema))}
	for i, k := range c.named {
		names.WriteString(", " + quote(b.t.layer.Schema[k].Name))
		args = append(args, c.values[i])
		f.values[k] = c.values[i]
	}
	res, err := b.run("INSERT INTO "+quote(b.t.layer.ID)+"(id, "+quote(b.t.geom)+names.String()+") VALUES (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
	if err != nil {
		return layers.EditResult{}, err
	}
	if f.fid, err = res.LastInsertId(); err != nil {
		return layers.EditResult{}, err
	}
	r := layers.EditResult{ID: c.edit.ID, Version: b.next, Created: true}
	if r.ID == "" { // the trigger gave one
		st, err := b.stmt("SELECT id FROM " + quote(b.t.layer.ID) + " WHERE " + quote(b.t.fid) + " = ?")
		if err != nil {
			return r, err
		}
		if err := st.QueryRowContext(b.ctx, f.fid).Scan(&r.ID); err != nil {
			return r, err
		}
	}
	b.features[r.ID] = f
	b.next++
	return r, nil
}

// update names the columns that change and no others: the triggers of the R*Tree
// run only when the geometry is among them. Delivering the same again is no change
// and keeps the version.
func (b *batch) update(c *change, old *stored) (layers.EditResult, error) {
	var sets []string
	var args []any
	if !c.keepsGeometry() && !bytes.Equal(c.geom, old.geom) {
		sets = append(sets, quote(b.t.geom)+" = ?")
		if c.geom == nil {
			args = append(args, nil)
		} else {
			args = append(args, c.geom)
		}
		old.geom = c.geom
	}
	for i, k := range c.named {
		if v := c.values[i]; !sameStored(v, old.values[k]) {
			sets, args = append(sets, quote(b.t.layer.Schema[k].Name)+" = ?"), append(args, v)
			old.values[k] = v
		}
	}
	if len(sets) == 0 {
		return layers.EditResult{ID: c.edit.ID, Version: old.version}, nil
	}
	old.version = b.next
	b.next++
	err := b.exec("UPDATE "+quote(b.t.layer.ID)+" SET "+strings.Join(sets, ", ")+" WHERE "+quote(b.t.fid)+" = ?", append(args, old.fid)...)
	return layers.EditResult{ID: c.edit.ID, Version: old.version}, err
}

// sameStored compares scalar column values; a blob, which only foreign writers
// put into an attribute, is like nothing else.
func sameStored(a, b any) bool {
	if _, ok := b.([]byte); ok {
		return false
	}
	return a == b
}

// table returns the layer as this transaction sees it.
func (tx *txn) table(layer string) (*table, error) {
	return tx.cat.see(layers.Owner, layer)
}
