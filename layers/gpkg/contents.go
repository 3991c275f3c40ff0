package gpkg

import (
	"context"
	"database/sql"
	"math"
	"strings"

	"github.com/paulmach/orb"

	"onemap/layers"
)

func geometryName(g layers.GeometryType) string { return strings.ToUpper(string(g)) }

// register lists a layer's table as a feature table of the GeoPackage.
func (tx *txn) register(t *table) error {
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{"INSERT INTO gpkg_contents(table_name, data_type, identifier, description, srs_id) VALUES (?1, 'features', ?1, ?2, ?3)", []any{t.layer.ID, either(t.layer.Title), srid}},
		{"INSERT INTO gpkg_geometry_columns VALUES (?, ?, ?, ?, 0, 0)", []any{t.layer.ID, t.geom, geometryName(t.layer.Geometry), srid}},
		{"INSERT OR REPLACE INTO gpkg_ogr_contents VALUES (?, 0)", []any{t.layer.ID}},
		{"INSERT OR REPLACE INTO gpkg_extensions VALUES (?, ?, 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')", []any{t.layer.ID, t.geom}},
	} {
		if err := tx.exec(step.sql, step.args...); err != nil {
			return err
		}
	}
	return tx.describe(t)
}

// dropTable removes a layer's table and what the GeoPackage says of it.
func (tx *txn) dropTable(t *table) error {
	if err := tx.undescribe(t); err != nil {
		return err
	}
	for _, table := range []string{"gpkg_extensions", "gpkg_ogr_contents", "gpkg_geometry_columns", "gpkg_contents"} {
		if err := tx.exec("DELETE FROM "+table+" WHERE table_name = ?", t.layer.ID); err != nil {
			return err
		}
	}
	return tx.script("DROP TABLE IF EXISTS "+quote(t.rtree()), "DROP TABLE IF EXISTS "+quote(t.layer.ID))
}

// either is the title in a file that knows one language.
func either(t layers.Text) string {
	if t.Zh != "" {
		return t.Zh
	}
	return t.En
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// describe says what the columns are (extension gpkg_schema): titles, which text is
// JSON, and the allowed values, from which QGIS makes lists to choose from.
func (tx *txn) describe(t *table) error {
	if err := tx.undescribe(t); err != nil {
		return err
	}
	names := map[any]bool{}
	for _, a := range t.layer.Schema {
		var mime, constraint any
		if a.Type == layers.JSON {
			mime = "application/json"
		}
		if len(a.Enum) > 0 {
			constraint = t.constraints() + a.Name
			for _, term := range a.Enum {
				if err := tx.exec("INSERT INTO gpkg_data_column_constraints(constraint_name, constraint_type, value, description) VALUES (?, 'enum', ?, ?)",
					constraint, term.Value, orNull(either(term.Title))); err != nil {
					return err
				}
			}
		}
		title, note := orNull(either(a.Title)), orNull(either(a.Note))
		name := title // some programs show the one, some the other; no two names may be the same
		if names[name] {
			name = nil
		}
		names[name] = true
		if title == nil && note == nil && mime == nil && constraint == nil {
			continue
		}
		if err := tx.exec("INSERT INTO gpkg_data_columns(table_name, column_name, name, title, description, mime_type, constraint_name) VALUES (?, ?, ?, ?, ?, ?, ?)",
			t.layer.ID, a.Name, name, title, note, mime, constraint); err != nil {
			return err
		}
	}
	return nil
}

func (tx *txn) undescribe(t *table) error {
	if err := tx.exec("DELETE FROM gpkg_data_columns WHERE table_name = ?", t.layer.ID); err != nil {
		return err
	}
	return tx.exec("DELETE FROM gpkg_data_column_constraints WHERE substr(constraint_name, 1, length(?1)) = ?1", t.constraints())
}

// constraints is how the names of a layer's constraints begin.
func (t *table) constraints() string { return "onemap_" + itoa(t.no) + "_" }

// widen keeps the layer's extent in gpkg_contents around what a call wrote. It is
// made narrower now and then, by measure.
func (b *batch) widen(changes []change) error {
	var all *orb.Bound
	for i := range changes {
		if bound, ok := blobBound(changes[i].geom); ok {
			if all != nil {
				bound = bound.Union(*all)
			}
			all = &bound
		}
	}
	if all == nil {
		return nil
	}
	return b.exec(`UPDATE gpkg_contents SET min_x = min(ifnull(min_x, ?2), ?2), min_y = min(ifnull(min_y, ?3), ?3), max_x = max(ifnull(max_x, ?4), ?4), max_y = max(ifnull(max_y, ?5), ?5)
		WHERE table_name = ?1 AND (min_x <= ?2 AND min_y <= ?3 AND max_x >= ?4 AND max_y >= ?5) IS NOT TRUE`,
		b.t.layer.ID, all.Min[0], all.Min[1], all.Max[0], all.Max[1])
}

// measure sets the extents in gpkg_contents that are not those of the R*Trees, as
// after features at the edge have gone or another program has moved some.
func (s *Store) measure(ctx context.Context, write func(context.Context, func(*txn) error) error) error {
	wrong := false
	_, err := s.snapshot(ctx, func(tx *sql.Tx, c *catalogue) error {
		for _, id := range c.ids {
			_, differs, err := c.tables[id].measure(ctx, tx)
			if err != nil {
				return err
			}
			wrong = wrong || differs
		}
		return nil
	})
	if err != nil || !wrong {
		return err
	}
	return write(ctx, func(tx *txn) error {
		for _, id := range tx.cat.ids {
			sides, differs, err := tx.cat.tables[id].measure(tx.ctx, tx.w.conn)
			if err != nil {
				return err
			}
			if !differs {
				continue
			}
			if err := tx.exec("UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?", sides[0], sides[1], sides[2], sides[3], id); err != nil {
				return err
			}
		}
		return nil
	})
}

// measure returns what a layer's extent in gpkg_contents should be, and whether it
// is something else. The R*Tree rounds to 32 bits: what is as near is right.
func (t *table) measure(ctx context.Context, q queryer) (sides [4]any, differs bool, err error) {
	var have [4]sql.NullFloat64
	err = q.QueryRowContext(ctx, "SELECT min_x, min_y, max_x, max_y FROM gpkg_contents WHERE table_name = ?", t.layer.ID).Scan(&have[0], &have[1], &have[2], &have[3])
	if err == sql.ErrNoRows { // the table is being replaced by another process
		return sides, false, nil
	}
	if err != nil {
		return sides, false, err
	}
	extent, err := t.extent(ctx, q)
	if err != nil {
		return sides, false, err
	}
	for i := range sides {
		if extent == nil {
			differs = differs || have[i].Valid
			continue
		}
		want := [4]float64{extent.Min[0], extent.Min[1], extent.Max[0], extent.Max[1]}[i]
		const rounding = 1.0 / (1 << 22) // two units in the last of 24 bits
		if have[i].Valid && math.Abs(have[i].Float64-want) <= rounding*math.Abs(want) {
			sides[i] = have[i].Float64
			continue
		}
		sides[i], differs = want, true
	}
	return sides, differs, nil
}
