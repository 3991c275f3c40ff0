package tiles

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"

	"onemap/layers"
)

// A layer's file is a head of fixed size and a body, little-endian: the state of
// one cursor, its runs joined, living rows only. The body is lists, each behind its
// length, in the order in which encodeBody writes them, and a checksum. What
// follows from them is not in the file: bounds, trees, areas, sums.

// fileFormat changes with everything that a reader would misunderstand.
const fileFormat = "onemap tiles 1"

// headSize is the head's: JSON, so that people can look at it, spaces, a checksum.
// It is one sector of a disk, because its cursor is moved on in place.
const headSize = 512

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type fileHead struct {
	Format     string        `json:"format"`
	Layer      string        `json:"layer"`
	Definition string        `json:"definition"`
	Cursor     layers.Cursor `json:"cursor"` // the body has every change up to it, and none after
	Rows       int           `json:"rows"`
	Bytes      int64         `json:"bytes"` // of the body
}

func (h *fileHead) encode() ([]byte, error) {
	text, err := json.Marshal(h)
	if err == nil && len(text) > headSize-4 {
		err = fmt.Errorf("the head takes %d bytes", len(text))
	}
	if err != nil {
		return nil, err
	}
	text = append(text, bytes.Repeat([]byte{' '}, headSize-4-len(text))...)
	return binary.LittleEndian.AppendUint32(text, crc32.Checksum(text, castagnoli)), nil
}

func readHead(r io.Reader) (h fileHead, err error) {
	var raw [headSize]byte
	if _, err := io.ReadFull(r, raw[:]); err != nil {
		return h, damaged("the head is cut off")
	}
	text := raw[:headSize-4]
	if binary.LittleEndian.Uint32(raw[headSize-4:]) != crc32.Checksum(text, castagnoli) {
		return h, damaged("the head's checksum is another")
	}
	if err := json.Unmarshal(text, &h); err != nil || h.Format != fileFormat {
		return h, refused("its format is not " + fileFormat)
	}
	return h, nil
}

// damaged says that a file is not what was written, refused that it is not what is
// needed now.
type (
	damaged string
	refused string
)

func (d damaged) Error() string { return "the file is damaged: " + string(d) }
func (r refused) Error() string { return string(r) }

// definition is the fingerprint of what shapes the rows and the plan.
func (f *format) definition(layer string, budget int64) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %v %v %d %d %v\n", layer, f.shapes, f.tolerance, f.budget(budget), f.classBy, f.summed)
	for _, a := range f.schema {
		fmt.Fprintf(h, "%q %q\n", a.Name, a.Type)
	}
	for _, c := range f.classes {
		fmt.Fprintf(h, "%q", c.value)
		if c.min != nil {
			fmt.Fprintf(h, " %v", *c.min)
		}
		fmt.Fprintln(h)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// fileEncoder writes lists of numbers. After an error, or the end of ctx, it does
// nothing.
type fileEncoder struct {
	ctx context.Context
	w   io.Writer
	sum uint32
	n   int64
	buf []byte
	err error
}

// fileChunk is how many numbers are turned into bytes at a time.
const fileChunk = 1 << 14

func (e *fileEncoder) write(b []byte) {
	if e.err == nil {
		e.err = e.ctx.Err()
	}
	if e.err != nil {
		return
	}
	e.sum = crc32.Update(e.sum, castagnoli, b)
	e.n += int64(len(b))
	_, e.err = e.w.Write(b)
}

type listed interface {
	uint8 | uint16 | uint32 | uint64 | int64
}

func putList[T listed](e *fileEncoder, list []T) {
	e.length(len(list))
	for ; len(list) > 0; list = list[min(fileChunk, len(list)):] {
		e.chunk(list[:min(fileChunk, len(list))])
	}
}

func (e *fileEncoder) length(n int) {
	e.write(binary.LittleEndian.AppendUint64(e.buf[:0], uint64(n)))
}

func (e *fileEncoder) chunk(list any) {
	e.buf, _ = binary.Append(e.buf[:0], binary.LittleEndian, list) // it knows the type
	e.write(e.buf)
}

// encodeBody writes a run that has dictionaries of its own, as a base does.
func (e *fileEncoder) encodeBody(p *plan, r *run) {
	putList(e, p[:])
	putList(e, r.keys)
	putList(e, r.nums)
	for i := range r.columns {
		e.column(&r.columns[i])
	}
	if r.ids == nil {
		putList(e, []uint8{0})
	} else {
		putList(e, []uint8{1})
		e.column(r.ids)
	}
	if r.shapes != nil {
		e.shapes(r.shapes)
	}
	e.write(binary.LittleEndian.AppendUint32(e.buf[:0], e.sum))
}

// column writes how many bytes a code takes, the codes and the shared values; or 0
// and each row's own.
func (e *fileEncoder) column(c *column) {
	if c.dict == nil {
		putList(e, []uint8{0})
		e.values(&c.own)
		return
	}
	switch {
	case c.codes.two != nil:
		putList(e, []uint8{2})
		putList(e, c.codes.two)
	case c.codes.four != nil:
		putList(e, []uint8{4})
		putList(e, c.codes.four)
	default:
		putList(e, []uint8{1})
		putList(e, c.codes.one)
	}
	e.values(&c.dict.values)
}

func (e *fileEncoder) values(v *values) {
	putList(e, v.bytes)
	putList(e, v.ends)
}

func (e *fileEncoder) shapes(s *shapes) {
	chunk := make([]uint64, 0, fileChunk)
	e.length(len(s.vertices))
	for at := 0; at < len(s.vertices); at += fileChunk {
		chunk = chunk[:0]
		for _, p := range s.vertices[at:min(at+fileChunk, len(s.vertices))] {
			chunk = append(chunk, uint64(p.X)|uint64(p.Y)<<32)
		}
		e.chunk(chunk)
	}
	putList(e, s.grades)
	ends, kinds := make([]uint32, len(s.parts)), make([]uint8, len(s.parts))
	for i, p := range s.parts {
		ends[i], kinds[i] = p.end, uint8(p.kind)
	}
	putList(e, ends)
	putList(e, kinds)
	putList(e, s.ends)
}
