package tiles

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// tileWriter writes the tile layer of one format, again and again. A column's
// shared values get their place in the tile by a look into an array, not by
// hashing.
type tileWriter struct {
	keyOf    []int32 // by column: its key in the tile, or -1
	slots    []slots // by column
	keys     []string
	features []byte
	values   []byte
	nvalues  uint64
	tags     []byte
	scratch  []byte
	shared   map[string]uint64 // values that are written once
	extra    map[string]int32  // keys that are no columns
	names    []string          // of the columns
}

// longestNumber is how many bytes a value takes at most that is a number, or the text
// of one.
const longestNumber = 24

// slots maps the codes of a dictionary to values of the tile, from 1.
type slots struct {
	at   []uint32
	used []uint32
}

// reset prepares the writer for a tile.
func (w *tileWriter) reset(names []string) {
	for i := range w.slots {
		s := &w.slots[i]
		for _, code := range s.used {
			s.at[code] = 0
		}
		s.used = s.used[:0]
	}
	for len(w.keyOf) < len(names) {
		w.keyOf, w.slots = append(w.keyOf, -1), append(w.slots, slots{})
	}
	for i := range w.keyOf {
		w.keyOf[i] = -1
	}
	w.names, w.keys, w.nvalues = names, w.keys[:0], 0
	w.features, w.values, w.tags = w.features[:0], w.values[:0], w.tags[:0]
	w.scratch = slices.Grow(w.scratch[:0], longestNumber)
	clear(w.shared)
	clear(w.extra)
}

// key returns the tile's key for a column.
func (w *tileWriter) key(column int) uint64 {
	if w.keyOf[column] < 0 {
		w.keyOf[column] = int32(len(w.keys))
		w.keys = append(w.keys, w.names[column])
	}
	return uint64(w.keyOf[column])
}

// tag adds a column's value to the feature being written. Values with a code are
// shared, and so are those without one if the caller says so.
func (w *tileWriter) tag(column int, value []byte, code uint32, shared bool) {
	var n uint64
	switch {
	case code > 0:
		s := &w.slots[column]
		if int(code) >= len(s.at) {
			s.at = append(s.at, make([]uint32, max(int(code)+1, 2*len(s.at))-len(s.at))...)
		}
		if s.at[code] == 0 {
			s.at[code] = uint32(w.sharedValue(value)) + 1
			s.used = append(s.used, code)
		}
		n = uint64(s.at[code] - 1)
	case shared:
		n = w.sharedValue(value)
	default:
		n = w.addValue(value)
	}
	w.tags = binary.AppendUvarint(binary.AppendUvarint(w.tags, w.key(column)), n)
}

// tagExtra adds a value under a key that is no column.
func (w *tileWriter) tagExtra(key string, value []byte) {
	k, ok := w.extra[key]
	if !ok {
		if w.extra == nil {
			w.extra = map[string]int32{}
		}
		k = int32(len(w.keys))
		w.extra[key], w.keys = k, append(w.keys, key)
	}
	w.tags = binary.AppendUvarint(binary.AppendUvarint(w.tags, uint64(k)), w.sharedValue(value))
}

// sharedValue returns the tile's number of a value, which it writes once, whatever
// columns it is in and wherever it comes from: so the same features give the same
// bytes.
func (w *tileWriter) sharedValue(value []byte) uint64 {
	n, ok := w.shared[string(value)]
	if !ok {
		if w.shared == nil {
			w.shared = map[string]uint64{}
		}
		n = w.addValue(value)
		w.shared[string(value)] = n
	}
	return n
}

func (w *tileWriter) addValue(value []byte) uint64 {
	w.values = appendBytes(w.values, tagLayerValue, value)
	w.nvalues++
	return w.nvalues - 1
}

// end writes the feature with the tags that were added. Ids are unsigned and
// optional (4.2): a negative num is none.
func (w *tileWriter) end(k kind, num int64, geometry []byte) {
	size := 4 + uvarintLen(uint64(len(w.tags))) + len(w.tags) + uvarintLen(uint64(len(geometry))) + len(geometry)
	if num >= 0 {
		size += 1 + uvarintLen(uint64(num))
	}
	b := binary.AppendUvarint(append(w.features, tagLayerFeature), uint64(size))
	if num >= 0 {
		b = binary.AppendUvarint(append(b, tagFeatureID), uint64(num))
	}
	b = appendBytes(b, tagFeatureTags, w.tags)
	b = append(b, tagFeatureType, byte(k))
	w.features = appendBytes(b, tagFeatureGeometry, geometry)
	w.tags = w.tags[:0]
}

// tile returns a tile with the layer, or nothing if it has no features.
func (w *tileWriter) tile(name string, extent int64) []byte {
	if len(w.features) == 0 {
		return nil
	}
	size := 2 + 1 + uvarintLen(uint64(len(name))) + len(name) + len(w.features) + len(w.values) + 1 + uvarintLen(uint64(extent))
	for _, k := range w.keys {
		size += 1 + uvarintLen(uint64(len(k))) + len(k)
	}
	b := make([]byte, 0, 1+uvarintLen(uint64(size))+size)
	b = binary.AppendUvarint(append(b, tagTileLayer), uint64(size))
	b = binary.AppendUvarint(append(b, tagLayerVersion), 2)
	b = appendBytes(b, tagLayerName, []byte(name))
	b = append(b, w.features...)
	for _, k := range w.keys {
		b = appendBytes(b, tagLayerKey, []byte(k))
	}
	b = append(b, w.values...)
	return binary.AppendUvarint(append(b, tagLayerExtent), uint64(extent))
}

func uvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }
