package formats

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"onemap/internal/geojson"
	"onemap/layers"
)

// The forms of GeoJSON.
var (
	// Collection is a FeatureCollection (RFC 7946).
	Collection = Format{Name: "geojson", Media: "application/geo+json", Suffix: ".geojson", Title: "GeoJSON",
		open: func(_ context.Context, w *bufio.Writer, o Options) (Writer, error) {
			return &collectionWriter{w: w, o: o}, nil
		}}
	// Sequence is a GeoJSON text sequence (RFC 8142).
	Sequence = Format{Name: "geojsonseq", Media: "application/geo+json-seq", Suffix: ".geojsons", Title: "GeoJSON text sequence",
		open: func(_ context.Context, w *bufio.Writer, o Options) (Writer, error) {
			return newLineWriter(w, o, "\x1e"), nil
		}}
	// Lines are features, one a line.
	Lines = Format{Name: "ndjson", Media: "application/x-ndjson", Suffix: ".ndjson", Title: "GeoJSON, a feature a line",
		open: func(_ context.Context, w *bufio.Writer, o Options) (Writer, error) {
			return newLineWriter(w, o, ""), nil
		}}
)

// collectionWriter writes a FeatureCollection. What the layer is, and as of when,
// stands in front.
type collectionWriter struct {
	w    *bufio.Writer
	o    Options
	buf  []byte
	some bool
}

func (c *collectionWriter) Begin() error {
	l := c.o.Layer
	head := struct {
		Layer      string      `json:"layer"`
		Title      layers.Text `json:"title"`
		Department layers.Text `json:"department"`
		Exported   time.Time   `json:"exported"`
		AsOf       time.Time   `json:"asOf,omitzero"` // newest data
		Notice     string      `json:"notice,omitempty"`
	}{l.ID, l.Title, l.Department.Name, c.o.Now.UTC().Truncate(time.Second), c.o.Updated, Notice(l)}
	raw, err := json.Marshal(head)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.w, `{"type":"FeatureCollection","onemap":%s,"features":[`, raw)
	return err
}

func (c *collectionWriter) Feature(f *layers.Feature) error {
	c.buf = c.buf[:0]
	if c.some {
		c.buf = append(c.buf, ',')
	}
	c.some = true
	c.buf = append(c.buf, '\n')
	c.buf = geojson.AppendFeature(c.buf, c.o.Layer.Schema, f)
	_, err := c.w.Write(c.buf)
	return err
}

func (c *collectionWriter) End() error {
	_, err := c.w.WriteString("\n]}\n")
	return err
}

func (c *collectionWriter) Close() error { return nil }

// lineWriter writes a feature a line. There is no head, so each feature carries
// the notice.
type lineWriter struct {
	w      *bufio.Writer
	schema layers.Schema
	before string // each feature
	after  []byte // each feature's last member
	buf    []byte
}

func newLineWriter(w *bufio.Writer, o Options, before string) *lineWriter {
	l := &lineWriter{w: w, schema: o.Layer.Schema, before: before}
	if n := Notice(o.Layer); n != "" {
		l.after = geojson.AppendString([]byte(`,"notice":`), n)
	}
	l.after = append(l.after, "}\n"...)
	return l
}

func (l *lineWriter) Begin() error { return nil }

func (l *lineWriter) Feature(f *layers.Feature) error {
	l.buf = geojson.AppendFeature(append(l.buf[:0], l.before...), l.schema, f)
	l.buf = append(l.buf[:len(l.buf)-1], l.after...) // in place of the closing brace
	_, err := l.w.Write(l.buf)
	return err
}

func (l *lineWriter) End() error   { return nil }
func (l *lineWriter) Close() error { return nil }
