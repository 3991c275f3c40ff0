package postgis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"onemap/layers"
)

// relation is what the database knows of a department's table or view.
type relation struct {
	oid          uint32
	schema, name string
	kind         string // relkind
	comment      string
	owner, us    string // roles
	owned        bool   // we may do what the owner may
	readable     bool
	filtered     bool   // row-level security hides rows from us
	remote       string // a partition that is a foreign table, if there is one
	columns      []column
	keys         []key // unique indexes, the primary key first
}

// column is a column, in the order in which RowToStructByPos reads it.
type column struct {
	Name     string
	Comment  string
	Type     string // without domains; "other", or "other[]", for whatever is not PostgreSQL's own
	NotNull  bool
	Length   int      // of a varchar(n)
	Whole    bool     // a numeric without digits after the point that fits 64 bits
	Labels   []string // of an enum
	Geometry string   // type of a geometry column; "" of any other
	SRID     int
	Indexed  bool // spatially
}

type key struct {
	Primary bool
	Columns []string
}

var kinds = map[string]string{"r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "f": "foreign table"}

// fires tells whether triggers can be set on the relation, rights apart.
func (r *relation) fires() bool { return r.kind == "r" || r.kind == "p" }

func (r *relation) sql() string { return quote(r.schema, r.name) }

func (r *relation) column(name string) *column {
	for i := range r.columns {
		if r.columns[i].Name == name {
			return &r.columns[i]
		}
	}
	return nil
}

// unfit is the error of an attachment that can't be.
func unfit(field, value, reason, remedy string) error {
	return &layers.Error{Code: layers.Invalid, Message: "the table can't be attached", Violations: []layers.Violation{{Field: field, Value: value, Reason: reason, Remedy: remedy}}}
}

// findRelation looks up a table by the name that somebody gave.
func findRelation(ctx context.Context, tx pgx.Tx, table string) (*relation, error) {
	var parts []string
	err := pgx.BeginFunc(ctx, tx, func(sub pgx.Tx) error {
		return sub.QueryRow(ctx, "SELECT parse_ident($1)", table).Scan(&parts)
	})
	if isCode(err, invalidParameter) || err == nil && len(parts) > 2 {
		return nil, unfit("table", table, "not the name of a table", `schema.table, with quotes around what is not plain lower case: "水利"."水位站"`)
	} else if err != nil {
		return nil, err
	}
	if len(parts) == 1 {
		parts = []string{"public", parts[0]}
	}
	if s := parts[0]; s == tableSchema || s == "onemap" || s == "information_schema" || strings.HasPrefix(s, "pg_") {
		return nil, unfit("table", table, "schema "+s+" does not hold departments' tables", "attach a table of another schema")
	}
	r := &relation{}
	err = tx.QueryRow(ctx, `SELECT c.oid, n.nspname, c.relname, c.relkind::text, coalesce(obj_description(c.oid, 'pg_class'), ''), pg_get_userbyid(c.relowner), current_user,
			pg_has_role(c.relowner, 'USAGE'), has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), row_security_active(c.oid),
			coalesce((SELECT min(p.relid::regclass::text) FROM pg_partition_tree(c.oid) p JOIN pg_class l ON l.oid = p.relid WHERE c.relkind = 'p' AND l.relkind = 'f'), '')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`, parts[0], parts[1]).
		Scan(&r.oid, &r.schema, &r.name, &r.kind, &r.comment, &r.owner, &r.us, &r.owned, &r.readable, &r.filtered, &r.remote)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, noRelation(ctx, tx, parts[0], parts[1])
	} else if err != nil {
		return nil, err
	}
	if !r.readable {
		return nil, unfit("table", table, "role "+r.us+" may not read it", fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON %s TO %s", quote(r.schema), quote(r.us), r.sql(), quote(r.us)))
	}
	return r, r.read(ctx, tx)
}

// noRelation says where a table of that name is, if anywhere.
func noRelation(ctx context.Context, tx pgx.Tx, schema, name string) error {
	rows, err := tx.Query(ctx, `SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE lower(relname) = lower($1) AND relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname NOT IN ('onemap', 'information_schema', $2) AND nspname NOT LIKE 'pg\_%' ORDER BY 1 LIMIT 5`, name, tableSchema)
	if err != nil {
		return err
	}
	others, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	remedy := "look for its name with \\d in psql"
	if len(others) > 0 {
		remedy = "there is " + strings.Join(others, ", ")
	}
	return &layers.Error{Code: layers.NotFound, Message: "there is no such table",
		Violations: []layers.Violation{{Field: "table", Value: schema + "." + name, Reason: "not in the database", Remedy: remedy}}}
}

// read takes up the columns and the unique indexes.
func (r *relation) read(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT a.attname, coalesce(col_description(a.attrelid, a.attnum), ''),
			CASE WHEN b.typname = 'raster' THEN 'raster' WHEN b.typname IN ('geometry', 'geography') OR coalesce(e.typnamespace, b.typnamespace) = 'pg_catalog'::regnamespace THEN onemap.plain_type(a.atttypid)
				WHEN e.oid IS NULL THEN 'other' ELSE 'other[]' END, a.attnotnull,
			CASE WHEN b.oid = 'varchar'::regtype THEN greatest(m.typmod - 4, 0) ELSE 0 END,
			b.oid = 'numeric'::regtype AND m.typmod >= 4 AND ((m.typmod - 4) >> 16) <= 18 AND ((m.typmod - 4) & 65535) = 0,
			ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = b.oid ORDER BY enumsortorder),
			CASE WHEN b.typname = 'geometry' THEN upper(postgis_typmod_type(m.typmod)) ELSE '' END, CASE WHEN b.typname = 'geometry' THEN postgis_typmod_srid(m.typmod) ELSE 0 END,
			EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am am ON am.oid = x.relam
				WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL AND am.amname IN ('gist', 'spgist'))
		FROM pg_attribute a CROSS JOIN LATERAL (WITH RECURSIVE d(oid, typmod) AS (SELECT a.atttypid, a.atttypmod
				UNION ALL SELECT y.typbasetype, y.typtypmod FROM d JOIN pg_type y ON y.oid = d.oid WHERE y.typtype = 'd') SELECT * FROM d) m
			JOIN pg_type b ON b.oid = m.oid AND b.typtype <> 'd' LEFT JOIN pg_type e ON b.typcategory = 'A' AND e.oid = b.typelem
		WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, r.oid)
	if err != nil {
		return err
	}
	if r.columns, err = pgx.CollectRows(rows, pgx.RowToStructByPos[column]); err != nil {
		return err
	}
	rows, err = tx.Query(ctx, `SELECT i.indisprimary, ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(n, o) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n
			WHERE o <= i.indnkeyatts ORDER BY o)
		FROM pg_index i WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL ORDER BY i.indisprimary DESC, i.indexrelid`, r.oid)
	if err != nil {
		return err
	}
	r.keys, err = pgx.CollectRows(rows, pgx.RowToStructByPos[key])
	return err
}

// identifies finds the column by which rows are told apart.
func (r *relation) identifies(ctx context.Context, tx pgx.Tx, named string, look bool) (*column, error) {
	if named == "" {
		primary := slices.IndexFunc(r.keys, func(k key) bool { return k.Primary })
		switch {
		case !r.fires():
			return nil, unfit("key", "", "a "+kinds[r.kind]+" has no primary key", "name the column whose value is different in each row")
		case primary < 0:
			return nil, unfit("key", "", "the table has no primary key", "name a unique column, or have one made: ALTER TABLE "+r.sql()+" ADD COLUMN onemap_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
		case len(r.keys[primary].Columns) > 1:
			return nil, unfit("key", strings.Join(r.keys[primary].Columns, ", "), "the primary key has several columns",
				"name a column that is unique by itself, or have one made: ALTER TABLE "+r.sql()+" ADD COLUMN onemap_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE")
		}
		named = r.keys[primary].Columns[0]
	}
	c := r.column(named)
	switch {
	case c == nil:
		return nil, unfit("key", named, "there is no such column", "one of "+r.names())
	case keyTypes[c.Type] == nil:
		return nil, unfit("key", named, "a column of type "+c.Type+" can't be a feature's id", "an integer, a uuid or a text")
	}
	return c, r.unique(ctx, tx, c, look)
}

// unique makes sure that a column identifies rows: by an index if there is one, and
// where there can't be, by looking.
func (r *relation) unique(ctx context.Context, tx pgx.Tx, c *column, look bool) error {
	index := slices.ContainsFunc(r.keys, func(k key) bool { return len(k.Columns) == 1 && k.Columns[0] == c.Name })
	switch {
	case index && c.NotNull:
		return nil
	case index:
		return unfit("key", c.Name, "the column may be null", "ALTER TABLE "+r.sql()+" ALTER COLUMN "+quote(c.Name)+" SET NOT NULL")
	case r.kind == "r":
		return unfit("key", c.Name, "no index makes sure that the column is unique", "ALTER TABLE "+r.sql()+" ALTER COLUMN "+quote(c.Name)+" SET NOT NULL, ADD UNIQUE ("+quote(c.Name)+")")
	}
	if !look {
		return nil
	}
	var is bool
	name := quote(c.Name)
	if err := tx.QueryRow(ctx, "SELECT count(*) = count(DISTINCT "+name+") FROM "+r.sql()).Scan(&is); err != nil {
		return err
	}
	if !is {
		return unfit("key", c.Name, "several rows have the same value, or none", "name a column whose value is different in each row")
	}
	return nil
}

func (r *relation) names() string {
	names := make([]string, len(r.columns))
	for i, c := range r.columns {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}
