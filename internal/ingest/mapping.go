package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// mapper makes edits of rows.
type mapper struct {
	set      *Set
	layer    *layers.Layer
	names    map[string]string // column to attribute; other columns are left out
	idColumn string            // column that names the features; empty if there is none
	seen     *seen
	rejects  *rejects
	report   *Report
}

// mapped is a row with its edit.
type mapped struct {
	row  Row
	edit layers.Edit
}

func (m *mapped) floats() int { return floats(m.edit.Geometry) }

// floats counts the coordinates of a geometry.
func floats(g geom.T) int {
	switch g := g.(type) {
	case nil:
		return 0
	case *geom.GeometryCollection:
		n := 0
		for _, part := range g.Geoms() {
			n += floats(part)
		}
		return n
	}
	return len(g.FlatCoords())
}

// edit makes the edit of a row. Rows that do not fit are rejected: false.
func (m *mapper) edit(row Row) (mapped, bool) {
	edit, err := m.try(row)
	if err != nil {
		m.rejects.addLater(row, err)
		return mapped{}, false
	}
	return mapped{row, edit}, true
}

func (m *mapper) try(row Row) (layers.Edit, error) {
	if row.Err != nil {
		return layers.Edit{}, row.Err
	}
	edit := layers.Edit{Op: layers.Put, ID: row.ID, Geometry: row.Geometry, Properties: make(map[string]any, len(row.Properties))}
	for _, p := range row.Properties {
		switch name, known := m.names[p.Name]; {
		case p.Name == m.idColumn && m.idColumn != "":
			id, err := idOf(p.Value)
			if err != nil {
				return layers.Edit{}, err
			}
			edit.ID = id
		case known && p.Value != nil:
			edit.Properties[name] = p.Value
		}
	}
	if edit.ID == "" {
		// The file's name is in it, so that two files without ids do not
		// overwrite each other's rows in one layer.
		edit.ID = fmt.Sprintf("%s-%d", m.set.Name, row.Number)
	}
	if first, again := m.seen.before(edit.ID, row.Number); again {
		return layers.Edit{}, fmt.Errorf("the id %q appeared already, in row %d", edit.ID, first)
	}
	checked, err := m.layer.CheckEdits([]layers.Edit{edit})
	if err != nil {
		return layers.Edit{}, aboutOne(err)
	}
	return checked[0], nil
}

// idOf makes a feature id of a column's value.
func idOf(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return strings.TrimSpace(v), nil
	case json.Number:
		return v.String(), nil
	case int64:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("the id %v is neither text nor a whole number", v)
}

// aboutOne takes "edits[0]." out of the violations' fields, since the reader has
// one row before them.
func aboutOne(err error) error {
	var e *layers.Error
	if !errors.As(err, &e) {
		return err
	}
	one := *e
	one.Violations = nil
	for _, v := range e.Violations {
		v.Field = strings.TrimPrefix(v.Field, "edits[0].")
		one.Violations = append(one.Violations, v)
	}
	return &one
}

// seen finds ids that a file has twice. It keeps a hash and the row of each: 100
// MB hold some three million rows.
type seen struct {
	seed maphash.Seed
	rows map[uint64]int64
}

func newSeen() *seen { return &seen{seed: maphash.MakeSeed(), rows: map[uint64]int64{}} }

func (s *seen) before(id string, row int64) (first int64, again bool) {
	h := maphash.String(s.seed, id)
	if first, again = s.rows[h]; !again && len(s.rows) < maxSeen {
		s.rows[h] = row
	}
	return first, again
}

// maxSeen bounds the memory that a file of any size may take. Among this many
// 64-bit hashes two are equal by chance once in 180,000 files.
const maxSeen = 10_000_000
