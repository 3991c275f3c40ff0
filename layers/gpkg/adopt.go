package gpkg

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"onemap/layers"
)

// adoptTables repairs the layers whose tables other programs changed. A replaced
// table (ogr2ogr -overwrite drops the old one, and our triggers with it) becomes the
// layer's content, and the log says reset; a table that is gone becomes an empty
// one; added and removed columns go to the definition.
func (tx *txn) adoptTables() error {
	damages, err := tx.w.s.inspect(tx.ctx, tx.w.conn)
	if err != nil || len(damages) == 0 {
		return err
	}
	for _, d := range damages {
		tx.w.s.log.Warn("another program changed a layer's table", "layer", d.t.layer.ID, "gone", d.gone, "replaced", d.uncaptured)
		if d.gone {
			err = tx.recreate(d.t)
		} else {
			err = tx.adopt(d)
		}
		if err != nil {
			return layers.Errorf(layers.CodeOf(err), "take over the table of layer %s: %w", d.t.layer.ID, err)
		}
	}
	if _, err := tx.moveOwn(layers.Actor{}, nil); err != nil {
		return err
	}
	if err := tx.reload(); err != nil {
		return err
	}
	for _, d := range damages {
		if err := tx.versionRows(tx.cat.tables[d.t.layer.ID]); err != nil {
			return err
		}
	}
	return nil
}

// versionRows gives the rows that nobody saw being written the layer's last
// position, which is that of its reset: a version of 0 could be no precondition.
func (tx *txn) versionRows(t *table) error {
	return tx.exec("INSERT OR IGNORE INTO onemap_version(layer, fid, version, updated) SELECT ?1, t."+quote(t.fid)+", l.position, l.time"+
		" FROM (SELECT position, time FROM onemap_log WHERE layer = ?1 ORDER BY position DESC LIMIT 1) l CROSS JOIN "+quote(t.layer.ID)+" t", t.no)
}

// recreate makes an empty table for a layer whose table is gone.
func (tx *txn) recreate(t *table) error {
	if err := tx.dropTable(t); err != nil {
		return err
	}
	if err := tx.exec("DELETE FROM onemap_version WHERE layer = ?", t.no); err != nil {
		return err
	}
	if err := tx.build(&table{no: t.no, layer: t.layer, fid: "fid", geom: "geom"}); err != nil {
		return err
	}
	if err := tx.exec("UPDATE onemap_layer SET fid_column = 'fid', geom_column = 'geom' WHERE no = ?", t.no); err != nil {
		return err
	}
	return tx.note(t.no, layers.ChangeReset)
}

// tableColumn is a column as SQLite describes it.
type tableColumn struct {
	name, declared string
	key            bool
}

// kept reports whether the column can be an attribute. A blob can't.
func (c tableColumn) kept() bool { return !strings.HasPrefix(c.declared, "BLOB") }

func readColumns(ctx context.Context, q queryer, table string) ([]tableColumn, error) {
	rows, err := q.QueryContext(ctx, "SELECT name, type, pk FROM pragma_table_info(?)", table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var columns []tableColumn
	for rows.Next() {
		var c tableColumn
		var pk int
		if err := rows.Scan(&c.name, &c.declared, &pk); err != nil {
			return nil, err
		}
		c.declared = strings.ToUpper(c.declared)
		c.key = pk == 1 && c.declared == "INTEGER"
		columns = append(columns, c)
	}
	return columns, rows.Err()
}

// adopt takes the table that is there as the layer's table. If triggers were
// missing, its content may not be what the log tells.
func (tx *txn) adopt(d damage) error {
	old, reset := d.t, d.uncaptured
	t := &table{no: old.no, layer: old.layer, fid: old.fid, geom: old.geom}
	columns, err := tx.freeID(old.layer.ID)
	if err != nil {
		return err
	}
	if err := tx.row("SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", old.layer.ID).Scan(&t.geom); err != nil {
		return layers.Errorf(layers.Invalid, "the new table has no geometry column")
	}
	t.layer, t.fid = adoptedSchema(old.layer, columns, t.geom)
	if err := t.layer.Validate(); err != nil {
		return err
	}
	tab := quote(t.layer.ID)
	if err := tx.script(dropCapture(t.layer.ID)...); err != nil {
		return err
	}
	if err := tx.adoptIDs(t, columns); err != nil {
		return err
	}
	script := append(dropRtreeTriggers(t), rtreeTriggers(t)...)
	if !d.indexed || t.geom != old.geom || t.fid != old.fid {
		script = append(rtreeStatements(t), "DELETE FROM gpkg_extensions WHERE table_name = "+text(t.layer.ID)+" AND extension_name = 'gpkg_rtree_index'",
			"INSERT INTO gpkg_extensions VALUES ("+text(t.layer.ID)+", "+text(t.geom)+", 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')")
	}
	script = append(script, countTriggers(t)...)
	script = append(script, captureTriggers(t)...)
	script = append(script, roleIndexes(t)...)
	script = append(script, "INSERT OR REPLACE INTO gpkg_ogr_contents SELECT "+text(t.layer.ID)+", count(*) FROM "+tab)
	if reset {
		script = append(script, "DELETE FROM onemap_version WHERE layer = "+itoa(t.no))
	}
	if err := tx.script(script...); err != nil {
		return err
	}
	definition, err := json.Marshal(t.layer)
	if err != nil {
		return err
	}
	if err := tx.exec("UPDATE onemap_layer SET definition = ?, fid_column = ?, geom_column = ? WHERE no = ?", string(definition), t.fid, t.geom, t.no); err != nil {
		return err
	}
	if err := tx.describe(t); err != nil {
		return err
	}
	if err := tx.note(t.no, layers.ChangeDefine); err != nil {
		return err
	}
	if !reset {
		return nil
	}
	return tx.note(t.no, layers.ChangeReset)
}

// adoptedSchema returns the layer with the attributes that the columns are, and the
// name of the key. Attributes that the layer had keep their definitions and order.
func adoptedSchema(old *layers.Layer, columns []tableColumn, geom string) (*layers.Layer, string) {
	layer := *old
	layer.Schema = nil
	fid := "fid"
	for _, c := range columns {
		switch {
		case c.key:
			fid = c.name
		case c.name == geom, strings.EqualFold(c.name, "id"), !c.kept():
		default:
			a, ok := old.Schema.Attribute(c.name)
			if !ok || sqlTypes[a.Type] != sqlTypes[typeOf(c.declared)] {
				a.Name, a.Type = c.name, typeOf(c.declared)
			}
			layer.Schema = append(layer.Schema, a)
		}
	}
	place := func(name string) int {
		if i := slices.IndexFunc(old.Schema, func(a layers.Attribute) bool { return a.Name == name }); i >= 0 {
			return i
		}
		return len(old.Schema)
	}
	slices.SortStableFunc(layer.Schema, func(a, b layers.Attribute) int { return place(a.Name) - place(b.Name) })
	return &layer, fid
}

// freeID renames the key column if it has the name that feature ids have, as GDAL
// makes it of GeoJSON with a property of that name. It returns the columns.
func (tx *txn) freeID(table string) ([]tableColumn, error) {
	columns, err := readColumns(tx.ctx, tx.w.conn, table)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(columns, func(c tableColumn) bool { return c.key && strings.EqualFold(c.name, "id") })
	if i < 0 {
		return columns, nil
	}
	name := "fid"
	for slices.ContainsFunc(columns, func(c tableColumn) bool { return strings.EqualFold(c.name, name) }) {
		name += "_"
	}
	if err := tx.script("ALTER TABLE " + quote(table) + " RENAME COLUMN " + quote(columns[i].name) + " TO " + quote(name)); err != nil {
		return nil, err
	}
	columns[i].name = name
	return columns, nil
}

// adoptIDs sees to it that each row of a table has an id, as text, and that no two
// have the same.
func (tx *txn) adoptIDs(t *table, columns []tableColumn) error {
	tab, fid := quote(t.layer.ID), quote(t.fid)
	var script []string
	i := slices.IndexFunc(columns, func(c tableColumn) bool { return strings.EqualFold(c.name, "id") })
	switch {
	case i < 0:
		script = append(script, "ALTER TABLE "+tab+" ADD COLUMN id TEXT")
	case columns[i].name != "id":
		script = append(script, "ALTER TABLE "+tab+" RENAME COLUMN "+quote(columns[i].name)+" TO id")
	}
	if i >= 0 && typeOf(columns[i].declared) != layers.String {
		script = append(script, "ALTER TABLE "+tab+" RENAME COLUMN id TO onemap_id", "ALTER TABLE "+tab+" ADD COLUMN id TEXT",
			"UPDATE "+tab+" SET id = CAST(onemap_id AS TEXT)", "ALTER TABLE "+tab+" DROP COLUMN onemap_id")
	}
	index := quote("onemap_" + t.layer.ID + "_id_index")
	script = append(script,
		"DROP INDEX IF EXISTS "+index,
		"CREATE INDEX "+index+" ON "+tab+"(id)",
		"UPDATE "+tab+" SET id = id || '-' || "+fid+" WHERE "+fid+" IN (SELECT b."+fid+" FROM "+tab+" a JOIN "+tab+" b ON a.id = b.id AND a."+fid+" < b."+fid+")",
		"UPDATE "+tab+" SET id = CASE WHEN EXISTS (SELECT 1 FROM "+tab+" o WHERE o.id = CAST("+tab+"."+fid+" AS TEXT)) THEN "+fid+" || '-' || lower(hex(randomblob(4))) ELSE CAST("+fid+" AS TEXT) END WHERE id IS NULL",
		"DROP INDEX "+index,
		"CREATE UNIQUE INDEX "+index+" ON "+tab+"(id)")
	return tx.script(script...)
}

// typeOf is the attribute type for a GeoPackage column type (table 1 of the standard).
func typeOf(sqlType string) layers.DataType {
	base, _, _ := strings.Cut(sqlType, "(")
	switch base {
	case "BOOLEAN":
		return layers.Boolean
	case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER", "BIGINT":
		return layers.Integer
	case "FLOAT", "DOUBLE", "REAL":
		return layers.Number
	case "DATE":
		return layers.DateType
	case "DATETIME", "TIMESTAMP":
		return layers.DateTime
	}
	return layers.String
}
