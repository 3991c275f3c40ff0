package postgis

import (
	"fmt"

	"onemap/layers"
)

// alter brings a layer and its table to a new definition.
func (d *definer) alter(old *table, layer *layers.Layer) error {
	if !old.managed {
		return d.reattach(old, layer)
	}
	t := *old
	t.layer, t.columns = layer, nameColumns(layer.Schema, old.columns)
	changes, err := old.changesTo(&t)
	if err != nil {
		return err
	}
	reshape := layer.Geometry != old.layer.Geometry
	if reshape && layer.Geometry != layers.AnyGeometry && layer.Geometry != "Multi"+old.layer.Geometry {
		return impossible("geometry", string(layer.Geometry), "the layer holds geometries of type "+string(old.layer.Geometry), "keep it, or choose its Multi type or Geometry")
	}
	if len(changes) > 0 || reshape {
		if err := d.drain(old); err != nil {
			return err
		}
	}
	for _, change := range changes {
		if err := d.exec("ALTER TABLE " + quote(t.schema, t.name) + " " + change); err != nil {
			return err
		}
	}
	if reshape {
		if err := d.reshape(&t); err != nil {
			return err
		}
	}
	if err := d.index(&t, old); err != nil {
		return err
	}
	definition, columns, _, err := t.stored()
	if err != nil {
		return err
	}
	if err := d.exec("UPDATE onemap.layer SET definition = $2::text::json, columns = $3::text::json WHERE id = $1", layer.ID, definition, columns); err != nil {
		return err
	}
	if len(changes) > 0 || reshape {
		return d.capture(&t)
	}
	return nil
}

// changesTo are the steps from one set of columns to another.
func (t *table) changesTo(to *table) (changes []string, err error) {
	for _, a := range to.layer.Schema {
		column := quote(to.columns[a.Name])
		was, ok := t.layer.Schema.Attribute(a.Name)
		switch {
		case !ok:
			changes = append(changes, "ADD COLUMN "+column+" "+sqlTypes[a.Type])
		case was.Type == a.Type:
		case !widens(was.Type, a.Type):
			return nil, impossible("schema."+a.Name, string(a.Type), "was of type "+string(was.Type), "add a new attribute instead")
		default:
			changes = append(changes, fmt.Sprintf("ALTER COLUMN %s TYPE %s USING %s", column, sqlTypes[a.Type], widened(column, was.Type, a.Type)))
		}
	}
	for _, a := range t.layer.Schema {
		if _, ok := to.layer.Schema.Attribute(a.Name); !ok {
			changes = append(changes, "DROP COLUMN "+quote(t.columns[a.Name]))
		}
	}
	return changes, nil
}

func impossible(field, value, reason, remedy string) error {
	return &layers.Error{Code: layers.Invalid, Message: "the layer definition can't be changed so", Violations: []layers.Violation{{Field: field, Value: value, Reason: reason, Remedy: remedy}}}
}

// widens tells whether every value of one type can be kept in the other.
func widens(from, to layers.DataType) bool {
	return to == layers.String && (from == layers.Integer || from == layers.DateType || from == layers.DateTime) || from == layers.Integer && to == layers.Number
}

// widened is the value of a column in another type, as every store writes it.
func widened(column string, from, to layers.DataType) string {
	if from == layers.DateTime {
		return `to_char(` + column + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
	}
	return column + "::" + sqlTypes[to]
}

// reshape brings the geometry column to the layer's type.
func (d *definer) reshape(t *table) error {
	tab := quote(t.schema, t.name)
	use := "geom"
	if t.layer.Geometry == layers.MultiPoint || t.layer.Geometry == layers.MultiLineString || t.layer.Geometry == layers.MultiPolygon {
		use = "ST_Multi(geom)"
	}
	steps := []string{
		"DROP CONSTRAINT IF EXISTS onemap_geom_srid", "DROP CONSTRAINT IF EXISTS onemap_geom_type",
		"ALTER COLUMN geom TYPE " + t.geometryType() + " USING " + use + "::" + t.geometryType(),
	}
	if t.mixed {
		steps = append(steps, fmt.Sprintf("ADD CONSTRAINT onemap_geom_srid CHECK (ST_SRID(geom) = %d)", srid))
		if t.layer.Geometry != layers.AnyGeometry {
			// In this order, or the view geometry_columns would read it and not understand.
			steps = append(steps, fmt.Sprintf("ADD CONSTRAINT onemap_geom_type CHECK ('ST_%s' = ST_GeometryType(geom))", t.layer.Geometry))
		}
	}
	for _, step := range steps {
		if err := d.exec("ALTER TABLE " + tab + " " + step); err != nil {
			return err
		}
	}
	return nil
}
