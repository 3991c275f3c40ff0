package gpkg

import (
	"fmt"
	"strings"

	"onemap/layers"
)

// Kinds of rows in the log.
const (
	opPut = iota + 1
	opDelete
	opReset
	opDefine
	opDrop
)

// captureTriggers write every change of a row to the log, in the transaction of
// whoever changes it. They use nothing that a SQLite of 2022 with JSON does not
// have, never change another row, and never fail the writer's statement.
//
// A feature has an id: a row that comes without one, or loses it, gets its number
// as text. A changed id is another feature: one is gone and one appears.
func (t *table) captureTriggers() []trigger {
	put := func(from string) string { // from: SQL of what the old image is taken of, or ""
		if from == "" {
			return `INSERT INTO onemap_log (layer, op, fid, id, new, new_geom) VALUES ({num}, 1, NEW.{fid}, NEW.id, ` + t.image("NEW") + `, NEW.{geom});`
		}
		return `INSERT INTO onemap_log (layer, op, fid, id, old_version, kept, old, new, old_geom, new_geom) VALUES ({num}, 1, NEW.{fid}, NEW.id, ` +
			oldVersion + `, OLD.{geom} IS NEW.{geom}, ` + t.image("OLD") + `, ` + t.image("NEW") +
			`, OLD.{geom}, CASE WHEN OLD.{geom} IS NOT NEW.{geom} THEN NEW.{geom} END);`
	}
	gone := `INSERT INTO onemap_log (layer, op, fid, id, old_version, old, old_geom) SELECT {num}, 2, OLD.{fid}, OLD.id, ` +
		oldVersion + `, ` + t.image("OLD") + `, OLD.{geom} WHERE OLD.id <> '';`
	name := `UPDATE {t} SET id = CASE WHEN EXISTS (SELECT 1 FROM {t} WHERE id = CAST(NEW.{fid} AS TEXT))` +
		` THEN NEW.{fid} || '-' || lower(hex(randomblob(8))) ELSE CAST(NEW.{fid} AS TEXT) END WHERE {fid} = NEW.{fid};`
	bodies := []struct{ name, sql string }{
		{"insert", `AFTER INSERT ON {t} WHEN NEW.id <> '' BEGIN ` + put("") + ` END`},
		{"name", `AFTER INSERT ON {t} WHEN ifnull(NEW.id, '') = '' BEGIN ` + name + ` END`},
		{"update", `AFTER UPDATE ON {t} WHEN NEW.id = OLD.id AND NEW.id <> '' BEGIN ` + put("OLD") + ` END`},
		{"rekey", `AFTER UPDATE ON {t} WHEN NEW.id <> '' AND NEW.id <> ifnull(OLD.id, '') BEGIN ` + gone + ` ` + put("") + ` END`},
		{"unname", `AFTER UPDATE ON {t} WHEN ifnull(NEW.id, '') = '' BEGIN ` + gone + ` ` + name + ` END`},
		{"delete", `AFTER DELETE ON {t} BEGIN ` + gone + ` END`},
	}
	var ts []trigger
	for _, b := range bodies {
		n := fmt.Sprintf("onemap_%d_%s", t.num, b.name)
		ts = append(ts, trigger{n, "CREATE TRIGGER " + n + " " + t.fill(b.sql)})
	}
	return ts
}

const oldVersion = `(SELECT version FROM {rev} WHERE fid = OLD.{fid})`

// imageWidth is how many attributes one call of json_object takes: SQLite allows
// 127 arguments, and long had 100.
const imageWidth = 45

// image is the SQL that writes a row's attributes as a JSON object.
func (t *table) image(row string) string {
	var parts []string
	for from := 0; from < len(t.def.Schema) || from == 0; from += imageWidth {
		var b strings.Builder
		b.WriteString("json_object(")
		for i := from; i < min(from+imageWidth, len(t.def.Schema)); i++ {
			if i > from {
				b.WriteString(", ")
			}
			a := &t.def.Schema[i]
			b.WriteString(literal(a.Name) + ", " + imageOf(a, row+"."+quote(a.Name)))
		}
		b.WriteString(")")
		parts = append(parts, b.String())
	}
	image := parts[0]
	for _, p := range parts[1:] { // it leaves nulls out, which reads the same
		image = "json_patch(" + image + ", " + p + ")"
	}
	return image
}

// imageOf is the SQL of one value. JSON knows no blob and no infinity, and
// SQLite's own way from a real to JSON gives 15 digits only; 20 are more than
// enough for the last bit even with the rounding of old versions.
func imageOf(a *layers.Attribute, x string) string {
	if columnTypes[a.Type] == "TEXT" { // affinity TEXT: text, blob or null
		return fmt.Sprintf("CASE typeof(%s) WHEN 'blob' THEN NULL ELSE %s END", x, x)
	}
	return fmt.Sprintf("CASE typeof(%s) WHEN 'blob' THEN NULL WHEN 'real' THEN"+
		" CASE WHEN abs(%s) <= 1.7976931348623157e308 THEN json(printf('%%!.20g', %s)) END ELSE %s END", x, x, x, x)
}
