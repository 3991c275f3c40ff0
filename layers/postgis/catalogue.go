package postgis

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

// table is a layer and where its rows are. It is immutable.
type table struct {
	layer        *layers.Layer
	managed      bool
	schema, name string
	oid          uint32 // 0: the table is gone
	key, keyType string // column whose text is the feature's id
	num          string // column with the feature's number; "": it is made of the id
	geometry     string
	srid         int
	mixed        bool              // the geometry column takes heights and measures, or curves
	columns      map[string]string // by attribute name
	types        map[string]string // of an attached table's columns, by attribute name
	poll         time.Duration     // between two looks at all rows; 0: writes are captured
	version      string            // column that grows with each change of a row

	// revision becomes part of each statement as a comment, so that no connection
	// runs a plan that was made for another definition.
	revision int64
}

// catalogue is an immutable snapshot of the layer definitions.
type catalogue struct {
	version int64 // grows with each change
	tables  map[string]*table
	ids     []string // sorted
}

func (c *catalogue) see(v layers.View, layer string) (*table, error) {
	t, ok := c.tables[layer]
	if !ok || !v.Sees(t.layer) {
		return nil, layers.Errorf(layers.NotFound, "there is no layer %q", layer)
	}
	return t, nil
}

// querier is a connection, a transaction or the pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func loadCatalogue(ctx context.Context, q querier) (*catalogue, error) {
	c := &catalogue{tables: map[string]*table{}}
	// One statement, so one state of the database.
	rows, err := q.Query(ctx, `SELECT s.catalogue, coalesce(l.id, ''), coalesce(l.definition::text, ''), coalesce(managed, false), coalesce(schema, ''), coalesce(name, ''),
			coalesce(c.oid::bigint, 0), coalesce(key, ''), coalesce(key_type, ''), coalesce(num, ''), coalesce(geometry, ''), coalesce(srid, 0), coalesce(mixed, false),
			coalesce(columns::text, '{}'), coalesce(types::text, '{}'), coalesce(poll, 0), coalesce(l.version, '')
		FROM onemap.store s LEFT JOIN onemap.layer l ON true
		LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace) ON n.nspname = l.schema AND c.relname = l.name ORDER BY l.id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		t := &table{}
		var id, definition, columns, types string
		var oid, poll int64
		if err := rows.Scan(&c.version, &id, &definition, &t.managed, &t.schema, &t.name, &oid, &t.key, &t.keyType, &t.num, &t.geometry, &t.srid, &t.mixed, &columns, &types, &poll, &t.version); err != nil {
			return nil, err
		}
		if id == "" { // there are no layers
			continue
		}
		t.oid, t.revision, t.poll = uint32(oid), c.version, time.Duration(poll)*time.Millisecond
		if err := json.Unmarshal([]byte(definition), &t.layer); err != nil {
			return nil, fmt.Errorf("definition of layer %s: %w", id, err)
		}
		if err := json.Unmarshal([]byte(columns), &t.columns); err != nil {
			return nil, fmt.Errorf("columns of layer %s: %w", id, err)
		}
		if err := json.Unmarshal([]byte(types), &t.types); err != nil {
			return nil, fmt.Errorf("column types of layer %s: %w", id, err)
		}
		c.tables[id] = t
		c.ids = append(c.ids, id)
	}
	return c, rows.Err()
}

// known returns the definitions as this node knows them.
func (s *Store) known(ctx context.Context) (*catalogue, error) {
	if c := s.catalogue.Load(); c != nil {
		return c, nil
	}
	return s.reload(ctx)
}

// reload reads the definitions, unless a newer state of them is known already.
func (s *Store) reload(ctx context.Context) (*catalogue, error) {
	c, err := loadCatalogue(ctx, s.pool)
	if err != nil {
		return nil, err
	}
	for {
		was := s.catalogue.Load()
		if was != nil && was.version > c.version {
			return was, nil
		}
		if s.catalogue.CompareAndSwap(was, c) {
			return c, nil
		}
	}
}

// quote makes a name an identifier, whatever bytes it has.
func quote(name ...string) string { return pgx.Identifier(name).Sanitize() }

func (t *table) from() string { return quote(t.schema, t.name) + " t" }

func (t *table) comment() string { return fmt.Sprintf(" -- %d", t.revision) }

// column is an attribute's column.
func (t *table) column(attribute string) string { return "t." + quote(t.columns[attribute]) }

// place is the geometry in longitude and latitude, to compute with.
func (t *table) place() string {
	g := "t." + quote(t.geometry)
	if t.srid == srid {
		return g
	}
	return fmt.Sprintf("ST_Transform(%s, %d)", g, srid)
}

// image is the geometry as features have it, as EWKB. What may be a curve, or is in
// another reference system, goes the same way as the images in the log.
func (t *table) image() string {
	if t.srid == srid && !t.mixed && t.layer.Geometry != layers.AnyGeometry {
		return "ST_AsEWKB(t." + quote(t.geometry) + ")"
	}
	return fmt.Sprintf("onemap.crs84(t.%s, %d)", quote(t.geometry), t.srid)
}

// srid is the reference system of features: longitude, latitude on WGS 84.
const srid = 4326

// nameColumns finds a column for each attribute. PostgreSQL's names end after 63
// bytes, which are 21 Chinese characters, and some are taken.
func nameColumns(schema layers.Schema, old map[string]string) map[string]string {
	columns, taken := map[string]string{}, map[string]bool{}
	for _, name := range []string{"fid", "id", "geom", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "oid"} {
		taken[name] = true
	}
	for _, a := range schema {
		if c, ok := old[a.Name]; ok {
			columns[a.Name], taken[c] = c, true
		}
	}
	for _, a := range schema {
		if _, ok := columns[a.Name]; ok {
			continue
		}
		name := cutName(a.Name, 63)
		for i := 2; taken[name]; i++ {
			suffix := fmt.Sprintf("_%d", i)
			name = cutName(a.Name, 63-len(suffix)) + suffix
		}
		columns[a.Name], taken[name] = name, true
	}
	return columns
}

func cutName(name string, bytes int) string {
	for len(name) > bytes {
		r := []rune(name)
		name = string(r[:len(r)-1])
	}
	return name
}
