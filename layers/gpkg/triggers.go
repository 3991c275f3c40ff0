package gpkg

import (
	"fmt"
	"strings"

	"onemap/layers"
)

// quote makes an SQL identifier of a name.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// text makes an SQL string literal.
func text(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }

// sqlTypes are the GeoPackage column types (table 1 of the standard).
var sqlTypes = map[layers.DataType]string{
	layers.String: "TEXT", layers.Integer: "INTEGER", layers.Number: "REAL", layers.Boolean: "BOOLEAN",
	layers.DateType: "DATE", layers.DateTime: "DATETIME", layers.JSON: "TEXT",
}

// maxJSONPairs keeps json_object below the 127 arguments that SQLite allows.
const maxJSONPairs = 60

// image is the SQL expression for a row's attributes as a JSON object. It uses
// only what the SQLite of a foreign writer knows, and no value makes it fail:
// reals keep every bit (20 digits, because SQLite's
// rounding of 17 was off before 3.42), blobs and infinities become null.
func image(row string, s layers.Schema) string {
	var objects []string
	for start := 0; start == 0 || start < len(s); start += maxJSONPairs {
		var pairs []string
		for _, a := range s[start:min(start+maxJSONPairs, len(s))] {
			c := row + "." + quote(a.Name)
			pairs = append(pairs, text(a.Name)+", CASE typeof("+c+") WHEN 'real' THEN "+
				"CASE WHEN abs("+c+") <= 1.7976931348623157e308 THEN json(printf('%!.20g', "+c+")) END "+
				"WHEN 'blob' THEN NULL ELSE "+c+" END")
		}
		objects = append(objects, "json_object("+strings.Join(pairs, ", ")+")")
	}
	e := objects[0]
	for _, o := range objects[1:] {
		e = "json_patch(" + e + ", " + o + ")"
	}
	return e
}

// unchanged is the SQL expression for a row that keeps its attributes. A foreign
// column may have a collation to which other text is the same, which is no matter
// here; 1 and 1.0 are the same, as they are to whoever reads the log.
func unchanged(s layers.Schema) string {
	if len(s) == 0 {
		return "1"
	}
	var old, new []string
	for _, a := range s {
		old, new = append(old, "OLD."+quote(a.Name)+" COLLATE BINARY"), append(new, "NEW."+quote(a.Name))
	}
	// Row values, because so many comparisons in a chain would be too deep for SQLite.
	return "(" + strings.Join(old, ", ") + ") IS (" + strings.Join(new, ", ") + ")"
}

// rowKeys are the names by which a statement can change a row's number. A trigger
// for these alone costs other updates nothing.
func rowKeys(t *table) string { return quote(t.fid) + ", rowid, oid, _rowid_" }

// captureTriggers are the triggers that write a layer's changes to the outbox.
func captureTriggers(t *table) []string {
	tab, fid, g := quote(t.layer.ID), quote(t.fid), quote(t.geom)
	name := func(suffix string) string { return quote("onemap_" + t.layer.ID + "_" + suffix) }
	out := func(kind, row, id, rest string) string {
		return fmt.Sprintf("INSERT INTO onemap_outbox(layer, kind, fid, id, old_geom, new_geom, same_geom, old_props, new_props) VALUES (%d, '%s', %s.%s, %s, %s);",
			t.no, kind, row, fid, id, rest)
	}
	oldImage, newImage := image("OLD", t.layer.Schema), image("NEW", t.layer.Schema)
	put := out("put", "NEW", "NEW.id", "NULL, NEW."+g+", 0, NULL, "+newImage)
	gone := out("delete", "OLD", "OLD.id", "OLD."+g+", NULL, 0, "+oldImage+", NULL")
	give := "UPDATE " + tab + " SET id = CASE WHEN EXISTS (SELECT 1 FROM " + tab + " WHERE id = CAST(NEW." + fid + " AS TEXT)) THEN NEW." + fid +
		" || '-' || lower(hex(randomblob(4))) ELSE CAST(NEW." + fid + " AS TEXT) END WHERE " + fid + " = NEW." + fid + ";"
	keys := rowKeys(t) + ", id"
	return []string{
		"CREATE TRIGGER " + name("insert") + " AFTER INSERT ON " + tab + " WHEN NEW.id IS NOT NULL BEGIN " + put + " END",
		// A row without an id gets its fid as one, unless somebody has taken that.
		"CREATE TRIGGER " + name("id") + " AFTER INSERT ON " + tab + " WHEN NEW.id IS NULL BEGIN " + give + " END",
		// What did not change is there once: a put with an old image and no new one kept its attributes.
		"CREATE TRIGGER " + name("update") + " AFTER UPDATE ON " + tab + " WHEN OLD.id IS NEW.id AND NEW.id IS NOT NULL AND OLD." + fid + " = NEW." + fid + " BEGIN " +
			out("put", "NEW", "NEW.id", "OLD."+g+", CASE WHEN OLD."+g+" IS NOT NEW."+g+" THEN NEW."+g+" END, OLD."+g+" IS NEW."+g+", "+oldImage+", CASE WHEN NOT ("+unchanged(t.layer.Schema)+") THEN "+newImage+" END") + " END",
		// Another id or number is another feature: the old one is gone, then the new one appears.
		"CREATE TRIGGER " + name("rekey") + " AFTER UPDATE OF " + keys + " ON " + tab + " WHEN NEW.id IS NOT NULL AND (OLD.id IS NOT NEW.id OR OLD." + fid + " <> NEW." + fid + ") BEGIN " +
			strings.Replace(strings.TrimSuffix(gone, ");"), "VALUES (", "SELECT ", 1) + " WHERE OLD.id IS NOT NULL; " + put + " END",
		// A row that loses its id gets another.
		"CREATE TRIGGER " + name("unname") + " AFTER UPDATE OF " + keys + " ON " + tab + " WHEN OLD.id IS NOT NULL AND NEW.id IS NULL BEGIN " + gone + " " + give + " END",
		"CREATE TRIGGER " + name("delete") + " AFTER DELETE ON " + tab + " WHEN OLD.id IS NOT NULL BEGIN " + gone + " END",
	}
}

// captureNames are the suffixes of captureTriggers, to find out what is missing.
var captureNames = []string{"insert", "id", "update", "rekey", "unname", "delete"}

// countTriggers keep the feature count the way GDAL does, so that both agree.
func countTriggers(t *table) []string {
	tab, lit := quote(t.layer.ID), text(t.layer.ID)
	return []string{
		"CREATE TRIGGER IF NOT EXISTS " + quote("trigger_insert_feature_count_"+t.layer.ID) + " AFTER INSERT ON " + tab +
			" BEGIN UPDATE gpkg_ogr_contents SET feature_count = feature_count + 1 WHERE table_name = " + lit + "; END",
		"CREATE TRIGGER IF NOT EXISTS " + quote("trigger_delete_feature_count_"+t.layer.ID) + " AFTER DELETE ON " + tab +
			" BEGIN UPDATE gpkg_ogr_contents SET feature_count = feature_count - 1 WHERE table_name = " + lit + "; END",
	}
}

// rtreeNames are the suffixes of the R*Tree's triggers: those of rtreeTriggers, and
// those that other versions of the standard and of programs have.
var rtreeNames = []string{"insert", "update1", "update2", "update3", "update4", "delete", "update5", "update6", "update7"}

// rtreeTriggers keep the R*Tree of the geometry column, as the extension
// gpkg_rtree_index asks for (annex F.3). GDAL 3.6 drops and makes them anew by
// exactly these six names. What update1 does is said without OR REPLACE, which an
// INSERT … ON CONFLICT around it would turn into a failure; update3 and update4 name
// the columns that can make their conditions true.
func rtreeTriggers(t *table) []string {
	r := rtreeReplacer(t)
	name := func(suffix string) string { return quote(t.rtree() + "_" + suffix) }
	values := "NEW.{i}, ST_MinX(NEW.{c}), ST_MaxX(NEW.{c}), ST_MinY(NEW.{c}), ST_MaxY(NEW.{c})"
	has, lacks := "(NEW.{c} NOT NULL AND NOT ST_IsEmpty(NEW.{c}))", "(NEW.{c} ISNULL OR ST_IsEmpty(NEW.{c}))"
	var out []string
	for _, s := range []string{
		"CREATE TRIGGER " + name("insert") + " AFTER INSERT ON {t} WHEN " + has + " BEGIN INSERT OR REPLACE INTO {r} VALUES (" + values + "); END",
		"CREATE TRIGGER " + name("update1") + " AFTER UPDATE OF {c} ON {t} WHEN OLD.{i} = NEW.{i} AND " + has + " BEGIN UPDATE {r} SET minx = ST_MinX(NEW.{c}), maxx = ST_MaxX(NEW.{c}), miny = ST_MinY(NEW.{c}), maxy = ST_MaxY(NEW.{c}) WHERE id = NEW.{i};" +
			" INSERT INTO {r} SELECT " + values + " WHERE OLD.{c} ISNULL OR ST_IsEmpty(OLD.{c}); END",
		"CREATE TRIGGER " + name("update2") + " AFTER UPDATE OF {c} ON {t} WHEN OLD.{i} = NEW.{i} AND " + lacks + " BEGIN DELETE FROM {r} WHERE id = OLD.{i}; END",
		"CREATE TRIGGER " + name("update3") + " AFTER UPDATE OF {k} ON {t} WHEN OLD.{i} != NEW.{i} AND " + has + " BEGIN DELETE FROM {r} WHERE id = OLD.{i}; INSERT OR REPLACE INTO {r} VALUES (" + values + "); END",
		"CREATE TRIGGER " + name("update4") + " AFTER UPDATE OF {k} ON {t} WHEN OLD.{i} != NEW.{i} AND " + lacks + " BEGIN DELETE FROM {r} WHERE id IN (OLD.{i}, NEW.{i}); END",
		"CREATE TRIGGER " + name("delete") + " AFTER DELETE ON {t} WHEN OLD.{c} NOT NULL BEGIN DELETE FROM {r} WHERE id = OLD.{i}; END",
	} {
		out = append(out, r.Replace(s))
	}
	return out
}

// rtreeStatements make the R*Tree anew, whatever there was.
func rtreeStatements(t *table) []string {
	r := rtreeReplacer(t)
	return append(append(dropRtreeTriggers(t),
		r.Replace("DROP TABLE IF EXISTS {r}"),
		r.Replace("CREATE VIRTUAL TABLE {r} USING rtree(id, minx, maxx, miny, maxy)"),
		r.Replace("INSERT OR REPLACE INTO {r} SELECT {i}, ST_MinX({c}), ST_MaxX({c}), ST_MinY({c}), ST_MaxY({c}) FROM {t} WHERE {c} NOT NULL AND NOT ST_IsEmpty({c})"),
	), rtreeTriggers(t)...)
}

func rtreeReplacer(t *table) *strings.Replacer {
	return strings.NewReplacer("{t}", quote(t.layer.ID), "{r}", quote(t.rtree()), "{c}", quote(t.geom), "{i}", quote(t.fid), "{k}", rowKeys(t))
}

func dropRtreeTriggers(t *table) []string {
	var out []string
	for _, n := range rtreeNames {
		out = append(out, "DROP TRIGGER IF EXISTS "+quote(t.rtree()+"_"+n))
	}
	return out
}
