package formats

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"onemap/internal/geojson"
	"onemap/layers"
)

// Limits of dBase III, which Shapefiles have their attributes in.
const (
	mostFields     = 255
	mostNameBytes  = 10
	mostTextBytes  = 254
	mostNumeral    = 24 // a double in full, with its exponent
	mostWholeBytes = 18 // more, and readers take the number for a double
)

// field is a column of a dBase table.
type field struct {
	name      string // in the table
	attribute string // in the layer
	kind      layers.DataType
	title     string
}

// fieldsOf are the id, the attributes and, if there is one, the notice.
func fieldsOf(l *layers.Layer) ([]field, error) {
	fields := []field{{attribute: "id", kind: layers.String}}
	for _, a := range l.Schema {
		fields = append(fields, field{attribute: a.Name, kind: a.Type, title: a.Title.Zh})
	}
	if Notice(l) != "" {
		fields = append(fields, field{attribute: "notice", kind: layers.String})
	}
	if len(fields) > mostFields {
		return nil, layers.Errorf(layers.Invalid, "the layer has more than %d attributes, which a Shapefile can't hold; ask for GeoPackage", mostFields)
	}
	taken := map[string]bool{}
	for i := range fields {
		f := &fields[i]
		f.name = cut(f.attribute, mostNameBytes)
		for n := 1; taken[strings.ToUpper(f.name)]; n++ {
			end := "_" + strconv.Itoa(n)
			f.name = cut(f.attribute, mostNameBytes-len(end)) + end
		}
		taken[strings.ToUpper(f.name)] = true
	}
	return fields, nil
}

// cut shortens a text to so many bytes of UTF-8, never within a character.
func cut(s string, bytes int) string {
	if len(s) <= bytes {
		return s
	}
	for !utf8.RuneStart(s[bytes]) {
		bytes--
	}
	return s[:bytes]
}

// column is what is known of a field's values.
type column struct {
	width    int
	decimals int
	cut      int64 // texts that were too long
}

// value is how a table has a value, "" for null.
func (f *field) value(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "T"
		}
		return "F"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		s := strconv.FormatFloat(v, 'f', -1, 64)
		if len(s) > mostNumeral {
			s = strconv.FormatFloat(v, 'e', -1, 64)
		}
		return s
	case layers.Date:
		return strings.ReplaceAll(string(v), "-", "")
	case time.Time:
		return geojson.Time(v)
	case json.RawMessage:
		return string(v)
	case string:
		return v
	}
	return fmt.Sprint(v)
}

// note takes a value's size into account and returns it, cut if it has to be.
func (c *column) note(f *field, s string) string {
	if len(s) > mostTextBytes {
		s = cut(s, mostTextBytes)
		c.cut++
	}
	c.width = max(c.width, len(s))
	if f.kind == layers.Number && s != "" {
		decimals := 1 // without any it would be a whole number
		if _, fraction, ok := strings.Cut(s, "."); ok && !strings.Contains(s, "e") {
			decimals = max(decimals, len(fraction))
		}
		c.decimals = max(c.decimals, decimals)
	}
	return s
}

// form is a field's type and size in the table.
func (c *column) form(f *field) (kind byte, width, decimals int) {
	switch f.kind {
	case layers.Boolean:
		return 'L', 1, 0
	case layers.DateType:
		return 'D', 8, 0
	case layers.Integer:
		if c.width <= mostWholeBytes {
			return 'N', max(1, c.width), 0
		}
	case layers.Number:
		decimals = max(1, c.decimals)
		return 'N', max(decimals+2, c.width), decimals
	}
	return 'C', max(1, c.width), 0
}

// table writes dBase tables from values that were noted.
type table struct {
	fields  []field
	columns []column
	rows    int64
}

func (t *table) rowBytes() int {
	n := 1 // the mark of deleted rows
	for i := range t.fields {
		_, width, _ := t.columns[i].form(&t.fields[i])
		n += width
	}
	return n
}

func (t *table) headBytes() int { return 32 + 32*len(t.fields) + 1 }

// bytes is how large the table is.
func (t *table) bytes() int64 { return int64(t.headBytes()) + t.rows*int64(t.rowBytes()) + 1 }

// write writes the table. values has those of each row, as putValue wrote them.
func (t *table) write(w io.Writer, values *bufio.Reader, now time.Time) error {
	b := t.appendHead(nil, now)
	var value []byte
	for range t.rows {
		b = append(b, ' ')
		for i := range t.fields {
			var err error
			if value, err = takeValue(values, value); err != nil {
				return err
			}
			b = t.appendValue(b, i, value)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		b = b[:0]
	}
	_, err := w.Write(append(b, 0x1A)) // the end of the file
	return err
}

func (t *table) appendHead(b []byte, now time.Time) []byte {
	const dBaseIII = 3
	b = append(b, dBaseIII, byte(now.Year()-1900), byte(now.Month()), byte(now.Day()))
	b = binary.LittleEndian.AppendUint32(b, uint32(t.rows))
	b = binary.LittleEndian.AppendUint16(b, uint16(t.headBytes()))
	b = binary.LittleEndian.AppendUint16(b, uint16(t.rowBytes()))
	b = append(b, make([]byte, 20)...)
	for i := range t.fields {
		kind, width, decimals := t.columns[i].form(&t.fields[i])
		var name [11]byte
		copy(name[:], t.fields[i].name)
		b = append(append(b, name[:]...), kind, 0, 0, 0, 0, byte(width), byte(decimals))
		b = append(b, make([]byte, 14)...)
	}
	return append(b, '\r')
}

// appendValue fills up with spaces: before numbers, after text. Null is nothing else.
func (t *table) appendValue(b []byte, i int, value []byte) []byte {
	kind, width, _ := t.columns[i].form(&t.fields[i])
	if kind != 'N' {
		b = append(b, value...)
	}
	for range width - len(value) {
		b = append(b, ' ')
	}
	if kind == 'N' {
		b = append(b, value...)
	}
	return b
}

// putValue and takeValue keep values in a temporary file.
func putValue(w *bufio.Writer, s string) error {
	if err := w.WriteByte(byte(len(s))); err != nil { // mostTextBytes fits
		return err
	}
	_, err := w.WriteString(s)
	return err
}

func takeValue(r *bufio.Reader, into []byte) ([]byte, error) {
	n, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	into = append(into[:0], make([]byte, n)...)
	_, err = io.ReadFull(r, into)
	return into, err
}
