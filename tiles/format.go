package tiles

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"onemap/layers"
)

// format is what of a layer's definition shapes its rows. A layer whose format
// changes is read again.
type format struct {
	schema layers.Schema
	names  []string // of the columns in a tile: the attributes, and the id
	shapes bool
	// tolerance is how far an outline may be from the data, in tile units; negative:
	// nothing is left out.
	tolerance float64
	bytes     int64 // what a tile may take, if the layer says so
	classBy   int   // the attribute that chooses the class, or -1
	classes   []class
	steps     []int // the classes that are ranges, the lowest first
	summed    []int // the attributes that aggregates sum up
}

// class is one entry of the legend that rows are counted by.
type class struct {
	value []byte   // encoded; nil if it is a range
	min   *float64 // where the range begins; nil: at the least number
}

func (c class) from() float64 {
	if c.min == nil {
		return math.Inf(-1)
	}
	return *c.min
}

// noClass is the class of a row that is in none.
const noClass = math.MaxUint8

func formatOf(l *layers.Layer, tolerance float64) *format {
	f := &format{tolerance: tolerance, bytes: int64(l.Display.TileBytes), schema: l.Schema, shapes: l.Geometry != layers.Point, classBy: -1}
	for i, a := range l.Schema {
		f.names = append(f.names, a.Name)
		if a.Aggregate && (a.Type == layers.Integer || a.Type == layers.Number) {
			f.summed = append(f.summed, i)
		}
		if a.Name != l.Display.ColorBy || len(l.Display.Classes) == 0 || len(l.Display.Classes) >= noClass {
			continue
		}
		f.classBy = i
		for _, c := range l.Display.Classes {
			one := class{min: c.Min}
			if v, err := a.Coerce(c.Value); err == nil && v != nil {
				one.value = appendValue(nil, v)
			}
			if c.Value == nil {
				f.steps = append(f.steps, len(f.classes))
			}
			f.classes = append(f.classes, one)
		}
		slices.SortStableFunc(f.steps, func(a, b int) int { return cmp.Compare(f.classes[a].from(), f.classes[b].from()) })
	}
	f.names = append(f.names, IDKey)
	return f
}

// budget is what a tile may take before compression: what the layer says, or the
// usual.
func (f *format) budget(usual int64) int64 { return cmp.Or(f.bytes, usual) }

// anchor returns where a feature is counted, as a morton number: a point of its
// own, the first that its geometry has.
func (f *format) anchor(one *layers.Feature) (key uint64, ok bool) {
	if one == nil {
		return 0, false
	}
	p, ok := firstPlace(one.Geometry)
	return p.morton(), ok
}

// class returns the class of an encoded value: the one that has it, or else the
// last range that begins at or below it, or the first range if it is below all of
// them. That is what a map's style does with a single feature (MapLibre's step).
func (f *format) class(value []byte) uint8 {
	for i, c := range f.classes {
		if c.value != nil && string(c.value) == string(value) {
			return uint8(i)
		}
	}
	n, isNumber := number(value)
	if !isNumber || len(f.steps) == 0 {
		return noClass
	}
	best := f.steps[0]
	for _, i := range f.steps[1:] {
		if n >= f.classes[i].from() {
			best = i
		}
	}
	return uint8(best)
}

// number decodes the encoded value of an integer or a number.
func number(value []byte) (float64, bool) {
	if len(value) < 2 {
		return 0, false
	}
	switch value[0] {
	case tagValueDouble:
		return math.Float64frombits(binary.LittleEndian.Uint64(value[1:])), true
	case tagValueInt:
		n, _ := binary.Uvarint(value[1:])
		return float64(n), true
	case tagValueSint:
		n, _ := binary.Varint(value[1:])
		return float64(n), true
	}
	return 0, false
}
