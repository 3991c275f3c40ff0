package gpkgread

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"onemap/layers"
)

// File is an open GeoPackage.
type File struct {
	db   *sql.DB
	path string
}

// Open opens a GeoPackage for reading.
func Open(ctx context.Context, path string) (*File, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: absolute}).EscapedPath()+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	f := &File{db: db, path: path}
	var tables int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE name IN ('gpkg_contents', 'gpkg_geometry_columns')`).Scan(&tables)
	if err == nil && tables != 2 {
		err = errors.New("it has no gpkg_contents")
	}
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("%s is not a readable GeoPackage: %w", path, err)
	}
	return f, nil
}

// Close releases the file.
func (f *File) Close() error { return f.db.Close() }

// Tables returns the feature tables. A table in a coordinate system that is not
// longitude and latitude on WGS 84 or CGCS2000 is an error that says how to
// convert it.
func (f *File) Tables(ctx context.Context) ([]*Table, error) {
	rows, err := f.db.QueryContext(ctx, `
		SELECT c.table_name, coalesce(c.identifier, ''), g.column_name, g.geometry_type_name, coalesce(s.organization, ''), coalesce(s.organization_coordsys_id, 0), g.srs_id
		FROM gpkg_contents c JOIN gpkg_geometry_columns g USING (table_name) LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id
		WHERE c.data_type = 'features' ORDER BY c.rowid`)
	if err != nil {
		return nil, fmt.Errorf("%s: list the tables: %w", f.path, err)
	}
	defer rows.Close()
	var tables []*Table
	for rows.Next() {
		t := &Table{}
		var kind, organization string
		var code, srs int
		if err := rows.Scan(&t.Name, &t.Title, &t.column, &kind, &organization, &code, &srs); err != nil {
			return nil, fmt.Errorf("%s: list the tables: %w", f.path, err)
		}
		if !isLonLat(organization, code, srs) {
			return nil, layers.Errorf(layers.Invalid, "%s: table %q is in %s:%d; convert it first, e.g. ogr2ogr -t_srs EPSG:4326 converted.gpkg %s (EPSG:4326 and EPSG:4490 are read)",
				f.path, t.Name, organization, code, filepath.Base(f.path))
		}
		if t.Title == t.Name {
			t.Title = ""
		}
		t.Geometry = geometryType(kind)
		tables = append(tables, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: list the tables: %w", f.path, err)
	}
	for _, t := range tables {
		if err := f.readColumns(ctx, t); err != nil {
			return nil, fmt.Errorf("%s: table %q: %w", f.path, t.Name, err)
		}
	}
	return tables, nil
}

// isLonLat accepts WGS 84, CGCS2000 and CRS84, and the "undefined geographic" that
// GeoPackage calls srs_id 0. Coordinates in a GeoPackage are always x, y: here
// longitude, latitude, whatever the axis order of the EPSG code.
func isLonLat(organization string, code, srs int) bool {
	if srs == 0 {
		return true
	}
	switch strings.ToUpper(organization) {
	case "EPSG":
		return code == 4326 || code == 4490
	case "OGC":
		return code == 84
	}
	return false
}

func geometryType(name string) layers.GeometryType {
	for _, t := range []layers.GeometryType{layers.Point, layers.LineString, layers.Polygon, layers.MultiPoint, layers.MultiLineString, layers.MultiPolygon} {
		if strings.EqualFold(string(t), name) {
			return t
		}
	}
	return layers.AnyGeometry
}

func (f *File) readColumns(ctx context.Context, t *Table) error {
	titles, err := f.titles(ctx, t.Name)
	if err != nil {
		return err
	}
	rows, err := f.db.QueryContext(ctx, `SELECT name, type, "notnull", pk FROM pragma_table_info(?) ORDER BY cid`, t.Name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name, declared string
		var notNull, key int
		if err := rows.Scan(&name, &declared, &notNull, &key); err != nil {
			return err
		}
		switch c, ok := columnOf(name, declared); {
		case key > 0:
			t.key = name
		case name == t.column:
		case !ok:
			t.LeftOut = append(t.LeftOut, name+" ("+declared+")")
		default:
			c.Title, c.Required = titles[name].title, notNull != 0
			if titles[name].mime == "application/json" {
				c.Type = layers.JSON
			}
			t.Columns = append(t.Columns, c)
		}
	}
	if t.key == "" {
		t.key = "rowid"
	}
	return rows.Err()
}

type dataColumn struct{ title, mime string }

// titles reads the schema extension's gpkg_data_columns, where there is one.
func (f *File) titles(ctx context.Context, table string) (map[string]dataColumn, error) {
	var there int
	if err := f.db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE name = 'gpkg_data_columns'`).Scan(&there); err != nil || there == 0 {
		return nil, err
	}
	rows, err := f.db.QueryContext(ctx, `SELECT column_name, coalesce(title, name, ''), coalesce(mime_type, '') FROM gpkg_data_columns WHERE table_name = ?`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]dataColumn{}
	for rows.Next() {
		var column string
		var d dataColumn
		if err := rows.Scan(&column, &d.title, &d.mime); err != nil {
			return nil, err
		}
		all[column] = d
	}
	return all, rows.Err()
}

var textType = regexp.MustCompile(`^TEXT\s*\(\s*(\d+)\s*\)$`)

// columnOf maps a GeoPackage column type (OGC 12-128r18, table 1) to a data type.
// It takes the names that other programs write, too.
func columnOf(name, declared string) (Column, bool) {
	c := Column{Name: name}
	switch d := strings.ToUpper(strings.TrimSpace(declared)); {
	case d == "BOOLEAN":
		c.Type = layers.Boolean
	case d == "TINYINT", d == "SMALLINT", d == "MEDIUMINT", d == "INT", d == "INTEGER", d == "BIGINT":
		c.Type = layers.Integer
	case d == "FLOAT", d == "DOUBLE", d == "REAL", strings.HasPrefix(d, "NUMERIC"), strings.HasPrefix(d, "DECIMAL"):
		c.Type = layers.Number
	case d == "DATE":
		c.Type = layers.DateType
	case d == "DATETIME", d == "TIMESTAMP":
		c.Type = layers.DateTime
	case d == "JSON":
		c.Type = layers.JSON
	case d == "BLOB", strings.HasPrefix(d, "BLOB("):
		return c, false
	default:
		c.Type = layers.String
		if m := textType.FindStringSubmatch(d); m != nil {
			c.MaxLength, _ = strconv.Atoi(m[1])
		}
	}
	return c, true
}
