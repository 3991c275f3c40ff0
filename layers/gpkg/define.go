package gpkg

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"onemap/layers"
)

// DefineLayer implements layers.Store.
func (s *Store) DefineLayer(ctx context.Context, actor layers.Actor, layer *layers.Layer) (layers.Cursor, error) {
	if err := layer.Validate(); err != nil {
		return layers.Cursor{}, err
	}
	for _, prefix := range []string{"gpkg_", "rtree_", "sqlite_", "onemap_"} {
		if strings.HasPrefix(layer.ID, prefix) {
			return layers.Cursor{}, &layers.Error{Code: layers.Invalid, Message: "the layer definition is not valid", Violations: []layers.Violation{{
				Field: "id", Value: layer.ID, Reason: "starts with " + prefix + ", which names internal tables", Remedy: "choose another id"}}}
		}
	}
	return s.redefine(ctx, actor, func(tx *txn) error {
		if old, ok := tx.cat.tables[layer.ID]; ok {
			return tx.alter(old, layer)
		}
		return tx.create(layer)
	})
}

// DropLayer implements layers.Store.
func (s *Store) DropLayer(ctx context.Context, actor layers.Actor, layer string) (layers.Cursor, error) {
	return s.redefine(ctx, actor, func(tx *txn) error {
		t, err := tx.cat.see(layers.Owner, layer)
		if err != nil {
			return err
		}
		if err := tx.dropTable(t); err != nil {
			return err
		}
		if err := tx.exec("UPDATE onemap_layer SET dropped = 1 WHERE no = ?", t.no); err != nil {
			return err
		}
		if err := tx.exec("DELETE FROM onemap_version WHERE layer = ?", t.no); err != nil {
			return err
		}
		return tx.note(t.no, layers.ChangeDrop)
	})
}

// redefine runs a change of definitions as one commit of its own.
func (s *Store) redefine(ctx context.Context, actor layers.Actor, f func(*txn) error) (layers.Cursor, error) {
	var at layers.Cursor
	err := s.writer.do(ctx, func(tx *txn) error {
		if err := f(tx); err != nil {
			return err
		}
		if _, err := tx.moveOwn(actor, nil); err != nil {
			return err
		}
		at = layers.Cursor{Epoch: tx.epoch, Position: tx.head}
		return tx.reload()
	})
	return at, err
}

// reload reads the definitions as this transaction sees them.
func (tx *txn) reload() (err error) {
	tx.cat, err = loadCatalogue(tx.ctx, tx.w.conn)
	return err
}

func (tx *txn) create(layer *layers.Layer) error {
	definition, err := json.Marshal(layer)
	if err != nil {
		return err
	}
	res, err := tx.run("INSERT INTO onemap_layer(id, definition, fid_column, geom_column) VALUES (?, ?, 'fid', 'geom')", layer.ID, string(definition))
	if err != nil {
		return err
	}
	t := &table{layer: layer, fid: "fid", geom: "geom"}
	if t.no, err = res.LastInsertId(); err != nil {
		return err
	}
	if err := tx.build(t); err != nil {
		return err
	}
	return tx.note(t.no, layers.ChangeDefine)
}

// build makes a layer's table with all that belongs to it.
func (tx *txn) build(t *table) error {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + quote(t.layer.ID) + " (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom " + geometryName(t.layer.Geometry) + ", id TEXT UNIQUE")
	for _, a := range t.layer.Schema {
		b.WriteString(", " + quote(a.Name) + " " + sqlTypes[a.Type])
	}
	b.WriteString(")")
	if err := tx.script(b.String()); err != nil {
		return err
	}
	if err := tx.register(t); err != nil {
		return err
	}
	return tx.script(slices.Concat(rtreeStatements(t), countTriggers(t), captureTriggers(t), roleIndexes(t))...)
}

// joined are the roles that layers are joined by.
var joined = []layers.Role{layers.RoleDivision, layers.RoleCreditCode}

// roleIndexes are on the columns that layers are joined by.
func roleIndexes(t *table) []string {
	var out []string
	for _, r := range joined {
		if a, ok := t.layer.Schema.ByRole(r); ok {
			out = append(out, "CREATE INDEX IF NOT EXISTS "+quote("onemap_"+itoa(t.no)+"_"+string(r))+" ON "+quote(t.layer.ID)+"("+quote(a.Name)+")")
		}
	}
	return out
}

func dropRoleIndexes(t *table) []string {
	var out []string
	for _, r := range joined {
		out = append(out, "DROP INDEX IF EXISTS "+quote("onemap_"+itoa(t.no)+"_"+string(r)))
	}
	return out
}

// alter brings a layer's table to a new definition.
func (tx *txn) alter(old *table, layer *layers.Layer) error {
	t := &table{no: old.no, layer: layer, fid: old.fid, geom: old.geom}
	var change []string
	tab := quote(layer.ID)
	for _, a := range layer.Schema {
		was, ok := old.layer.Schema.Attribute(a.Name)
		switch {
		case !ok:
			change = append(change, "ALTER TABLE "+tab+" ADD COLUMN "+quote(a.Name)+" "+sqlTypes[a.Type])
		case was.Type != a.Type && !widens(was.Type, a.Type):
			return &layers.Error{Code: layers.Invalid, Message: "the layer definition can't be changed so", Violations: []layers.Violation{{
				Field: "schema." + a.Name, Value: string(a.Type), Reason: "was of type " + string(was.Type), Remedy: "add a new attribute instead"}}}
		case was.Type != a.Type: // SQLite can't change a column's type; a new column takes its place
			tmp := quote("onemap_" + a.Name)
			change = append(change, "ALTER TABLE "+tab+" ADD COLUMN "+tmp+" "+sqlTypes[a.Type],
				"UPDATE "+tab+" SET "+tmp+" = CAST("+quote(a.Name)+" AS "+sqlTypes[a.Type]+") WHERE "+quote(a.Name)+" IS NOT NULL",
				"ALTER TABLE "+tab+" DROP COLUMN "+quote(a.Name), "ALTER TABLE "+tab+" RENAME COLUMN "+tmp+" TO "+quote(a.Name))
		}
	}
	for _, a := range old.layer.Schema {
		if _, ok := layer.Schema.Attribute(a.Name); !ok {
			change = append(change, "ALTER TABLE "+tab+" DROP COLUMN "+quote(a.Name))
		}
	}
	if layer.Geometry != old.layer.Geometry {
		if layer.Geometry != layers.AnyGeometry && layer.Geometry != "Multi"+old.layer.Geometry {
			return &layers.Error{Code: layers.Invalid, Message: "the layer definition can't be changed so", Violations: []layers.Violation{{
				Field: "geometry", Value: string(layer.Geometry), Reason: "the layer holds geometries of type " + string(old.layer.Geometry), Remedy: "keep it, or choose its Multi type or Geometry"}}}
		}
		if err := tx.exec("UPDATE gpkg_geometry_columns SET geometry_type_name = ? WHERE table_name = ?", geometryName(layer.Geometry), layer.ID); err != nil {
			return err
		}
	}
	definition, err := json.Marshal(layer)
	if err != nil {
		return err
	}
	if err := tx.exec("UPDATE onemap_layer SET definition = ? WHERE no = ?", string(definition), t.no); err != nil {
		return err
	}
	if len(change) > 0 {
		// Capture must not see the table being rebuilt: it names columns.
		change = slices.Concat(dropCapture(layer.ID), change, captureTriggers(t))
	}
	if err := tx.script(slices.Concat(dropRoleIndexes(t), change, roleIndexes(t))...); err != nil {
		return err
	}
	if err := tx.describe(t); err != nil {
		return err
	}
	return tx.note(t.no, layers.ChangeDefine)
}

// widens tells whether every value of one type can be kept in the other.
func widens(from, to layers.DataType) bool {
	return to == layers.String && from != layers.JSON && from != layers.Number && from != layers.Boolean || from == layers.Integer && to == layers.Number
}

func dropCapture(layer string) []string {
	var out []string
	for _, n := range captureNames {
		out = append(out, "DROP TRIGGER IF EXISTS "+quote("onemap_"+layer+"_"+n))
	}
	return out
}
