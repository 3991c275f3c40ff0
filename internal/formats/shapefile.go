package formats

import (
	"archive/zip"
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"onemap/internal/geojson"
	"onemap/layers"
)

// Shapefile is a zip archive of a Shapefile in UTF-8, or of several where a layer
// has shapes of several types. A text beside them says what their fields mean, which
// have ten bytes for a name.
var Shapefile = shapefiles(1<<31 - 1)

// shapefiles is the format with files of so many bytes at most. Their lengths and
// offsets have 31 bits, and most programs go no further.
func shapefiles(limit int64) Format {
	return Format{Name: "shp", Media: "application/zip", Suffix: ".zip", Title: "Shapefile",
		open: func(_ context.Context, w *bufio.Writer, o Options) (Writer, error) {
			fields, err := fieldsOf(o.Layer)
			return &shapefileWriter{w: w, o: o, limit: limit, fields: fields, notice: Notice(o.Layer)}, err
		}}
}

// wgs84 is the coordinate system as a .prj has it.
const wgs84 = `GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]`

// shapefileWriter keeps shapes and values in temporary files: how wide a column is,
// and how long a file, stands at a file's start.
type shapefileWriter struct {
	w      *bufio.Writer
	o      Options
	limit  int64
	fields []field
	notice string
	dir    string
	parts  []*part
	buf    []byte
}

// part is one Shapefile in the making.
type part struct {
	kind   int
	table  table
	shapes *scratch // records of the .shp
	index  *scratch // records of the .shx
	values *scratch
	ext    extents
}

const shapeHead = 100 // bytes

func (s *shapefileWriter) Begin() (err error) {
	s.dir, err = os.MkdirTemp("", "onemap-shp-")
	return err
}

func (s *shapefileWriter) part(kind int) (*part, error) {
	for _, p := range s.parts {
		if p.kind == kind {
			return p, nil
		}
	}
	p := &part{kind: kind, table: table{fields: s.fields, columns: make([]column, len(s.fields))}, ext: none}
	s.parts = append(s.parts, p)
	for _, file := range []**scratch{&p.shapes, &p.index, &p.values} {
		var err error
		if *file, err = newScratch(s.dir); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (s *shapefileWriter) Feature(f *layers.Feature) error {
	shape, err := shapeOf(f.Geometry)
	if err != nil {
		return fmt.Errorf("feature %s: %w", f.ID, err)
	}
	p, err := s.part(shape.kind)
	if err != nil {
		return err
	}
	e := shape.extents()
	for i := range p.ext {
		p.ext[i].join(e[i])
	}
	s.buf = shape.append(s.buf[:0], e)
	if err := s.record(p, s.buf); err != nil {
		return err
	}
	for i := range s.fields {
		if err := putValue(p.values.w, p.table.columns[i].note(&s.fields[i], s.value(i, f))); err != nil {
			return err
		}
	}
	return nil
}

func (s *shapefileWriter) value(i int, f *layers.Feature) string {
	switch {
	case i == 0:
		return f.ID
	case i <= len(s.o.Layer.Schema):
		return s.fields[i].value(f.Properties[s.fields[i].attribute])
	}
	return s.notice
}

// record adds a shape to the .shp and its place to the .shx.
func (s *shapefileWriter) record(p *part, content []byte) error {
	at := shapeHead + p.shapes.bytes
	p.table.rows++
	var head [8]byte
	binary.BigEndian.PutUint32(head[:], uint32(p.table.rows))
	binary.BigEndian.PutUint32(head[4:], uint32(len(content)/2))
	if at+int64(len(head)+len(content)) > s.limit {
		return s.tooLarge()
	}
	if err := errors.Join(p.shapes.write(head[:]), p.shapes.write(content)); err != nil {
		return err
	}
	binary.BigEndian.PutUint32(head[:], uint32(at/2))
	return p.index.write(head[:])
}

func (s *shapefileWriter) tooLarge() error {
	return layers.Errorf(layers.Invalid, "the Shapefile would be larger than %d bytes, which is the most that the format can hold; ask for GeoPackage, or choose fewer features", s.limit)
}

func (s *shapefileWriter) End() error {
	if err := s.placeless(); err != nil {
		return err
	}
	for _, p := range s.parts { // before anything is sent
		if p.table.bytes() > s.limit {
			return s.tooLarge()
		}
	}
	z := zip.NewWriter(s.w)
	for _, p := range s.parts {
		if err := s.writePart(z, p); err != nil {
			return err
		}
	}
	if err := s.add(z, s.o.Layer.ID+".fields.txt", func(w io.Writer) error { return s.describe(w) }); err != nil {
		return err
	}
	return z.Close()
}

// placeless puts the features without a place where others are, as null shapes of
// which any Shapefile may have some. A file of nothing else gets the layer's type.
func (s *shapefileWriter) placeless() error {
	i := slices.IndexFunc(s.parts, func(p *part) bool { return p.kind == shapeNull })
	if i < 0 && len(s.parts) > 0 {
		return nil
	}
	if len(s.parts) <= 1 {
		p, err := s.part(shapeNull)
		if err == nil {
			p.kind = shapeTypeOf(s.o.Layer.Geometry)
		}
		return err
	}
	from, to := s.parts[i], s.parts[(i+1)%len(s.parts)]
	for range from.table.rows {
		if err := s.record(to, appendInt(s.buf[:0], shapeNull)); err != nil {
			return err
		}
	}
	for i := range to.table.columns {
		a, b := &to.table.columns[i], from.table.columns[i]
		a.width, a.decimals, a.cut = max(a.width, b.width), max(a.decimals, b.decimals), a.cut+b.cut
	}
	values, err := from.values.read()
	if err != nil {
		return err
	}
	if _, err := io.Copy(to.values.w, values); err != nil {
		return err
	}
	s.parts = slices.Delete(s.parts, i, i+1)
	return from.free()
}

// name is the part's file name without a suffix.
func (s *shapefileWriter) name(p *part) string {
	if len(s.parts) == 1 {
		return s.o.Layer.ID
	}
	name := s.o.Layer.ID + map[int]string{shapePoint: "_point", shapeLine: "_line", shapePolygon: "_polygon", shapeMultiPoint: "_multipoint"}[p.kind%10]
	switch p.kind / 10 {
	case withHeights / 10:
		name += "_z"
	case withMeasures / 10:
		name += "_m"
	}
	return name
}

func (s *shapefileWriter) writePart(z *zip.Writer, p *part) error {
	name := s.name(p)
	for _, file := range []struct {
		suffix  string
		records *scratch
	}{{".shp", p.shapes}, {".shx", p.index}} {
		err := s.add(z, name+file.suffix, func(w io.Writer) error {
			if _, err := w.Write(appendShapeHeader(nil, p.kind, shapeHead+file.records.bytes, p.ext)); err != nil {
				return err
			}
			records, err := file.records.read()
			if err != nil {
				return err
			}
			_, err = io.Copy(w, records)
			return err
		})
		if err != nil {
			return err
		}
	}
	err := s.add(z, name+".dbf", func(w io.Writer) error {
		values, err := p.values.read()
		if err != nil {
			return err
		}
		return p.table.write(w, values, s.o.Now)
	})
	if err != nil {
		return err
	}
	for _, file := range [][2]string{{".prj", wgs84}, {".cpg", "UTF-8"}} {
		if err := s.add(z, name+file[0], func(w io.Writer) error { _, err := io.WriteString(w, file[1]); return err }); err != nil {
			return err
		}
	}
	return p.free()
}

func (s *shapefileWriter) add(z *zip.Writer, name string, write func(io.Writer) error) error {
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: s.o.Now})
	if err != nil {
		return err
	}
	return write(w)
}

// describe says what the file is and which field is which attribute.
func (s *shapefileWriter) describe(w io.Writer) error {
	l := s.o.Layer
	lines := []string{bom + cmp.Or(l.Title.Zh, l.Title.En)}
	if s.notice != "" {
		lines = append(lines, s.notice)
	}
	if !s.o.Updated.IsZero() {
		lines = append(lines, "数据时间 as of "+geojson.Time(s.o.Updated))
	}
	lines = append(lines, "导出时间 exported "+geojson.Time(s.o.Now.Truncate(time.Second)), "", "字段 field\t信息项 attribute\t名称 title\t类型 type\t说明 remark")
	for i, f := range s.fields {
		cuts := int64(0)
		for _, p := range s.parts {
			cuts += p.table.columns[i].cut
		}
		remark := ""
		if cuts > 0 {
			remark = fmt.Sprintf("%d 个值截断至 values cut to %d bytes", cuts, mostTextBytes)
		}
		lines = append(lines, strings.Join([]string{f.name, f.attribute, f.title, string(f.kind), remark}, "\t"))
	}
	_, err := io.WriteString(w, strings.Join(lines, "\r\n")+"\r\n")
	return err
}

func (s *shapefileWriter) Close() error {
	var err error
	for _, p := range s.parts {
		err = errors.Join(err, p.free())
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

func (p *part) free() error {
	var err error
	for _, file := range []*scratch{p.shapes, p.index, p.values} {
		if file != nil {
			err = errors.Join(err, file.close())
		}
	}
	return err
}

// scratch is a temporary file that is written once, then read once.
type scratch struct {
	file  *os.File
	w     *bufio.Writer
	bytes int64 // that write wrote
}

func newScratch(dir string) (*scratch, error) {
	f, err := os.CreateTemp(dir, "")
	if err != nil {
		return nil, err
	}
	return &scratch{file: f, w: bufio.NewWriterSize(f, 64<<10)}, nil
}

func (s *scratch) write(b []byte) error {
	s.bytes += int64(len(b))
	_, err := s.w.Write(b)
	return err
}

// read returns the whole content.
func (s *scratch) read() (*bufio.Reader, error) {
	if err := s.w.Flush(); err != nil {
		return nil, err
	}
	_, err := s.file.Seek(0, io.SeekStart)
	return bufio.NewReaderSize(s.file, 64<<10), err
}

func (s *scratch) close() error {
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}
