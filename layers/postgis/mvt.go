package postgis

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

// MakeTile implements layers.TileMaker, by ST_AsMVT.
func (r *reader) MakeTile(ctx context.Context, layer string, spec layers.TileSpec) ([]byte, error) {
	var tile []byte
	_, err := r.s.read(ctx, "make a tile of layer "+layer, layer, func(c *catalogue, b *pgx.Batch) error {
		tile = nil
		t, err := c.see(r.view, layer)
		if err != nil {
			return err
		}
		sql, args := t.mvt(spec)
		b.Queue(sql, args...).QueryRow(func(row pgx.Row) error { return row.Scan(&tile) })
		return nil
	})
	return tile, err
}

// mvt is the statement that makes a tile. What is our own in it begins with a space,
// as no attribute does: an attribute may be named "row" or "unit".
//
// ST_AsMVTGeom leaves out what falls together on the tile's grid. Here something of one
// unit stands for each such part, so that no feature is missing from the map.
func (t *table) mvt(spec layers.TileSpec) (string, []any) {
	w := where{t: t}
	w.bbox(layers.Range{Selection: layers.Selection{BBox: &spec.Bound}, Around: true}.Boxes()...)
	number := func(v any) string { return fmt.Sprintf("$%d::int", w.param(v)) }
	z, x, y, extent, buffer := number(spec.Z), number(spec.X), number(spec.Y), number(spec.Extent), number(spec.Buffer)
	name := fmt.Sprintf("$%d::text", w.param(t.layer.ID))

	place := t.place()
	if t.mixed || t.layer.Geometry == layers.AnyGeometry {
		place = t.image() + "::geometry" // curves as lines
	}
	columns := []string{`" num"`, `" geom"`}
	var attributes strings.Builder
	for _, a := range t.layer.Schema {
		if a.Name != spec.IDKey {
			attributes.WriteString(", " + t.mvtValue(a) + " AS " + quote(a.Name))
			columns = append(columns, quote(a.Name))
		}
	}
	first, shown := "true", "true"
	if t.mixed || t.layer.Geometry == layers.AnyGeometry { // a collection counts once
		first = "row_number() OVER (PARTITION BY " + quote(spec.IDKey) + ` ORDER BY " dimension") = 1`
		shown = fmt.Sprintf(`(" dimension" < %d OR %s IS NULL)`, dimensionOfDot, quote(spec.CountKey))
	}
	return strings.NewReplacer("{first}", first, "{shown}", shown, "{count}", quote(spec.CountKey), "{z}", z, "{x}", x, "{y}", y, "{extent}", extent, "{buffer}", buffer, "{name}", name, "{place}", place,
		"{num}", t.mvtNumber(), "{key}", "t."+quote(t.key)+"::text", "{id}", quote(spec.IDKey), "{attributes}", attributes.String(),
		"{columns}", strings.Join(append(columns, quote(spec.IDKey), quote(spec.CountKey)), ", "), "{from}", t.from(), "{where}", w.sql(), "{drawn}", t.mvtDrawn(extent, buffer),
	).Replace(strings.NewReplacer("{anchor}", anchor, "{globe}", globe).Replace(`WITH tile AS (SELECT e AS " edges", (ST_XMax(e) - ST_XMin(e)) / {extent} AS " unit" FROM ST_TileEnvelope({z}, {x}, {y}) e),
	source AS MATERIALIZED (SELECT {num} AS " num", {key} AS {id}{attributes}, {place} AS " place" FROM {from}{where}),
	placed AS (SELECT s.*, a.* FROM source s, LATERAL ({anchor}) a WHERE ST_XMin(" place") > -540 AND ST_XMax(" place") < 540),
	planar AS (SELECT p.*, ST_Transform(CASE WHEN ST_YMax(g) > 85.06 OR ST_YMin(g) < -85.06
		THEN ST_ClipByBox2D(g, ST_MakeEnvelope(-180, -85.06, 180, 85.06, 4326)) ELSE g END, 3857) AS " planar" FROM placed p, LATERAL ({globe}) globe(g)),
	drawn AS (SELECT p.*, d.geom AS " geom", d.dimension AS " dimension" FROM planar p, tile, LATERAL ({drawn}) d)
	SELECT ST_AsMVT(" row", {name}, {extent}, ' geom', ' num') FROM (SELECT {columns} FROM
		(SELECT *, CASE WHEN {first} AND " anchored" THEN NULL ELSE 0 END AS {count} FROM drawn WHERE " geom" IS NOT NULL) counted WHERE {shown} ORDER BY " num", {id}, " dimension") " row"`)) + t.comment(), w.args
}

// anchor says whether the first vertex of a place is in the tile, on the same grid of
// 2^32 as everywhere, so that it is in one tile and no other; and where in the tile, in
// its own units.
const anchor = `SELECT (wx >> (32 - {z})) = {x} AND (wy >> (32 - {z})) = {y} AS " anchored",
			round(wx::float8 / 4294967296 * (1 << {z}) * {extent}) - {x}::float8 * {extent} AS " x", round(wy::float8 / 4294967296 * (1 << {z}) * {extent}) - {y}::float8 * {extent} AS " y"
		FROM (SELECT least(floor((lon + 180) / 360 * 4294967296 + 0.5), 4294967295)::bigint AS wx,
				least(floor((0.5 - ln((1 + sin(lat)) / (1 - sin(lat))) / (4 * pi())) * 4294967296 + 0.5), 4294967295)::bigint AS wy
			FROM (SELECT CASE ST_Dimension(g) WHEN 0 THEN g WHEN 1 THEN ST_StartPoint(g) ELSE ST_StartPoint(ST_ExteriorRing(g)) END AS v
				FROM ST_Dump(" place") part(path, g) WHERE NOT ST_IsEmpty(g) LIMIT 1) first_vertex,
				LATERAL (SELECT CASE WHEN ST_X(v) BETWEEN -180 AND 180 THEN ST_X(v) ELSE ST_X(v) - 360 * floor((ST_X(v) + 180) / 360) END AS lon,
					radians(greatest(least(ST_Y(v), 85.0511287798066), -85.0511287798066)) AS lat) at) world`

// globe is a place with what is beyond the antimeridian on the other side.
const globe = `SELECT CASE WHEN ST_XMin(" place") >= -180 AND ST_XMax(" place") <= 180 THEN " place" ELSE
			(SELECT ST_CollectionHomogenize(ST_Collect(piece)) FROM (SELECT ST_ClipByBox2D(ST_Translate(" place", turn, 0), ST_MakeEnvelope(-180, -90, 180, 90, 4326)) AS piece
				FROM unnest('{-360,0,360}'::float8[]) turn) pieces WHERE NOT ST_IsEmpty(piece)) END`

// dimensionOfDot is that of what stands for a feature of which nothing else is drawn.
const dimensionOfDot = 3

// mvtDrawn is the query for what a tile shows of a geometry: one row, or one for each
// dimension if the layer's geometries may be collections.
func (t *table) mvtDrawn(extent, buffer string) string {
	onGrid := func(g string) string { return fmt.Sprintf(`ST_AsMVTGeom(%s, " edges", %s, %s)`, g, extent, buffer) }
	parts := func(dimension int, g, small string) string {
		return fmt.Sprintf(`SELECT %d AS dimension, ST_CollectionExtract(ST_Collect(coalesce(%s, %s)), %d) AS geom FROM ST_Dump(%s) part(path, " one")`,
			dimension, onGrid(`" one"`), small, dimension+1, g)
	}
	stroke := onGrid(`ST_MakeLine(ST_StartPoint(" one"), ST_Translate(ST_StartPoint(" one"), " unit", 0))`)
	// What is small all around becomes the cells that it is in, in the tile's own units;
	// a long thing without width gets some.
	dot := strings.NewReplacer("{extent}", extent, "{buffer}", buffer, "{thin}", onGrid(`ST_Buffer(" one", " unit" * 0.75, 2)`)).Replace(
		`(SELECT CASE WHEN x1 - x0 > 2 AND y1 - y0 > 2 THEN {thin}
			WHEN x0 < {extent} + {buffer} AND x1 > -{buffer} AND y0 < {extent} + {buffer} AND y1 > -{buffer} THEN ST_ForcePolygonCCW(ST_MakeEnvelope(x0, y0, greatest(x1, x0 + 1), greatest(y1, y0 + 1), 3857)) END
			FROM (SELECT round((ST_XMin(" one") - ST_XMin(" edges")) / " unit") AS x0, round((ST_XMax(" one") - ST_XMin(" edges")) / " unit") AS x1,
				round((ST_YMax(" edges") - ST_YMax(" one")) / " unit") AS y0, round((ST_YMax(" edges") - ST_YMin(" one")) / " unit") AS y1) cells)`)
	// What counts in the tile is there, whatever is left of it.
	const square = `CASE WHEN " anchored" THEN ST_ForcePolygonCCW(ST_MakeEnvelope(" x", " y", " x" + 1, " y" + 1, 3857)) END`
	atLeast := func(something, drawn string) string {
		return "SELECT dimension, coalesce(geom, " + something + ") AS geom FROM (" + drawn + ") one"
	}
	switch t.layer.Geometry {
	case layers.Point, layers.MultiPoint:
		return atLeast(`CASE WHEN " anchored" THEN ST_Point(least(" x", `+extent+` - 1), least(" y", `+extent+` - 1), 3857) END`, `SELECT 0 AS dimension, `+onGrid(`" planar"`)+` AS geom`)
	case layers.LineString, layers.MultiLineString:
		return atLeast(square, parts(1, `" planar"`, stroke))
	case layers.Polygon, layers.MultiPolygon:
		return atLeast(square, parts(2, `" planar"`, dot))
	}
	return `SELECT 0 AS dimension, ` + onGrid(`ST_CollectionExtract(" planar", 1)`) + ` AS geom UNION ALL ` +
		parts(1, `ST_CollectionExtract(" planar", 2)`, stroke) + " UNION ALL " + parts(2, `ST_CollectionExtract(" planar", 3)`, dot) +
		fmt.Sprintf(" UNION ALL SELECT %d, %s", dimensionOfDot, square)
}

// mvtNumber is the feature's number; see numOf.
func (t *table) mvtNumber() string {
	if t.num != "" {
		return t.number()
	}
	key := "t." + quote(t.key)
	hash := "('x' || left(md5(" + key + "::text), 13))::bit(52)::bigint"
	if isInteger(t.keyType) {
		return "CASE WHEN " + key + " BETWEEN 0 AND 9007199254740991 THEN " + key + "::bigint ELSE " + hash + " END"
	}
	return hash
}

// mvtValue is an attribute as tiles have it: a text, a number or a truth value.
func (t *table) mvtValue(a layers.Attribute) string {
	v := t.value(a)
	switch a.Type {
	case layers.Number:
		return "CASE WHEN abs(" + v + ") < 'infinity' THEN " + v + " END" // nor NaN, which is the greatest
	case layers.DateType:
		return "CASE WHEN isfinite(" + v + ") THEN to_char(" + v + ", 'YYYY-MM-DD') END"
	case layers.DateTime:
		return "CASE WHEN isfinite(" + v + ") THEN rtrim(rtrim(to_char(" + v + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS'), '0'), '.') || 'Z' END`
	case layers.JSON:
		return "nullif(" + v + ", 'null')"
	}
	return v
}
