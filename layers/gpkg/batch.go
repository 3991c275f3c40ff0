package gpkg

import (
	"bytes"
	"encoding/json"

	"onemap/layers"
)

// stored is what the file holds of a feature, as far as the edits touch it.
type stored struct {
	fid     int64 // 0: not known yet
	version layers.Position
	geom    []byte
	values  []any // by index in the schema
	waits   bool  // it is in the batch's run
}

// batch makes the edits of one call.
type batch struct {
	*txn
	t        *table
	features map[string]*stored // by id; nil: there is none
	next     layers.Position    // that the next change will get
	results  []layers.EditResult
	run      run // edits that wait for others like them
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
// or changes nothing and leaves none. The row may wait for others like it.
func (b *batch) edit(i int, c *change) error {
	e := c.edit
	var old *stored
	if e.ID != "" {
		if old = b.features[e.ID]; old != nil && old.waits {
			if err := b.flush(); err != nil {
				return err
			}
		}
	}
	var err error
	switch {
	case old == nil && (e.Op == layers.Replace || e.Op == layers.Patch || e.Op == layers.Delete) && e.IfVersion == 0:
		err = layers.Errorf(layers.NotFound, "there is no feature %q in layer %s", e.ID, b.t.layer.ID)
	case old == nil && e.IfVersion != 0:
		err = layers.Errorf(layers.Precondition, "feature %q does not exist, version %d was expected", e.ID, e.IfVersion)
	case old == nil:
		return b.insert(i, c)
	case e.Op == layers.Create:
		err = layers.Errorf(layers.Conflict, "feature %q exists already in layer %s", e.ID, b.t.layer.ID)
	case e.IfVersion != 0 && old.version != e.IfVersion:
		err = layers.Errorf(layers.Precondition, "feature %q is at version %d, not %d", e.ID, old.version, e.IfVersion)
	case e.Op == layers.Delete:
		return b.remove(i, e.ID, old)
	default:
		return b.update(i, c, old)
	}
	return atEdit(err, i)
}

func (b *batch) insert(i int, c *change) error {
	f := &stored{geom: c.geom, values: make([]any, len(b.t.layer.Schema))}
	w := write{edit: i, f: f, values: append(make([]any, 0, 2+len(c.values)), nil, blobOrNull(c.geom))}
	columns := append(make([]int, 0, 2+len(c.named)), idColumn, geomColumn)
	for n, k := range c.named {
		columns, w.values = append(columns, k), append(w.values, c.values[n])
		f.values[k] = c.values[n]
	}
	if c.edit.ID != "" {
		w.values[0] = c.edit.ID
		b.features[c.edit.ID] = f
		return b.wait(true, columns, w)
	}
	// Alone, so that its number is known: the trigger gives it an id.
	if err := b.flush(); err != nil {
		return err
	}
	if err := b.wait(true, columns, w); err != nil {
		return err
	}
	if err := b.flush(); err != nil {
		return err
	}
	st, err := b.stmt("SELECT id FROM " + quote(b.t.layer.ID) + " WHERE " + quote(b.t.fid) + " = ?")
	if err != nil {
		return err
	}
	r := &b.results[i]
	if err := st.QueryRowContext(b.ctx, f.fid).Scan(&r.ID); err != nil {
		return err
	}
	b.features[r.ID] = f
	return nil
}

// update names the columns that change and no others: the triggers of the R*Tree
// run only when the geometry is among them. Delivering the same again is no change
// and keeps the version.
func (b *batch) update(i int, c *change, old *stored) error {
	w := write{edit: i, f: old}
	var columns []int
	if !c.keepsGeometry() && !bytes.Equal(c.geom, old.geom) {
		columns, w.values = append(columns, geomColumn), append(w.values, blobOrNull(c.geom))
		old.geom = c.geom
	}
	for n, k := range c.named {
		if v := c.values[n]; !sameStored(v, old.values[k]) {
			columns, w.values = append(columns, k), append(w.values, v)
			old.values[k] = v
		}
	}
	if len(columns) == 0 {
		b.results[i] = layers.EditResult{ID: c.edit.ID, Version: old.version}
		return nil
	}
	if err := b.number(c.edit.ID, old); err != nil {
		return err
	}
	b.results[i].ID = c.edit.ID
	return b.wait(false, columns, w)
}

func (b *batch) remove(i int, id string, old *stored) error {
	if err := b.flush(); err != nil {
		return err
	}
	if err := b.number(id, old); err != nil {
		return err
	}
	b.features[id] = nil
	b.results[i] = layers.EditResult{ID: id, Version: b.next}
	b.next++
	if err := b.exec("DELETE FROM "+quote(b.t.layer.ID)+" WHERE "+quote(b.t.fid)+" = ?", old.fid); err != nil {
		return atEdit(err, i)
	}
	return nil
}

// number finds out the number of a feature that this batch made along with others.
func (b *batch) number(id string, f *stored) error {
	if f.fid != 0 {
		return nil
	}
	st, err := b.stmt("SELECT " + quote(b.t.fid) + " FROM " + quote(b.t.layer.ID) + " WHERE id = ?")
	if err != nil {
		return err
	}
	return st.QueryRowContext(b.ctx, id).Scan(&f.fid)
}

// blobOrNull keeps a missing geometry from becoming an empty blob.
func blobOrNull(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// sameStored compares scalar column values; a blob, which only foreign writers
// put into an attribute, is like nothing else.
func sameStored(a, b any) bool {
	if _, ok := b.([]byte); ok {
		return false
	}
	return a == b
}
