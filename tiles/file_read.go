package tiles

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// fileDecoder reads lists of numbers. It takes no more memory than there are bytes
// left. After an error it reads nothing.
type fileDecoder struct {
	r    io.Reader
	left int64
	sum  uint32
	buf  []byte
	err  error
}

func (d *fileDecoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = damaged(fmt.Sprintf(format, args...))
	}
}

// take fills b with the next bytes.
func (d *fileDecoder) take(b []byte) {
	if d.err == nil && int64(len(b)) > d.left {
		d.fail("it ends too early")
	}
	if d.err != nil {
		return
	}
	if _, err := io.ReadFull(d.r, b); err != nil {
		d.fail("%v", err)
		return
	}
	d.left -= int64(len(b))
	d.sum = crc32.Update(d.sum, castagnoli, b)
}

// length reads how many things of a size follow: want of them, unless that is
// negative.
func (d *fileDecoder) length(what string, size, want int) int {
	var b [8]byte
	d.take(b[:])
	n := binary.LittleEndian.Uint64(b[:])
	switch {
	case d.err != nil:
	case want >= 0 && n != uint64(want):
		d.fail("%d %s for %d", n, what, want)
	case n > uint64(d.left)/uint64(size) || n > math.MaxUint32:
		d.fail("%d %s in %d bytes", n, what, d.left)
	}
	if d.err != nil {
		return 0
	}
	return int(n)
}

func getList[T listed](d *fileDecoder, what string, want int) []T {
	list := make([]T, d.length(what, binary.Size(T(0)), want))
	if bytes, ok := any(list).([]uint8); ok {
		d.take(bytes)
		return list
	}
	for rest := list; len(rest) > 0 && d.err == nil; rest = rest[min(fileChunk, len(rest)):] {
		d.chunk(rest[:min(fileChunk, len(rest))])
	}
	return list
}

// chunk fills a list of numbers.
func (d *fileDecoder) chunk(list any) {
	n := binary.Size(list)
	if len(d.buf) < n {
		d.buf = make([]byte, n)
	}
	d.take(d.buf[:n])
	if d.err == nil {
		_, _ = binary.Decode(d.buf[:n], binary.LittleEndian, list) // it knows the type and has enough
	}
}

// decodeBody reads the rows of a state. Whatever the bytes are, what is returned
// without an error can be drawn.
func (d *fileDecoder) decodeBody(f *format, rows int) (*snapshot, error) {
	if rows < 0 || rows > math.MaxInt32 {
		d.fail("%d rows", rows)
	}
	s := &snapshot{format: f}
	d.plan(s)
	r := &run{keys: getList[uint64](d, "keys", rows)}
	r.nums = getList[int64](d, "nums", rows)
	for row := 1; row < rows && d.err == nil; row++ {
		if r.keys[row] < r.keys[row-1] || r.keys[row] == r.keys[row-1] && r.nums[row] < r.nums[row-1] {
			d.fail("row %d is out of order", row)
		}
	}
	for range f.schema {
		r.columns = append(r.columns, d.column(rows))
	}
	switch own := d.flag(); own {
	case 0:
	case 1:
		ids := d.column(rows)
		r.ids = &ids
	default:
		d.fail("ids of kind %d", own)
	}
	if f.shapes {
		r.shapes = d.shapes(rows)
	}
	d.end()
	if d.err != nil {
		return nil, d.err
	}
	if r.shapes != nil {
		r.shapes.complete()
	}
	f.sumUp(r, nil)
	s.runs = []living{{run: r}}
	return s, nil
}

func (d *fileDecoder) end() {
	var b [4]byte
	sum := d.sum
	d.take(b[:])
	switch {
	case d.err != nil:
	case d.left > 0:
		d.fail("%d bytes too many", d.left)
	case binary.LittleEndian.Uint32(b[:]) != sum:
		d.fail("its checksum is another")
	}
}

func (d *fileDecoder) plan(s *snapshot) {
	finest := uint8(finestPoints)
	if s.format.shapes {
		finest = finestShapes
	}
	copy(s.plan[:], getList[uint8](d, "zooms", len(s.plan)))
	for z, k := range s.plan {
		if k > 0 && (k < coarsest || k > finest) {
			d.fail("cells of %d levels at zoom %d", k, z)
		}
	}
}

// flag reads a number that says how to go on.
func (d *fileDecoder) flag() uint8 {
	one := getList[uint8](d, "flags", 1)
	if d.err != nil {
		return 0
	}
	return one[0]
}

func (d *fileDecoder) column(rows int) (c column) {
	var top uint32
	switch width := d.flag(); width {
	case 0:
		c.own = d.values(rows)
		return c
	case 1:
		c.codes.one, top = getCodes[uint8](d, rows)
	case 2:
		c.codes.two, top = getCodes[uint16](d, rows)
	case 4:
		c.codes.four, top = getCodes[uint32](d, rows)
	default:
		d.fail("codes of %d bytes", width)
	}
	c.dict = &dictionary{values: d.values(-1)}
	if n := c.dict.len(); n > maxShared || top > uint32(n) {
		d.fail("a code of %d for %d values", top, n)
	}
	if d.err == nil {
		c.dict.index()
	}
	return c
}

func getCodes[T uint8 | uint16 | uint32](d *fileDecoder, rows int) (codes []T, top uint32) {
	codes = getList[T](d, "codes", rows)
	for _, c := range codes {
		top = max(top, uint32(c))
	}
	return codes, top
}

func (d *fileDecoder) values(want int) values {
	v := values{bytes: getList[uint8](d, "bytes of values", -1), ends: getList[uint32](d, "values", want)}
	d.ascending("values", v.ends, len(v.bytes), 0)
	for i := 0; i < len(v.ends) && d.err == nil; i++ {
		if one := v.at(i); len(one) > 0 && !wellFormed(one) {
			d.fail("value %d is none", i)
		}
	}
	return v
}

// ascending checks that ends go up, by a step at least, to all that there is.
func (d *fileDecoder) ascending(what string, ends []uint32, all int, step uint64) {
	last := uint64(0)
	for _, end := range ends {
		if uint64(end) < last+step {
			d.fail("%s end before they begin", what)
			return
		}
		last = uint64(end)
	}
	if last != uint64(all) {
		d.fail("%s end at %d of %d", what, last, all)
	}
}

// wellFormed reports whether a value has the form that appendValue gives it, so
// that whoever decodes it finds what it looks for.
func wellFormed(v []byte) bool {
	switch v[0] {
	case tagValueString:
		n, size := binary.Uvarint(v[1:])
		return size > 0 && n == uint64(len(v)-1-size)
	case tagValueDouble:
		return len(v) == 9
	case tagValueInt, tagValueSint:
		_, size := binary.Uvarint(v[1:])
		return size > 0 && size == len(v)-1
	case tagValueBool:
		return len(v) == 2 && v[1] <= 1
	}
	return false
}

func (d *fileDecoder) shapes(rows int) *shapes {
	s := &shapes{vertices: make([]place, d.length("vertices", 8, -1))}
	chunk := make([]uint64, min(fileChunk, len(s.vertices)))
	for at := 0; at < len(s.vertices) && d.err == nil; at += fileChunk {
		chunk = chunk[:min(fileChunk, len(s.vertices)-at)]
		d.chunk(chunk)
		for i, xy := range chunk {
			s.vertices[at+i] = place{uint32(xy), uint32(xy >> 32)}
		}
	}
	s.grades = getList[uint8](d, "grades", len(s.vertices))
	ends := getList[uint32](d, "parts", -1)
	kinds := getList[uint8](d, "kinds", len(ends))
	s.ends = getList[uint32](d, "shapes", rows)
	d.ascending("parts", ends, len(s.vertices), 1)
	d.ascending("shapes", s.ends, len(ends), 1)
	if d.err != nil {
		return nil
	}
	s.parts = make([]part, len(ends))
	for i, end := range ends {
		if kinds[i] > uint8(partHole) {
			d.fail("part %d is of kind %d", i, kinds[i])
		}
		s.parts[i] = part{end: end, kind: partKind(kinds[i])}
	}
	return s
}
