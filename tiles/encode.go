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
func (c Coord) spec() layers.TileSpec {
	return layers.TileSpec{Z: c.Z, X: c.X, Y: c.Y, Extent: TileExtent, Buffer: Buffer, Bound: c.around(scanMargin), IDKey: IDKey}
}

// drawn is a feature as a tile shows it. A geometry collection becomes one for
// each type that it holds, of the same id.
type drawn struct {
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
	if err := c.Check(); err != nil {
		return nil, err
	}
	var all []drawn
	bbox := c.around(scanMargin)
	for f, err := range r.Scan(ctx, l.ID, layers.Range{BBox: &bbox}) {
		if err != nil {
			return nil, fmt.Errorf("encode tile %s of layer %s: %w", c, l.ID, err)
		}
		// Planar gives a copy, so nothing below can touch what the store keeps.
		g := layers.Planar(f.Geometry)
		if g == nil {
			continue
		}
		s := draw(g, c)
		one := drawn{num: f.Num, id: f.ID, properties: f.Properties}
		if len(s.points) > 0 {
			one.kind, one.geometry = kindPoint, pointCommands(s.points)
			all = append(all, one)
		}
		if len(s.lines) > 0 {
			one.kind, one.geometry = kindLine, lineCommands(s.lines)
			all = append(all, one)
		}
		if len(s.polygons) > 0 {
			one.kind, one.geometry = kindPolygon, polygonCommands(s.polygons)
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b drawn) int {
		return cmp.Or(cmp.Compare(a.num, b.num), cmp.Compare(a.id, b.id), cmp.Compare(a.kind, b.kind))
	})
	w := newLayerWriter(l.Schema)
	for _, d := range all {
		w.add(d.kind, d.num, d.id, d.properties, d.geometry)
	}
	return w.tile(l.ID), nil
}
