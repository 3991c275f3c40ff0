package tiles

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"onemap/layers"
)

// encodeCells writes what each of the tile's cells holds. A cell is a range of rows,
// so what it counts is a difference of two ranks.
func (d *draft) encodeCells() {
	f, level := d.variant.format(d.snap.format), d.variant.level(d.at.Z)
	for _, one := range d.cells(level, f) {
		d.cell(f, square{level, one.at}, &one.total)
	}
}

// encodeCellsOf makes the same tile of the features that a reader sees, one by one:
// for layers that are not in memory.
func encodeCellsOf(ctx context.Context, d *draft, r layers.Reader, l *layers.Layer, c Coord) ([]byte, error) {
	f := d.variant.format(formatOf(l, 0))
	level, cells := d.variant.level(c.Z), map[uint64]*total{}
	bound := c.around(scanMargin)
	for one, err := range r.Scan(ctx, l.ID, layers.Range{Selection: layers.Selection{BBox: &bound}, Around: true}) {
		if err != nil {
			return nil, fmt.Errorf("add up tile %s of layer %s: %w", c, l.ID, err)
		}
		key, ok := f.anchor(one)
		if !ok || squareOf(key, c.Z) != c.square() {
			continue
		}
		at := squareOf(key, level).at
		if cells[at] == nil {
			t := f.total()
			cells[at] = &t
		}
		f.addFeature(cells[at], key, one)
	}
	d.reset(f.names)
	d.at, d.own, d.parts = c, c.square(), 1
	for _, at := range slices.Sorted(maps.Keys(cells)) {
		d.cell(f, square{level, at}, cells[at])
	}
	return d.tile(l.ID, d.variant.extent()), nil
}

// addFeature adds one feature that is in no run.
func (f *format) addFeature(t *total, key uint64, one *layers.Feature) {
	p := placeAt(key)
	t.count, t.x, t.y = t.count+1, t.x+uint64(p.X), t.y+uint64(p.Y)
	encoded := func(column int) []byte {
		if v := one.Properties[f.schema[column].Name]; v != nil {
			return appendValue(nil, v)
		}
		return nil
	}
	if f.classBy >= 0 {
		t.classes[min(int(f.class(encoded(f.classBy))), len(t.classes)-1)]++
	}
	for i, column := range f.summed {
		if n, ok := number(encoded(column)); ok && !math.IsNaN(n) {
			t.numbers[i].add(tally{1, n, 0, n, n})
		}
	}
}

// cell writes what a cell holds: as its square, or as a point in the middle of it.
// Who draws it needs the count of each, so that also a count of one is written.
func (d *draft) cell(f *format, at square, t *total) {
	d.tagExtra(CountKey, appendValue(nil, t.count))
	d.totals(f, t)
	if d.variant.agg == AggHeat {
		d.end(kindPoint, -1, d.inside(t.middle()))
		return
	}
	side := int64(d.variant.side)
	size := d.variant.extent() / side
	p, corner := placeAt(at.at), placeAt(d.own.at)
	x, y := (int64(p.X)-int64(corner.X)*side)*size, (int64(p.Y)-int64(corner.Y)*side)*size
	d.end(kindPolygon, -1, d.pen.ring([4]point{{X: x, Y: y}, {X: x + size, Y: y}, {X: x + size, Y: y + size}, {X: x, Y: y + size}}))
}

// middle is the centre of mass of the features' anchors.
func (t *total) middle() place {
	return place{uint32(t.x / uint64(t.count)), uint32(t.y / uint64(t.count))}
}

// inside returns the commands of a point that no other tile has: MapLibre leaves
// out what is on a tile's last edges, for the neighbour to draw it.
func (d *draft) inside(p place) []byte {
	extent := d.variant.extent()
	q := snapperOf(d.at, extent).place(p)
	return d.pen.points([]point{{X: min(q.X, extent-1), Y: min(q.Y, extent-1)}})
}
