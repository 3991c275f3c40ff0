package gpkg

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// File is a GeoPackage in the making that is given away: one file with tables of
// features and their R*Trees, without log and capture. Nothing of it is on the disk
// for sure before Close, and it is not for several goroutines.
type File struct {
	db   *sql.DB
	conn *sql.Conn
	tx   *txn

	table  *table // that takes features; nil: none yet
	insert *sql.Stmt
	values []any
	count  int64
	zm     [2]bool // some have heights, measures
}

// Create makes a file, which must not exist yet.
func Create(ctx context.Context, path string) (*File, error) {
	if err := registerFunctions(); err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// Who breaks off throws the file away, so it needs neither a journal nor syncs.
	pragmas := url.Values{"_pragma": {"journal_mode(OFF)", "synchronous(OFF)", "locking_mode(EXCLUSIVE)", "cache_size(-8192)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: absolute}).EscapedPath()+"?"+pragmas.Encode())
	if err != nil {
		return nil, err
	}
	f := &File{db: db}
	if f.conn, err = db.Conn(ctx); err == nil {
		f.tx = &txn{ctx: ctx, w: newWriter(nil, f.conn)}
		err = f.tx.script(markSQL, "BEGIN", standardSQL)
	}
	if err != nil {
		return nil, errors.Join(err, f.free())
	}
	return f, nil
}

// Layer begins a table; what follows belongs to it. The description is for people.
func (f *File) Layer(l *layers.Layer, description string) error {
	if err := f.endLayer(); err != nil {
		return err
	}
	t := &table{layer: l, fid: "fid", geom: "geom"}
	columns, marks := []string{"geom", "id"}, []string{"?", "?"}
	create := "CREATE TABLE " + quote(l.ID) + " (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom " + geometryName(l.Geometry) + ", id TEXT"
	for _, a := range l.Schema {
		columns, marks = append(columns, quote(a.Name)), append(marks, "?")
		create += ", " + quote(a.Name) + " " + sqlTypes[a.Type]
	}
	if err := f.tx.script(create + ")"); err != nil {
		return err
	}
	if err := f.tx.register(t); err != nil {
		return err
	}
	// OR IGNORE: no two layers of a file have one title.
	if err := f.tx.exec("UPDATE OR IGNORE gpkg_contents SET identifier = ?2 WHERE table_name = ?1 AND ?2 <> ''", l.ID, either(l.Title)); err != nil {
		return err
	}
	if err := f.tx.exec("UPDATE gpkg_contents SET description = ? WHERE table_name = ?", description, l.ID); err != nil {
		return err
	}
	insert, err := f.conn.PrepareContext(f.tx.ctx, "INSERT INTO "+quote(l.ID)+"("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(marks, ", ")+")")
	if err != nil {
		return err
	}
	f.table, f.insert, f.values, f.count, f.zm = t, insert, make([]any, len(columns)), 0, [2]bool{}
	return nil
}

// Feature adds a feature to the layer that was begun last.
func (f *File) Feature(feature *layers.Feature) error {
	g := feature.Geometry
	if g != nil {
		f.zm[0] = f.zm[0] || g.Layout() == geom.XYZ || g.Layout() == geom.XYZM
		f.zm[1] = f.zm[1] || g.Layout() == geom.XYM || g.Layout() == geom.XYZM
	}
	blob, err := encodeGeometry(g)
	if err != nil {
		return err
	}
	f.values[0], f.values[1] = blobOrNull(blob), feature.ID
	for i := range f.table.layer.Schema {
		f.values[2+i] = encodeValue(feature.Properties[f.table.layer.Schema[i].Name])
	}
	f.count++
	_, err = f.insert.ExecContext(f.tx.ctx, f.values...)
	return err
}

// endLayer builds what is built at once faster than row by row.
func (f *File) endLayer() error {
	if f.table == nil {
		return nil
	}
	t := f.table
	if err := f.insert.Close(); err != nil {
		return err
	}
	f.table = nil
	if err := f.tx.script(rtreeStatements(t)...); err != nil {
		return err
	}
	for i, column := range []string{"z", "m"} {
		if f.zm[i] {
			if err := f.tx.exec("UPDATE gpkg_geometry_columns SET "+column+" = 2 WHERE table_name = ?", t.layer.ID); err != nil {
				return err
			}
		}
	}
	if err := f.tx.exec("UPDATE gpkg_ogr_contents SET feature_count = ? WHERE table_name = ?", f.count, t.layer.ID); err != nil {
		return err
	}
	sides, _, err := t.measure(f.tx.ctx, f.conn)
	if err != nil {
		return err
	}
	return f.tx.exec("UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?", sides[0], sides[1], sides[2], sides[3], t.layer.ID)
}

// Close finishes the file. If it fails the file is not to be used.
func (f *File) Close() error {
	err := f.endLayer()
	if err == nil {
		err = f.tx.script("COMMIT")
	}
	return errors.Join(err, f.free())
}

// Discard closes a file that is not to be finished.
func (f *File) Discard() error { return f.free() }

func (f *File) free() error {
	if f.tx != nil {
		f.tx.w.forget()
	}
	if f.conn != nil {
		_ = f.conn.Close()
	}
	return f.db.Close()
}
