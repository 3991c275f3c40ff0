package gpkg

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

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
	if edits, err = t.layer.CheckEdits(edits); err != nil {
		return receipt, err
	}
	blobs := make([][]byte, len(edits))
	for i, e := range edits {
		if blobs[i], err = encodeGeometry(e.Geometry); err != nil {
			return receipt, err
		}
	}
	err = s.writer.do(ctx, func(tx *txn) error {
		current, err := tx.table(layer)
		if err != nil {
			return err
		}
		if current.no != t.no || !slices.EqualFunc(current.layer.Schema, t.layer.Schema, sameColumn) {
			return layers.Errorf(layers.Conflict, "layer %s was redefined meanwhile; try again", layer)
		}
		if err := tx.move(layers.Actor{}); err != nil { // what others left is not this actor's
			return err
		}
		receipt.Results = make([]layers.EditResult, len(edits))
		for i := range edits {
			if err := tx.declareLayout(t, edits[i].Geometry); err != nil {
				return err
			}
			r, err := tx.edit(t, &edits[i], blobs[i])
			if err != nil {
				return atEdit(err, i)
			}
			receipt.Results[i] = r
		}
		first, last, err := tx.moveOwn(actor)
		if err != nil {
			return err
		}
		if last-first+1 != layers.Position(len(edits)) {
			return layers.Errorf(layers.Internal, "%d edits left %d changes in layer %s", len(edits), last-first+1, layer)
		}
		for i := range receipt.Results {
			receipt.Results[i].Version = first + layers.Position(i)
		}
		receipt.Cursor = layers.Cursor{Epoch: s.catalogue.Load().epoch, Position: last}
		return nil
	})
	return receipt, err
}

// declareLayout says in the GeoPackage that a layer has heights or measures, as
// soon as the first one comes.
func (tx *txn) declareLayout(t *table, g geom.T) error {
	if g == nil || g.Layout() == geom.XY {
		return nil
	}
	column := "m"
	if g.Layout().ZIndex() >= 0 {
		column = "z"
	}
	if err := tx.exec("UPDATE gpkg_geometry_columns SET "+column+" = 2 WHERE table_name = ? AND "+column+" = 0", t.layer.ID); err != nil {
		return err
	}
	if g.Layout() == geom.XYZM {
		return tx.exec("UPDATE gpkg_geometry_columns SET m = 2 WHERE table_name = ? AND m = 0", t.layer.ID)
	}
	return nil
}

func sameColumn(a, b layers.Attribute) bool { return a.Name == b.Name && a.Type == b.Type }

// table returns the layer as this transaction sees it.
func (tx *txn) table(layer string) (*table, error) {
	c := tx.w.s.catalogue.Load()
	if t, ok := c.tables[layer]; ok {
		return t, nil
	}
	return nil, layers.Errorf(layers.NotFound, "there is no layer %q", layer)
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

// edit makes one edit; it changes exactly one row and so leaves one outbox row.
func (tx *txn) edit(t *table, e *layers.Edit, blob []byte) (layers.EditResult, error) {
	if e.ID == "" {
		return tx.insert(t, e, blob)
	}
	old, err := tx.current(t, e)
	if err != nil {
		return layers.EditResult{}, err
	}
	switch {
	case old == nil && e.IfVersion != 0:
		return layers.EditResult{}, layers.Errorf(layers.Precondition, "feature %q does not exist, version %d was expected", e.ID, e.IfVersion)
	case old == nil && (e.Op == layers.Put || e.Op == layers.Create):
		return tx.insert(t, e, blob)
	case old == nil:
		return layers.EditResult{}, layers.Errorf(layers.NotFound, "there is no feature %q in layer %s", e.ID, t.layer.ID)
	case e.Op == layers.Create:
		return layers.EditResult{}, layers.Errorf(layers.Conflict, "feature %q exists already in layer %s", e.ID, t.layer.ID)
	case e.IfVersion != 0 && layers.Position(old.version) != e.IfVersion:
		return layers.EditResult{}, layers.Errorf(layers.Precondition, "feature %q is at version %d, not %d", e.ID, old.version, e.IfVersion)
	case e.Op == layers.Delete:
		return layers.EditResult{ID: e.ID}, tx.exec("DELETE FROM "+quote(t.layer.ID)+" WHERE "+quote(t.fid)+" = ?", old.fid)
	}
	return layers.EditResult{ID: e.ID}, tx.update(t, e, blob, old)
}

// stored is a row as it is before an edit.
type stored struct {
	fid, version int64
	geom         []byte
	values       []any
}

func (tx *txn) current(t *table, e *layers.Edit) (*stored, error) {
	q := "SELECT t." + quote(t.fid) + ", v.version"
	if e.Op != layers.Delete {
		q = "SELECT " + t.columns(true)
	}
	st, err := tx.stmt(q + " FROM " + t.from() + " WHERE t.id = ?")
	if err != nil {
		return nil, err
	}
	var version sql.NullInt64
	old := &stored{}
	into := []any{&old.fid, &version}
	if e.Op != layers.Delete {
		var id string
		var updated any
		old.values = make([]any, len(t.layer.Schema))
		into = []any{&old.fid, &id, &old.geom, &version, &updated}
		for i := range old.values {
			into = append(into, &old.values[i])
		}
	}
	err = st.QueryRowContext(tx.ctx, e.ID).Scan(into...)
	old.version = version.Int64
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return old, err
}

func (tx *txn) insert(t *table, e *layers.Edit, blob []byte) (layers.EditResult, error) {
	names, args := []string{"id", quote(t.geom)}, []any{nil, blob}
	if e.ID != "" {
		args[0] = e.ID
	}
	if blob == nil {
		args[1] = nil
	}
	for _, a := range t.layer.Schema {
		if v, ok := e.Properties[a.Name]; ok {
			names, args = append(names, quote(a.Name)), append(args, encodeValue(v))
		}
	}
	res, err := tx.run("INSERT INTO "+quote(t.layer.ID)+"("+strings.Join(names, ", ")+") VALUES (?"+strings.Repeat(", ?", len(names)-1)+")", args...)
	if err != nil {
		return layers.EditResult{}, err
	}
	r := layers.EditResult{ID: e.ID, Created: true}
	if r.ID == "" {
		fid, err := res.LastInsertId()
		if err != nil {
			return r, err
		}
		st, err := tx.stmt("SELECT id FROM " + quote(t.layer.ID) + " WHERE " + quote(t.fid) + " = ?")
		if err != nil {
			return r, err
		}
		if err := st.QueryRowContext(tx.ctx, fid).Scan(&r.ID); err != nil {
			return r, err
		}
	}
	return r, nil
}

// update names only the columns that change. An unchanged geometry is not among
// them, so the R*Tree is left alone. When nothing changes, the row is touched so
// that the edit gets its version all the same.
func (tx *txn) update(t *table, e *layers.Edit, blob []byte, old *stored) error {
	var sets []string
	var args []any
	if !(e.Op == layers.Patch && e.KeepGeometry) && !bytes.Equal(blob, old.geom) {
		sets = append(sets, quote(t.geom)+" = ?")
		if blob == nil {
			args = append(args, nil)
		} else {
			args = append(args, blob)
		}
	}
	for i, a := range t.layer.Schema {
		v, named := e.Properties[a.Name]
		if !named && e.Op == layers.Patch {
			continue
		}
		if x := encodeValue(v); !sameStored(x, old.values[i]) {
			sets, args = append(sets, quote(a.Name)+" = ?"), append(args, x)
		}
	}
	if len(sets) == 0 {
		sets = []string{"id = id"}
	}
	return tx.exec("UPDATE "+quote(t.layer.ID)+" SET "+strings.Join(sets, ", ")+" WHERE "+quote(t.fid)+" = ?", append(args, old.fid)...)
}

// sameStored compares scalar column values; a blob, which only foreign writers
// put into an attribute, is the same as nothing.
func sameStored(a, b any) bool {
	if _, ok := b.([]byte); ok {
		return false
	}
	return a == b
}
