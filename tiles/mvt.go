package tiles

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"onemap/layers"
)

// Field numbers and wire types of the Vector Tile Specification 2.1 (4, and
// vector_tile.proto). The messages are few and fixed, so they are written here
// byte by byte.
const (
	tagTileLayer = 3<<3 | wireBytes

	tagLayerName    = 1<<3 | wireBytes
	tagLayerFeature = 2<<3 | wireBytes
	tagLayerKey     = 3<<3 | wireBytes
	tagLayerValue   = 4<<3 | wireBytes
	tagLayerExtent  = 5<<3 | wireVarint
	tagLayerVersion = 15<<3 | wireVarint

	tagFeatureID       = 1<<3 | wireVarint
	tagFeatureTags     = 2<<3 | wireBytes
	tagFeatureType     = 3<<3 | wireVarint
	tagFeatureGeometry = 4<<3 | wireBytes

	tagValueString = 1<<3 | wireBytes
	tagValueDouble = 3<<3 | wireFixed64
	tagValueInt    = 4<<3 | wireVarint
	tagValueSint   = 6<<3 | wireVarint
	tagValueBool   = 7<<3 | wireVarint

	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
)

// kind is the type of an MVT feature (4.3.4.1).
type kind byte

const (
	kindPoint   kind = 1
	kindLine    kind = 2
	kindPolygon kind = 3
)

// IDKey is the property that holds a feature's own id, a string.
const IDKey = "_id"

// timeFormat is RFC 3339 in UTC with up to milliseconds, the precision of stored
// times, as in every other answer.
const timeFormat = "2006-01-02T15:04:05.999Z07:00"

// layerWriter collects a tile layer.
type layerWriter struct {
	schema   layers.Schema
	keys     []string
	keyAt    map[string]uint64
	values   [][]byte
	valueAt  map[string]uint64
	features []byte
	tags     []byte // of the feature being written
	scratch  []byte
}

func newLayerWriter(schema layers.Schema) *layerWriter {
	return &layerWriter{schema: schema, keyAt: map[string]uint64{}, valueAt: map[string]uint64{}}
}

// add writes one feature: its properties in the schema's order, without nulls,
// its id, and its count if that is not 1.
func (w *layerWriter) add(d drawn) {
	w.tags = w.tags[:0]
	for _, a := range w.schema {
		if v := d.properties[a.Name]; v != nil {
			w.tag(a.Name, v)
		}
	}
	w.tag(IDKey, d.id)
	if d.count != 1 {
		w.tag(CountKey, d.count)
	}

	f := w.scratch[:0]
	if d.num >= 0 { // ids are unsigned (4.2), and optional
		f = binary.AppendUvarint(append(f, tagFeatureID), uint64(d.num))
	}
	f = appendBytes(f, tagFeatureTags, w.tags)
	f = append(f, tagFeatureType, byte(d.kind))
	f = appendBytes(f, tagFeatureGeometry, d.geometry)
	w.features = appendBytes(w.features, tagLayerFeature, f)
	w.scratch = f
}

func (w *layerWriter) tag(key string, v any) {
	k, ok := w.keyAt[key]
	if !ok {
		k = uint64(len(w.keys))
		w.keys, w.keyAt[key] = append(w.keys, key), k
	}
	w.scratch = appendValue(w.scratch[:0], v)
	n, ok := w.valueAt[string(w.scratch)]
	if !ok {
		value := string(w.scratch)
		n = uint64(len(w.values))
		w.values, w.valueAt[value] = append(w.values, []byte(value)), n
	}
	w.tags = binary.AppendUvarint(binary.AppendUvarint(w.tags, k), n)
}

// tile returns a tile with the layer, or nothing if it has no features: a layer
// must hold at least one (4.1).
func (w *layerWriter) tile(name string, extent int64) []byte {
	if len(w.features) == 0 {
		return nil
	}
	l := binary.AppendUvarint([]byte{tagLayerVersion}, 2)
	l = appendBytes(l, tagLayerName, []byte(name))
	l = append(l, w.features...)
	for _, k := range w.keys {
		l = appendBytes(l, tagLayerKey, []byte(k))
	}
	for _, v := range w.values {
		l = appendBytes(l, tagLayerValue, v)
	}
	l = binary.AppendUvarint(append(l, tagLayerExtent), uint64(extent))
	return appendBytes(make([]byte, 0, len(l)+6), tagTileLayer, l)
}

func appendBytes(b []byte, tag byte, field []byte) []byte {
	b = binary.AppendUvarint(append(b, tag), uint64(len(field)))
	return append(b, field...)
}

// appendValue writes a value message (4.4).
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(b, v)
	case int64:
		return appendInt(b, v)
	case float64:
		return binary.LittleEndian.AppendUint64(append(b, tagValueDouble), math.Float64bits(v))
	case bool:
		if v {
			return append(b, tagValueBool, 1)
		}
		return append(b, tagValueBool, 0)
	case layers.Date:
		return appendString(b, string(v))
	case time.Time:
		return appendString(b, v.UTC().Format(timeFormat))
	case json.RawMessage:
		return appendString(b, string(v))
	default:
		return appendString(b, fmt.Sprint(v))
	}
}

func appendInt(b []byte, v int64) []byte {
	if v < 0 { // a plain varint would take ten bytes
		return binary.AppendVarint(append(b, tagValueSint), v)
	}
	return binary.AppendUvarint(append(b, tagValueInt), uint64(v))
}

func appendString(b []byte, s string) []byte {
	return appendBytes(b, tagValueString, []byte(strings.ToValidUTF8(s, "\uFFFD")))
}

// Commands of a geometry (4.3.1).
const (
	moveTo    = 1
	lineTo    = 2
	closePath = 7
)

// pen writes geometry commands relative to where it is.
type pen struct {
	b  []byte
	at point
}

func (p *pen) command(id, count int) {
	p.b = binary.AppendUvarint(p.b, uint64(count)<<3|uint64(id))
}

func (p *pen) to(q point) {
	p.b, p.at = appendStep(appendStep(p.b, q.X-p.at.X), q.Y-p.at.Y), q
}

// appendStep is binary.AppendVarint, and quick with what is mostly one byte.
func appendStep(b []byte, by int64) []byte {
	v := uint64(by)<<1 ^ uint64(by>>63)
	if v < 0x80 {
		return append(b, byte(v))
	}
	return binary.AppendUvarint(b, v)
}

func (p *pen) path(ps []point, closed bool) {
	p.command(moveTo, 1)
	p.to(ps[0])
	p.command(lineTo, len(ps)-1)
	b, at := p.b, p.at
	for _, q := range ps[1:] {
		b = appendStep(appendStep(b, q.X-at.X), q.Y-at.Y)
		at = q
	}
	p.b, p.at = b, at
	if closed {
		p.command(closePath, 1)
	}
}

// points, lines, ring and polygons return the commands of a geometry, until the next
// one is made.
func (p *pen) points(ps []point) []byte {
	p.b, p.at = p.b[:0], point{}
	p.command(moveTo, len(ps))
	for _, q := range ps {
		p.to(q)
	}
	return p.b
}

func (p *pen) lines(lines [][]point) []byte {
	p.b, p.at = p.b[:0], point{}
	for _, l := range lines {
		p.path(l, false)
	}
	return p.b
}

func (p *pen) ring(r [4]point) []byte {
	p.b, p.at = p.b[:0], point{}
	p.path(r[:], true)
	return p.b
}

func (p *pen) polygons(polygons [][][]point) []byte {
	p.b, p.at = p.b[:0], point{}
	for _, rings := range polygons {
		for _, r := range rings {
			p.path(r, true)
		}
	}
	return p.b
}
