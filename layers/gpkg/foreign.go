package gpkg

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"onemap/layers"
)

func sameDefinitions(a, b *catalogue) bool {
	return a.epoch == b.epoch && maps.Equal(a.names, b.names) && maps.EqualFunc(a.tables, b.tables, func(x, y *table) bool {
		if x.no != y.no || x.fid != y.fid || x.geom != y.geom {
			return false
		}
		p, _ := json.Marshal(x.layer)
		q, _ := json.Marshal(y.layer)
		return string(p) == string(q)
	})
}

// watchOthers notices what other connections committed: PRAGMA data_version
// changes with each such commit and costs no disk access.
func (s *Store) watchOthers(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var version, schema int64
	_ = s.watch.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&schema)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var v int64
		if err := s.watch.QueryRowContext(ctx, "PRAGMA data_version").Scan(&v); err != nil || v == version {
			continue
		}
		if err := s.takeOver(ctx, &schema); err != nil {
			if ctx.Err() == nil {
				s.log.Warn("changes made by another program could not be taken over; trying again", "error", err)
			}
			continue
		}
		version = v
	}
}

// takeOver moves what others left in the outbox and repairs layers whose tables
// they replaced.
func (s *Store) takeOver(ctx context.Context, schema *int64) error {
	var now int64
	var pending bool
	if err := s.watch.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&now); err != nil {
		return err
	}
	if err := s.watch.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM onemap_outbox)").Scan(&pending); err != nil {
		return err
	}
	if now == *schema && !pending {
		return s.refresh(ctx) // our own commit, or that of another onemap process
	}
	if err := s.writer.do(ctx, func(tx *txn) error {
		if now != *schema {
			if err := tx.adoptTables(); err != nil {
				return err
			}
		}
		return tx.move(layers.Actor{})
	}); err != nil {
		return err
	}
	*schema = now
	return nil
}

// adoptTables looks for layers whose table was replaced (ogr2ogr -overwrite drops
// it, and our triggers with it), takes the new table as the layer's content and
// says reset. A table that is gone becomes an empty one.
func (tx *txn) adoptTables() error {
	c, err := loadCatalogue(tx.ctx, tx.w.conn)
	if err != nil {
		return err
	}
	for _, id := range c.ids {
		t := c.tables[id]
		var triggers, columns int
		if err := tx.row("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? AND name LIKE 'onemap\\_%' ESCAPE '\\'", id).Scan(&triggers); err != nil {
			return err
		}
		if err := tx.row("SELECT count(*) FROM pragma_table_info(?)", id).Scan(&columns); err != nil {
			return err
		}
		if triggers == len(captureNames) {
			continue
		}
		tx.w.s.log.Warn("a layer's table was replaced by another program; its content is read anew", "layer", id)
		if columns == 0 {
			err = tx.recreate(t)
		} else {
			err = tx.adopt(t)
		}
		if err != nil {
			return layers.Errorf(layers.CodeOf(err), "take over the replaced table of layer %s: %w", id, err)
		}
	}
	return tx.reload()
}

// recreate makes an empty table for a layer whose table is gone.
func (tx *txn) recreate(t *table) error {
	if err := tx.dropTable(t); err != nil {
		return err
	}
	if err := tx.exec("UPDATE onemap_layer SET dropped = 1 WHERE no = ?", t.no); err != nil {
		return err
	}
	if err := tx.note(t.no, layers.ChangeReset); err != nil {
		return err
	}
	return tx.create(t.layer)
}

// adopt takes a table that another program made as the layer's table.
func (tx *txn) adopt(old *table) error {
	t := &table{no: old.no, layer: old.layer, fid: old.fid, geom: old.geom}
	rows, err := tx.w.conn.QueryContext(tx.ctx, "SELECT name, type, pk FROM pragma_table_info(?)", old.layer.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names, types []string
	for rows.Next() {
		var name, typ string
		var pk int
		if err := rows.Scan(&name, &typ, &pk); err != nil {
			return err
		}
		if pk == 1 && strings.EqualFold(typ, "INTEGER") {
			t.fid = name
			continue
		}
		names, types = append(names, name), append(types, strings.ToUpper(typ))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	_ = rows.Close()
	if err := tx.row("SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", old.layer.ID).Scan(&t.geom); err != nil {
		return layers.Errorf(layers.Invalid, "the new table has no geometry column")
	}
	layer := *old.layer
	layer.Schema = nil
	hasID := false
	for i, name := range names {
		switch {
		case name == t.geom:
		case strings.EqualFold(name, "id"):
			hasID = true
		default:
			a, ok := old.layer.Schema.Attribute(name)
			if !ok {
				a = layers.Attribute{Name: name, Type: typeOf(types[i])}
			}
			layer.Schema = append(layer.Schema, a)
		}
	}
	// The declared order stays as far as the attributes do.
	slices.SortStableFunc(layer.Schema, func(a, b layers.Attribute) int {
		return place(old.layer.Schema, a.Name) - place(old.layer.Schema, b.Name)
	})
	if err := layer.Validate(); err != nil {
		return err
	}
	t.layer = &layer
	definition, err := json.Marshal(&layer)
	if err != nil {
		return err
	}
	tab := quote(layer.ID)
	script := dropCapture(layer.ID)
	if !hasID {
		script = append(script, "ALTER TABLE "+tab+" ADD COLUMN id TEXT")
	}
	script = append(script, "UPDATE "+tab+" SET id = CAST("+quote(t.fid)+" AS TEXT) WHERE id IS NULL",
		"CREATE UNIQUE INDEX IF NOT EXISTS "+quote("onemap_"+layer.ID+"_id_index")+" ON "+tab+"(id)")
	var hasTree bool
	if err := tx.row("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = ?)", t.rtree()).Scan(&hasTree); err != nil {
		return err
	}
	if !hasTree {
		script = append(script, rtreeStatements(t)...)
		script = append(script, "INSERT OR REPLACE INTO gpkg_extensions VALUES ("+text(layer.ID)+", "+text(t.geom)+", 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')")
	}
	script = append(script, countTriggers(t)...)
	script = append(script, captureTriggers(t)...)
	script = append(script, "INSERT OR REPLACE INTO gpkg_ogr_contents SELECT "+text(layer.ID)+", count(*) FROM "+tab,
		"DELETE FROM onemap_version WHERE layer = "+itoa(t.no))
	if err := tx.script(script...); err != nil {
		return err
	}
	if err := tx.exec("UPDATE onemap_layer SET definition = ?, fid_column = ?, geom_column = ? WHERE no = ?", string(definition), t.fid, t.geom, t.no); err != nil {
		return err
	}
	if err := tx.note(t.no, layers.ChangeDefine); err != nil {
		return err
	}
	return tx.note(t.no, layers.ChangeReset)
}

func place(s layers.Schema, name string) int {
	if i := slices.IndexFunc(s, func(a layers.Attribute) bool { return a.Name == name }); i >= 0 {
		return i
	}
	return len(s)
}

// typeOf is the attribute type for a GeoPackage column type (table 1 of the standard).
func typeOf(sqlType string) layers.DataType {
	base, _, _ := strings.Cut(sqlType, "(")
	switch base {
	case "BOOLEAN":
		return layers.Boolean
	case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER":
		return layers.Integer
	case "FLOAT", "DOUBLE", "REAL":
		return layers.Number
	case "DATE":
		return layers.DateType
	case "DATETIME":
		return layers.DateTime
	}
	return layers.String
}
