package tiles

import "slices"

// values is a list of encoded values (MVT 4.4), one after the other. None is an
// empty value.
type values struct {
	bytes []byte
	ends  []uint32
}

func (v *values) len() int { return len(v.ends) }

func (v *values) at(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = v.ends[i-1]
	}
	return v.bytes[start:v.ends[i]]
}

func (v *values) add(value []byte) {
	v.bytes = append(v.bytes, value...)
	v.ends = append(v.ends, uint32(len(v.bytes)))
}

func (v *values) size() int64 { return int64(len(v.bytes)) + 4*int64(len(v.ends)) }

// dictionary holds the values that many rows of a column share. It is made with
// the rows and not changed after.
type dictionary struct {
	values
	codes map[string]uint32
}

// maxShared is how many values a dictionary may have: an encoder keeps a stamp for
// each of them, and a column with more has hardly two rows in a tile that share one.
const maxShared = 1 << 16

func newDictionary() *dictionary { return &dictionary{codes: map[string]uint32{}} }

// size estimates what it takes, with its table.
func (d *dictionary) size() int64 {
	if d == nil {
		return 0
	}
	return 2*d.values.size() + 48*int64(d.len())
}

// code returns the number of a value, from 1; a new one gets the next.
func (d *dictionary) code(value []byte) (code uint32, full bool) {
	if c, ok := d.codes[string(value)]; ok {
		return c, false
	}
	if d.len() == maxShared {
		return 0, true
	}
	d.add(value)
	c := uint32(d.len())
	d.codes[string(value)] = c
	return c, false
}

// index makes the table of a dictionary that has its values.
func (d *dictionary) index() {
	d.codes = make(map[string]uint32, d.len())
	all, start := string(d.bytes), uint32(0)
	for i, end := range d.ends {
		d.codes[all[start:end]] = uint32(i + 1)
		start = end
	}
}

// column is one attribute of a run's rows: immutable.
//
// A code of 0 is null; up to the dictionary's length it is one of its values;
// above, one of the column's own, which the dictionary did not know. Without a
// dictionary there are no codes: each row has a value of its own.
type column struct {
	dict  *dictionary // nil: every row its own
	codes packed
	own   values
}

// get returns a row's value and its code; nil is null, and a code of 0 says that
// the value is nobody else's.
func (c *column) get(row int) (value []byte, code uint32) {
	if c.dict == nil {
		return c.own.at(row), 0
	}
	code = c.codes.at(row)
	switch n := uint32(c.dict.len()); {
	case code == 0:
		return nil, 0
	case code <= n:
		return c.dict.at(int(code - 1)), code
	default:
		return c.own.at(int(code - n - 1)), 0
	}
}

// size returns the bytes it takes, a dictionary aside.
func (c *column) size() int64 { return c.codes.size() + c.own.size() }

// columnBuilder collects the values of a column, row by row.
type columnBuilder struct {
	dict  *dictionary
	fixed bool // the dictionary is others' and takes no more
	codes []uint32
	own   values
}

// newColumn begins a column with a dictionary of its own.
func newColumn() *columnBuilder { return &columnBuilder{dict: newDictionary()} }

// newColumnLike begins a column that shares the dictionary of another.
func newColumnLike(c *column) *columnBuilder { return &columnBuilder{dict: c.dict, fixed: true} }

// add appends a row; an empty value is null.
func (b *columnBuilder) add(value []byte) {
	switch {
	case b.dict == nil:
		b.own.add(value)
	case len(value) == 0:
		b.codes = append(b.codes, 0)
	case b.fixed:
		code, known := b.dict.codes[string(value)]
		if !known {
			b.own.add(value)
			code = uint32(b.dict.len() + b.own.len())
		}
		b.codes = append(b.codes, code)
	default:
		code, full := b.dict.code(value)
		if full {
			b.unshare()
			b.own.add(value)
			return
		}
		b.codes = append(b.codes, code)
	}
}

// size estimates what the column takes: more than there is, if its own values are
// more than can be numbered.
func (b *columnBuilder) size() int64 {
	if len(b.own.bytes) > mostNumbers {
		return boundless
	}
	n := 4*int64(len(b.codes)) + b.own.size()
	switch {
	case b.dict == nil || b.fixed:
		return n
	case b.isWorthSharing():
		return n + b.dict.size()
	default:
		return n + b.dict.values.size()
	}
}

// isWorthSharing reports whether a dictionary of its own is worth its table.
func (b *columnBuilder) isWorthSharing() bool {
	return b.dict.len() <= 256 || b.dict.len() <= len(b.codes)/2
}

// unshare gives each row its own value.
func (b *columnBuilder) unshare() {
	var own values
	for _, c := range b.codes {
		if c == 0 {
			own.add(nil)
		} else {
			own.add(b.dict.at(int(c - 1)))
		}
	}
	b.dict, b.codes, b.own = nil, nil, own
}

// build returns the column with its rows in another order: order[i] is the row
// that becomes row i.
func (b *columnBuilder) build(order []int32) column {
	if b.dict != nil && !b.fixed && !b.isWorthSharing() {
		b.unshare()
	}
	if b.dict != nil {
		if !b.fixed {
			b.dict.values = b.dict.clip()
		}
		return column{dict: b.dict, codes: pack(b.codes, order), own: b.own.clip()}
	}
	own := values{bytes: make([]byte, 0, len(b.own.bytes)), ends: make([]uint32, 0, len(b.own.ends))}
	for _, row := range order {
		own.add(b.own.at(int(row)))
	}
	return column{own: own}
}

func (v *values) clip() values {
	return values{bytes: slices.Clone(v.bytes), ends: slices.Clone(v.ends)}
}

// packed is a list of numbers, each in as many bytes as the largest needs.
type packed struct {
	one  []uint8
	two  []uint16
	four []uint32
}

func pack(codes []uint32, order []int32) (p packed) {
	top := uint32(0)
	for _, c := range codes {
		top = max(top, c)
	}
	switch {
	case top < 1<<8:
		p.one = make([]uint8, len(order))
		for i, row := range order {
			p.one[i] = uint8(codes[row])
		}
	case top < 1<<16:
		p.two = make([]uint16, len(order))
		for i, row := range order {
			p.two[i] = uint16(codes[row])
		}
	default:
		p.four = make([]uint32, len(order))
		for i, row := range order {
			p.four[i] = codes[row]
		}
	}
	return p
}

func (p *packed) at(i int) uint32 {
	switch {
	case p.one != nil:
		return uint32(p.one[i])
	case p.two != nil:
		return uint32(p.two[i])
	default:
		return p.four[i]
	}
}

func (p *packed) size() int64 { return int64(len(p.one)) + 2*int64(len(p.two)) + 4*int64(len(p.four)) }
