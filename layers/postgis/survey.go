package postgis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

// survey makes of an attachment the table that it means, as a layer, and says what
// could be better. It changes nothing. Where only the rows tell, it reads them, which of a
// view may take long: unless somebody has, and so knows their reference system.
func survey(ctx context.Context, tx pgx.Tx, a layers.Attachment, knownSRID int) (*table, layers.Attached, error) {
	t, found, err := describe(ctx, tx, a, knownSRID)
	if rowFault(err) {
		err = fail(layers.Unavailable, badRows, err)
	}
	return t, found, err
}

func describe(ctx context.Context, tx pgx.Tx, a layers.Attachment, knownSRID int) (*table, layers.Attached, error) {
	none := layers.Attached{}
	r, err := findRelation(ctx, tx, a.Table)
	if err != nil {
		return nil, none, err
	}
	id, err := r.identifies(ctx, tx, a.Key, knownSRID == 0)
	if err != nil {
		return nil, none, err
	}
	place, err := r.place(ctx, tx, a.Geometry, knownSRID)
	if err != nil {
		return nil, none, err
	}
	if a.Version != "" && r.column(a.Version) == nil {
		return nil, none, unfit("version", a.Version, "there is no such column", "one of "+r.names())
	}
	if a.Version != "" {
		err := pgx.BeginFunc(ctx, tx, func(sub pgx.Tx) error {
			_, err := sub.Exec(ctx, "SELECT max("+quote(a.Version)+") FROM "+r.sql()+" WHERE false")
			return err
		})
		if isCode(err, undefinedFunction) || err == nil && r.column(a.Version).Geometry != "" { // PostGIS casts it to text
			return nil, none, unfit("version", a.Version, "values of its type have no order in which they grow", "a column of numbers or times that grows with each change, or none")
		} else if err != nil {
			return nil, none, err
		}
	}
	if a.Poll < 0 {
		return nil, none, unfit("poll", a.Poll.String(), "negative", "a time like 10s")
	}
	layer := a.Layer
	t := &table{layer: &layer, schema: r.schema, name: r.name, oid: r.oid, key: id.Name, keyType: id.Type, geometry: place.Name, srid: place.SRID, mixed: !plainGeometry(place)}
	advice, err := t.describe(r, place, a.Layer.Schema)
	if err != nil {
		return nil, none, err
	}
	if err := layer.Validate(); err != nil {
		return nil, none, err
	}
	poll, more := r.poll(a, place)
	return t, layers.Attached{Layer: &layer, Table: r.sql(), Kind: kinds[r.kind], Key: t.key, Geometry: t.geometry, SRID: t.srid,
		Poll: poll, Version: a.Version, Advice: append(more, advice...)}, nil
}

// place finds the geometry column and, where its type leaves it open, looks into
// the rows for its reference system.
func (r *relation) place(ctx context.Context, tx pgx.Tx, named string, knownSRID int) (*column, error) {
	var all []string
	for _, c := range r.columns {
		if c.Geometry != "" {
			all = append(all, c.Name)
		}
	}
	switch {
	case named == "" && len(all) == 0:
		return nil, unfit("geometry", "", "the table has no column of type geometry", "a view can have one: CREATE VIEW … AS SELECT *, ST_SetSRID(ST_Point(lon, lat), 4326) AS geom FROM …, or geography::geometry")
	case named == "" && len(all) > 1:
		return nil, unfit("geometry", "", "the table has several geometry columns", "name one of "+strings.Join(all, ", "))
	case named == "":
		named = all[0]
	case !slices.Contains(all, named):
		return nil, unfit("geometry", named, "not a geometry column of the table", "one of "+strings.Join(all, ", "))
	}
	c := r.column(named)
	if c.SRID == 0 {
		c.SRID = knownSRID
	}
	if c.SRID == 0 {
		var found []int
		err := tx.QueryRow(ctx, "SELECT coalesce(array_agg(DISTINCT s), '{}') FROM (SELECT ST_SRID("+quote(c.Name)+") AS s FROM "+r.sql()+" WHERE "+quote(c.Name)+" IS NOT NULL LIMIT 1000) x").Scan(&found)
		switch {
		case err != nil:
			return nil, err
		case len(found) > 1:
			return nil, unfit("geometry", c.Name, fmt.Sprintf("its rows have different reference systems: %v", found), "give all rows one: UPDATE "+r.sql()+" SET "+quote(c.Name)+" = ST_Transform("+quote(c.Name)+", 4326)")
		case len(found) == 0 || found[0] == 0:
			return nil, unfit("geometry", c.Name, "the column does not say its reference system", "declare it, for example CGCS2000: ALTER TABLE "+r.sql()+" ALTER COLUMN "+quote(c.Name)+
				" TYPE geometry(Geometry, 4490) USING ST_SetSRID("+quote(c.Name)+", 4490)")
		}
		c.SRID = found[0]
	}
	var known bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM spatial_ref_sys WHERE srid = $1)", c.SRID).Scan(&known); err != nil {
		return nil, err
	}
	if !known {
		return nil, unfit("geometry", c.Name, fmt.Sprintf("PostGIS does not know the reference system %d", c.SRID), "add it to spatial_ref_sys")
	}
	return c, nil
}

// geometryTypes are what PostGIS's types are to a layer: curves become lines.
var geometryTypes = map[string]layers.GeometryType{
	"POINT": layers.Point, "LINESTRING": layers.LineString, "POLYGON": layers.Polygon,
	"MULTIPOINT": layers.MultiPoint, "MULTILINESTRING": layers.MultiLineString, "MULTIPOLYGON": layers.MultiPolygon,
	"GEOMETRY": layers.AnyGeometry, "GEOMETRYCOLLECTION": layers.AnyGeometry,
	"CIRCULARSTRING": layers.LineString, "COMPOUNDCURVE": layers.LineString, "CURVEPOLYGON": layers.Polygon,
	"MULTICURVE": layers.MultiLineString, "MULTISURFACE": layers.MultiPolygon,
}

// flat is a geometry type without its heights and measures.
func flat(typ string) string { return strings.TrimRight(typ, "ZM") }

// plainGeometry tells whether every value of a column is of a type that features
// have: then nothing need be linearised.
func plainGeometry(c *column) bool {
	switch flat(c.Geometry) {
	case "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON":
		return true
	}
	return false
}

// describe fills in what the layer's definition leaves open.
func (t *table) describe(r *relation, place *column, wanted layers.Schema) ([]layers.Advice, error) {
	l := t.layer
	if l.ID == "" {
		l.ID = layers.ProposeID("layer", r.name)
	}
	if l.Title == (layers.Text{}) {
		if l.Title.Zh = headline(r.comment); l.Title.Zh == "" {
			l.Title.Zh = r.name
		}
	}
	if l.Sharing == "" {
		l.Sharing = layers.Conditional // nobody has decided yet
	}
	if l.Department.ID == "" {
		l.Department = layers.Unregistered
	}
	if l.UpdateCycle == "" {
		l.UpdateCycle = layers.Irregular
	}
	if l.Themes == nil {
		l.Themes = []string{}
	}
	if l.Geometry == "" {
		typ, ok := geometryTypes[flat(place.Geometry)]
		if !ok {
			return nil, unfit("geometry", place.Name, "geometries of type "+place.Geometry+" can't be drawn", "publish a view of it with polygons: ST_Collect(ST_GeometryN(…))")
		}
		l.Geometry = typ
	}
	return t.attributes(r, wanted)
}

// headline is the first line of a comment, if it is short enough for a title.
func headline(comment string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(comment), "\n")
	if line = strings.TrimSpace(line); len([]rune(line)) > 60 {
		return ""
	}
	return line
}

// attributes makes the schema of the columns.
func (t *table) attributes(r *relation, wanted layers.Schema) (advice []layers.Advice, err error) {
	var published []column
	var names, left []string
	for _, c := range r.columns {
		switch {
		case c.Name == t.key || c.Name == t.geometry:
		case dataType(c) == "":
			left = append(left, c.Name+" ("+c.Type+")")
		default:
			published, names = append(published, c), append(names, c.Name)
		}
	}
	t.columns, t.types = map[string]string{}, map[string]string{}
	var schema layers.Schema
	roles := map[layers.Role]bool{}
	for i, name := range layers.ProposeNames(names) {
		c := published[i]
		a := c.attribute(name)
		if wanted != nil {
			w, ok := wanted.Attribute(name)
			if !ok {
				continue
			}
			if w.Type != "" && w.Type != a.Type {
				return nil, unfit("layer.schema."+name, string(w.Type), "column "+c.Name+" is of type "+c.Type, "leave the type out, or say "+string(a.Type))
			}
			w.Type = a.Type
			a = w
		} else {
			a.Role = layers.ProposeRole(c.Name, a.Type, roles)
		}
		t.columns[name], t.types[name] = c.Name, c.Type
		schema = append(schema, a)
	}
	for _, w := range wanted {
		if _, ok := t.columns[w.Name]; !ok {
			return nil, unfit("layer.schema."+w.Name, "", "the table has no such column that can be published", "one of "+strings.Join(layers.ProposeNames(names), ", "))
		}
	}
	place := func(a layers.Attribute) int {
		return slices.IndexFunc(wanted, func(w layers.Attribute) bool { return w.Name == a.Name })
	}
	slices.SortStableFunc(schema, func(a, b layers.Attribute) int { return place(a) - place(b) })
	t.layer.Schema = schema
	if len(left) > 0 && wanted == nil {
		advice = append(advice, layers.Advice{Reason: "left out, because an attribute can't hold them: " + strings.Join(left, ", ")})
	}
	return advice, nil
}

// dataType is the attribute type of a column; "" if it can't be one.
func dataType(c column) layers.DataType {
	switch element, isArray := strings.CutSuffix(c.Type, "[]"); {
	case c.Geometry != "" || element == "bytea" || element == "geometry" || element == "geography" || element == "raster":
		return ""
	case isArray:
		return layers.JSON
	}
	switch c.Type {
	case "smallint", "integer", "bigint":
		return layers.Integer
	case "numeric":
		if c.Whole {
			return layers.Integer
		}
		return layers.Number
	case "real", "double precision":
		return layers.Number
	case "boolean":
		return layers.Boolean
	case "date":
		return layers.DateType
	case "timestamp without time zone", "timestamp with time zone":
		return layers.DateTime
	case "json", "jsonb":
		return layers.JSON
	}
	return layers.String
}

func (c column) attribute(name string) layers.Attribute {
	a := layers.Attribute{Name: name, Type: dataType(c), Required: c.NotNull, MaxLength: c.Length}
	if a.Title.Zh = headline(c.Comment); a.Title.Zh == "" && c.Name != name {
		a.Title.Zh = c.Name
	}
	if a.Title.Zh != "" && !strings.ContainsFunc(a.Title.Zh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		a.Title.En = a.Title.Zh
	}
	for _, l := range c.Labels {
		a.Enum = append(a.Enum, layers.Term{Value: l, Title: layers.Text{Zh: l}})
	}
	return a
}

// poll tells how often the rows have to be compared, and why; never, if each write
// can be captured.
func (r *relation) poll(a layers.Attachment, place *column) (every time.Duration, advice []layers.Advice) {
	every = a.Poll
	switch {
	case !r.fires():
		every = cmp.Or(every, layers.DefaultPoll)
		advice = append(advice, layers.Advice{Reason: fmt.Sprintf("a %s says nothing of its changes: its rows are compared every %s", kinds[r.kind], every)})
	case r.remote != "": // it may be written to where it is, and TRUNCATE fires no trigger of it
		every = cmp.Or(every, layers.DefaultPoll)
		advice = append(advice, layers.Advice{Reason: fmt.Sprintf("its partition %s is a foreign table, which says nothing of its changes: the rows are compared every %s", r.remote, every)})
	case !r.owned:
		every = cmp.Or(every, layers.DefaultPoll)
		advice = append(advice, layers.Advice{Reason: fmt.Sprintf("only the owner may set the triggers that capture writes: its rows are compared every %s", every),
			Statement: "GRANT " + quote(r.owner) + " TO " + quote(r.us)})
	}
	if r.filtered {
		advice = append(advice, layers.Advice{Reason: "row-level security hides rows from role " + r.us + ", which the map will lack"})
	}
	if !place.Indexed && r.kind != "v" && r.kind != "f" {
		advice = append(advice, layers.Advice{Reason: "the geometry has no spatial index, so each tile reads the whole table",
			Statement: "CREATE INDEX ON " + r.sql() + " USING gist (" + quote(place.Name) + ")"})
	}
	return every, advice
}
