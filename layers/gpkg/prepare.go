package gpkg

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// change is an edit in the form that the file takes.
type change struct {
	edit   *layers.Edit
	geom   []byte
	layout geom.Layout
	named  []int // the attributes that it sets, by index in the schema
	values []any
}

func (c *change) keepsGeometry() bool { return c.edit.Op == layers.Patch && c.edit.KeepGeometry }

// prepare checks edits and encodes what they carry.
func prepare(t *table, edits []layers.Edit) ([]change, error) {
	for i := range edits {
		e := &edits[i]
		switch e.Op {
		case layers.Put, layers.Create, layers.Replace, layers.Patch, layers.Delete:
		default:
			return nil, atEdit(layers.Errorf(layers.Invalid, "unknown operation %q", e.Op), i)
		}
		if !utf8.ValidString(e.ID) || strings.ContainsRune(e.ID, 0) {
			return nil, atEdit(layers.Errorf(layers.Invalid, "the id is not text in UTF-8"), i)
		}
	}
	edits, err := t.layer.CheckEdits(edits)
	if err != nil {
		return nil, err
	}
	all := make([]int, len(t.layer.Schema))
	for k := range all {
		all[k] = k
	}
	changes := make([]change, len(edits))
	for i := range edits {
		c := change{edit: &edits[i]}
		if c.edit.Op != layers.Delete && !c.keepsGeometry() && c.edit.Geometry != nil {
			c.layout = c.edit.Geometry.Layout()
			g, err := t.layer.Geometry.Promote(c.edit.Geometry)
			if err != nil {
				return nil, atEdit(err, i)
			}
			if c.geom, err = encodeGeometry(g); err != nil {
				return nil, atEdit(err, i)
			}
		}
		switch c.edit.Op {
		case layers.Delete:
		case layers.Patch:
			for k := range t.layer.Schema {
				if v, ok := c.edit.Properties[t.layer.Schema[k].Name]; ok {
					c.named, c.values = append(c.named, k), append(c.values, encodeValue(v))
				}
			}
		default:
			c.named, c.values = all, make([]any, len(all))
			for k := range all {
				c.values[k] = encodeValue(c.edit.Properties[t.layer.Schema[k].Name])
			}
		}
		changes[i] = c
	}
	return changes, nil
}

// declareLayout says in the GeoPackage that a layer has heights or measures, as
// soon as the first one comes.
func (tx *txn) declareLayout(t *table, layout geom.Layout) error {
	if layout == geom.NoLayout || layout == geom.XY {
		return nil
	}
	column := "m"
	if layout.ZIndex() >= 0 {
		column = "z"
	}
	if err := tx.exec("UPDATE gpkg_geometry_columns SET "+column+" = 2 WHERE table_name = ? AND "+column+" = 0", t.layer.ID); err != nil {
		return err
	}
	if layout == geom.XYZM {
		return tx.exec("UPDATE gpkg_geometry_columns SET m = 2 WHERE table_name = ? AND m = 0", t.layer.ID)
	}
	return nil
}

// atEdit says which edit of a batch failed.
func atEdit(err error, i int) error {
	var e *layers.Error
	if errors.As(err, &e) {
		copied := *e
		copied.Message = "edits[" + itoa(int64(i)) + "]: " + e.Message
		return &copied
	}
	return layers.Errorf(layers.Internal, "edits[%d]: %w", i, err)
}
