package tiles

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"onemap/layers"
)

// scanMargin is how far beyond a tile's edges Encode looks for features, in tile
// units: the buffer, and one unit for what rounding moves into it.
const scanMargin = Buffer + 1

// spec is the tile as a store makes it.
func (c Coord) spec(extent int64) layers.TileSpec {
	return layers.TileSpec{Z: c.Z, X: c.X, Y: c.Y, Extent: int(extent), Buffer: int(-windowOf(extent).min), Bound: c.around(scanMargin), IDKey: IDKey, CountKey: CountKey}
}

// drawn is a feature as a tile shows it. A geometry collection becomes one for
// each type that it holds, of the same id.
type drawn struct {
	anchor     uint64
	count      int64 // how many features it stands for: 1 where its anchor is, else 0
	num        int64
	kind       kind
	id         string
	properties map[string]any
	geometry   []byte
}

// Encode returns one layer's tile as the reader sees it now: a whole MVT message
// with one layer, named like the layer, or nothing if no feature reaches the
// tile. The same features give the same bytes, whatever order they come in.
//
// Features without a geometry are not in tiles.
func Encode(ctx context.Context, r layers.Reader, l *layers.Layer, c Coord) ([]byte, error) {
	return encode(ctx, r, l, c, Variant{})
}

func encode(ctx context.Context, r layers.Reader, l *layers.Layer, c Coord, v Variant) ([]byte, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	var all []drawn
	bound := c.around(scanMargin)
	for f, err := range r.Scan(ctx, l.ID, layers.Range{Selection: layers.Selection{BBox: &bound}, Around: true}) {
		if err != nil {
			return nil, fmt.Errorf("encode tile %s of layer %s: %w", c, l.ID, err)
		}
		anchor, ok := firstPlace(f.Geometry)
		if !ok {
			continue
		}
		one := drawn{anchor: anchor.morton(), num: f.Num, id: f.ID, properties: f.Properties}
		// Planar gives a copy, so nothing below can touch what the store keeps.
		var d drawing
		d.begin(c, v.extent())
		for _, g := range inWorld(layers.Planar(f.Geometry)) {
			d.add(g)
		}
		if squareOf(one.anchor, c.Z) == c.square() {
			one.count = 1
			d.show(anchor)
		}
		s := &d.shape
		if len(s.points) > 0 {
			one.kind, one.geometry = kindPoint, new(pen).points(s.points)
			all, one.count = append(all, one), 0
		}
		if len(s.lines) > 0 {
			one.kind, one.geometry = kindLine, new(pen).lines(s.lines)
			all, one.count = append(all, one), 0
		}
		if len(s.polygons) > 0 {
			one.kind, one.geometry = kindPolygon, new(pen).polygons(s.polygons)
			all, one.count = append(all, one), 0
		}
	}
	slices.SortFunc(all, func(a, b drawn) int {
		return cmp.Or(cmp.Compare(a.anchor, b.anchor), cmp.Compare(a.num, b.num), cmp.Compare(a.id, b.id), cmp.Compare(a.kind, b.kind))
	})
	w := newLayerWriter(v.of(l).Schema)
	for _, d := range all {
		w.add(d)
	}
	return w.tile(l.ID, v.extent()), nil
}
