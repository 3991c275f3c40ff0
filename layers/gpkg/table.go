package gpkg

import (
	"fmt"
	"strings"

	"onemap/layers"
)

// table is a layer as it stands in the file. It is immutable; a changed layer gets
// a new one.
type table struct {
	num         int64 // names the layer in the log, and is never used twice
	def         *layers.Layer
	fid, geom   string // columns; other programs choose other names
	baseVersion layers.Position
	baseTime    int64 // ms; version and time of features that have none of their own
	dropped     bool
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literal(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }

func (t *table) name() string  { return quote(t.def.ID) }
func (t *table) rtree() string { return "rtree_" + t.def.ID + "_" + t.geom }

// rev is the table of the features' versions.
func (t *table) rev() string { return fmt.Sprintf("onemap_rev_%d", t.num) }

// fill replaces {…} in SQL by the table's names.
func (t *table) fill(sql string) string {
	return strings.NewReplacer(
		"{t}", t.name(), "{fid}", quote(t.fid), "{geom}", quote(t.geom),
		"{rtree}", quote(t.rtree()), "{rev}", t.rev(),
		"{num}", fmt.Sprint(t.num), "{table}", literal(t.def.ID), "{geomtext}", literal(t.geom),
	).Replace(sql)
}

// column is the SQL that reads an attribute from the row of t. The plus keeps the
// driver from turning dates into something else.
func column(prefix string, a *layers.Attribute) string {
	return "+" + prefix + quote(a.Name)
}

// createTable returns the DDL of a new feature table.
func (t *table) createTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (%s INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, %s %s, id TEXT UNIQUE",
		t.name(), quote(t.fid), quote(t.geom), strings.ToUpper(string(t.def.Geometry)))
	for i := range t.def.Schema {
		a := &t.def.Schema[i]
		fmt.Fprintf(&b, ", %s %s", quote(a.Name), columnTypes[a.Type])
	}
	b.WriteString(")")
	return b.String()
}

// createRev returns the DDL of the table of versions.
func (t *table) createRev() string {
	return t.fill(`CREATE TABLE IF NOT EXISTS {rev} (fid INTEGER PRIMARY KEY, version INTEGER NOT NULL, updated INTEGER NOT NULL)`)
}

// A trigger by its name and definition.
type trigger struct{ name, sql string }

// rtreeTriggers are those of the GeoPackage standard (/extensions/rtree), with
// update6 and update7 of version 1.4 in the place of update1, which breaks
// INSERT … ON CONFLICT.
func (t *table) rtreeTriggers() []trigger {
	values := `({fid}, ST_MinX(NEW.{geom}), ST_MaxX(NEW.{geom}), ST_MinY(NEW.{geom}), ST_MaxY(NEW.{geom}))`
	values = strings.Replace(values, "({fid}", "(NEW.{fid}", 1)
	bodies := []struct{ name, sql string }{
		{"insert", `AFTER INSERT ON {t} WHEN (NEW.{geom} NOT NULL AND NOT ST_IsEmpty(NEW.{geom})) BEGIN INSERT OR REPLACE INTO {rtree} VALUES ` + values + `; END`},
		{"update2", `AFTER UPDATE OF {geom} ON {t} WHEN OLD.{fid} = NEW.{fid} AND (NEW.{geom} ISNULL OR ST_IsEmpty(NEW.{geom})) BEGIN DELETE FROM {rtree} WHERE id = OLD.{fid}; END`},
		{"update3", `AFTER UPDATE ON {t} WHEN OLD.{fid} != NEW.{fid} AND (NEW.{geom} NOTNULL AND NOT ST_IsEmpty(NEW.{geom})) BEGIN DELETE FROM {rtree} WHERE id = OLD.{fid}; INSERT OR REPLACE INTO {rtree} VALUES ` + values + `; END`},
		{"update4", `AFTER UPDATE ON {t} WHEN OLD.{fid} != NEW.{fid} AND (NEW.{geom} ISNULL OR ST_IsEmpty(NEW.{geom})) BEGIN DELETE FROM {rtree} WHERE id IN (OLD.{fid}, NEW.{fid}); END`},
		{"update6", `AFTER UPDATE OF {geom} ON {t} WHEN OLD.{fid} = NEW.{fid} AND (NEW.{geom} NOTNULL AND NOT ST_IsEmpty(NEW.{geom})) AND (OLD.{geom} NOTNULL AND NOT ST_IsEmpty(OLD.{geom})) BEGIN UPDATE {rtree} SET minx = ST_MinX(NEW.{geom}), maxx = ST_MaxX(NEW.{geom}), miny = ST_MinY(NEW.{geom}), maxy = ST_MaxY(NEW.{geom}) WHERE id = NEW.{fid}; END`},
		{"update7", `AFTER UPDATE OF {geom} ON {t} WHEN OLD.{fid} = NEW.{fid} AND (NEW.{geom} NOTNULL AND NOT ST_IsEmpty(NEW.{geom})) AND (OLD.{geom} ISNULL OR ST_IsEmpty(OLD.{geom})) BEGIN INSERT INTO {rtree} VALUES ` + values + `; END`},
		{"delete", `AFTER DELETE ON {t} WHEN OLD.{geom} NOT NULL BEGIN DELETE FROM {rtree} WHERE id = OLD.{fid}; END`},
	}
	var ts []trigger
	for _, b := range bodies {
		name := t.rtree() + "_" + b.name
		ts = append(ts, trigger{name, "CREATE TRIGGER " + quote(name) + " " + t.fill(b.sql)})
	}
	return ts
}

// countTriggers keep GDAL's count, under GDAL's names.
func (t *table) countTriggers() []trigger {
	var ts []trigger
	for _, op := range []struct{ event, sign string }{{"insert", "+"}, {"delete", "-"}} {
		name := "trigger_" + op.event + "_feature_count_" + t.def.ID
		ts = append(ts, trigger{name, fmt.Sprintf(
			"CREATE TRIGGER %s AFTER %s ON %s BEGIN UPDATE gpkg_ogr_contents SET feature_count = feature_count %s 1 WHERE table_name = %s; END",
			quote(name), strings.ToUpper(op.event), t.name(), op.sign, literal(t.def.ID))})
	}
	return ts
}

// indexes are on what layers are joined by, and on the ids of tables that other
// programs made.
func (t *table) indexes(foreign bool) []string {
	var sql []string
	for _, r := range []layers.Role{layers.RoleDivision, layers.RoleCreditCode} {
		if a, ok := t.def.Schema.ByRole(r); ok {
			sql = append(sql, fmt.Sprintf("CREATE INDEX onemap_%d_%s ON %s (%s)", t.num, r, t.name(), quote(a.Name)))
		}
	}
	if foreign {
		sql = append(sql, fmt.Sprintf("CREATE UNIQUE INDEX IF NOT EXISTS onemap_%d_id ON %s (id)", t.num, t.name()))
	}
	return sql
}
