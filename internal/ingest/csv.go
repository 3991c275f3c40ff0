package ingest

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"

	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkt"
	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"

	"onemap/internal/formats"
	"onemap/layers"
)

// Usual names of a column with the geometry, as layers.PlainName returns them.
var wktNames = []string{"wkt", "geometry", "geom", "the_geom", "shape", "几何", "空间数据"}

// csvFile is a CSV file whose header was understood. Values are text, an empty
// one is null.
type csvFile struct {
	path     string
	encoding encoding.Encoding // nil is UTF-8
	comma    rune
	header   []string
	lon, lat int // indices of columns; -1 if there is none
	wkt      int
}

func openCSV(path string, c Columns) (*Set, error) {
	enc, name, err := textEncoding(path)
	if err != nil {
		return nil, err
	}
	f := &csvFile{path: path, encoding: enc, lon: -1, lat: -1, wkt: -1}
	if err := f.readHeader(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := f.findGeometry(c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	set := &Set{Name: baseName(path), Text: true, Rows: f.rows}
	if name != "" {
		set.Note = "read as " + name
	}
	return set, nil
}

func (f *csvFile) open() (io.Reader, func() error, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, nil, err
	}
	if f.encoding != nil {
		return skipBOM(transform.NewReader(file, f.encoding.NewDecoder())), file.Close, nil
	}
	return skipBOM(file), file.Close, nil
}

func (f *csvFile) readHeader() error {
	r, done, err := f.open()
	if err != nil {
		return err
	}
	defer done()
	head := make([]byte, 1<<16)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	line, _, _ := bytes.Cut(head[:n], []byte("\n"))
	f.comma = ','
	for _, c := range []rune{';', '\t'} {
		if bytes.Count(line, []byte(string(c))) > bytes.Count(line, []byte(string(f.comma))) {
			f.comma = c
		}
	}
	cr := f.reader(bytes.NewReader(head[:n]))
	if f.header, err = cr.Read(); err != nil {
		return fmt.Errorf("the header can't be read: %w", err)
	}
	seen := map[string]bool{}
	for i, name := range f.header {
		name = strings.TrimSpace(name)
		if name == "" {
			name = fmt.Sprintf("column_%d", i+1)
		}
		if seen[name] {
			return fmt.Errorf("the header has %q twice; rename one of the columns", name)
		}
		seen[name], f.header[i] = true, name
	}
	return nil
}

func (f *csvFile) reader(r io.Reader) *csv.Reader {
	cr := csv.NewReader(r)
	cr.Comma = f.comma
	cr.FieldsPerRecord = -1 // a row of another length is rejected, not the file
	return cr
}

// findGeometry finds the columns with the geometry: as named, else by usual names.
func (f *csvFile) findGeometry(c Columns) error {
	if c.NoGeometry {
		return nil
	}
	if c.Lon != "" || c.Lat != "" || c.WKT != "" {
		return f.namedGeometry(c)
	}
	find := func(names []string) int {
		for _, n := range names { // the first name is the likeliest
			for i, h := range f.header {
				if layers.PlainName(h) == n {
					return i
				}
			}
		}
		return -1
	}
	f.lon, f.lat = find(formats.LonNames), find(formats.LatNames)
	if f.lon < 0 || f.lat < 0 {
		f.lon, f.lat, f.wkt = -1, -1, find(wktNames)
	}
	if f.lon < 0 && f.wkt < 0 {
		return layers.Errorf(layers.Invalid, "no columns with a place among %s; call them lon and lat (经度, 纬度) or wkt, name them with --lon and --lat or --wkt, or say --no-geometry",
			quoteAll(f.header))
	}
	return nil
}

func (f *csvFile) namedGeometry(c Columns) error {
	for _, want := range []struct {
		name string
		at   *int
	}{{c.Lon, &f.lon}, {c.Lat, &f.lat}, {c.WKT, &f.wkt}} {
		for i, h := range f.header {
			if want.name == h {
				*want.at = i
			}
		}
		if want.name != "" && *want.at < 0 {
			return layers.Errorf(layers.Invalid, "there is no column %q; the header has %s", want.name, quoteAll(f.header))
		}
	}
	if f.wkt < 0 && (f.lon < 0 || f.lat < 0) {
		return layers.Errorf(layers.Invalid, "name both --lon and --lat, or --wkt")
	}
	return nil
}

func (f *csvFile) rows(ctx context.Context) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		r, done, err := f.open()
		if err != nil {
			yield(Row{}, err)
			return
		}
		defer done()
		cr := f.reader(r)
		if _, err := cr.Read(); err != nil {
			yield(Row{}, fmt.Errorf("%s: %w", f.path, err))
			return
		}
		for number := int64(1); ; number++ {
			record, err := cr.Read()
			var broken *csv.ParseError
			switch {
			case errors.Is(err, io.EOF):
				return
			case ctx.Err() != nil:
				yield(Row{}, ctx.Err())
				return
			case err != nil && !errors.As(err, &broken):
				yield(Row{}, fmt.Errorf("%s: %w", f.path, err))
				return
			}
			row := f.row(number, record)
			if broken != nil {
				row.Err = broken
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (f *csvFile) row(number int64, record []string) Row {
	row := Row{Number: number, Raw: func() json.RawMessage { return f.raw(record) }}
	if len(record) != len(f.header) {
		row.Err = fmt.Errorf("%d fields where the header has %d", len(record), len(f.header))
		return row
	}
	row.Properties = make([]Property, 0, len(record))
	for i, value := range record {
		if i == f.lon || i == f.lat || i == f.wkt || f.header[i] == formats.NoticeColumn {
			continue
		}
		p := Property{Name: f.header[i]}
		if value != "" {
			p.Value = value
		}
		row.Properties = append(row.Properties, p)
	}
	switch {
	case f.wkt >= 0:
		row.Geometry, row.Err = parseWKT(record[f.wkt])
	case f.lon >= 0:
		row.Geometry, row.Err = point(record[f.lon], record[f.lat])
	}
	return row
}

func (f *csvFile) raw(record []string) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, value := range record {
		name := fmt.Sprintf("column_%d", i+1)
		if i < len(f.header) {
			name = f.header[i]
		}
		if i > 0 {
			b.WriteByte(',')
		}
		k, _ := json.Marshal(name)
		v, _ := json.Marshal(value)
		b.Write(k)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// point reads longitude and latitude in decimal degrees. Two empty values are no
// place; one is a mistake.
func point(lon, lat string) (geom.T, error) {
	lon, lat = strings.TrimSpace(lon), strings.TrimSpace(lat)
	if lon == "" && lat == "" {
		return nil, nil
	}
	x, errX := strconv.ParseFloat(lon, 64)
	y, errY := strconv.ParseFloat(lat, 64)
	if errX != nil || errY != nil {
		return nil, fmt.Errorf("(%q, %q) is not longitude and latitude in decimal degrees", lon, lat)
	}
	return geom.NewPointFlat(geom.XY, []float64{x, y}), nil
}

// parseWKT reads WKT, also with the SRID that PostGIS puts before it.
func parseWKT(s string) (geom.T, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, nil
	}
	if srid, rest, ok := strings.Cut(s, ";"); ok {
		switch strings.ToUpper(strings.ReplaceAll(srid, " ", "")) {
		case "SRID=4326", "SRID=4490":
			s = rest
		default:
			return nil, fmt.Errorf("%s is not longitude and latitude; convert it to EPSG:4326", srid)
		}
	}
	g, err := wkt.Unmarshal(s)
	if err != nil {
		return nil, fmt.Errorf("not WKT: %w", err)
	}
	return place(g)
}
