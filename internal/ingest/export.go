package ingest

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"onemap/internal/geojson"
	"onemap/layers"
)

// Notices that no export goes without.
const (
	syntheticNotice = "演示数据，非真实情况"
	schematicNotice = "本图界线仅为示意，不作为国界和行政区域界线依据"
)

// Formats are the names of the formats that Export writes.
var Formats = []string{"geojson", "ndjson", "csv"}

// Export writes a layer, as far as the reader sees it, and returns how many
// features it wrote. The order is the store's own.
func Export(ctx context.Context, w io.Writer, format string, reader layers.Reader, layer string, now time.Time) (int64, error) {
	entry, err := reader.Layer(ctx, layer)
	if err != nil {
		return 0, err
	}
	b := bufio.NewWriterSize(w, 1<<20)
	var out writer
	switch format {
	case "geojson":
		out = &collectionWriter{w: b, entry: entry, now: now}
	case "ndjson":
		out = &lineWriter{w: b, entry: entry}
	case "csv":
		out = &csvWriter{w: b, csv: csv.NewWriter(b), entry: entry}
	default:
		return 0, layers.Errorf(layers.Invalid, "unknown format %q", format)
	}
	if err := out.begin(); err != nil {
		return 0, err
	}
	n := int64(0)
	for f, err := range reader.Scan(ctx, layer, layers.Range{}) {
		if err != nil {
			return n, err
		}
		if err := out.feature(f); err != nil {
			return n, err
		}
		n++
	}
	if err := out.end(); err != nil {
		return n, err
	}
	return n, b.Flush()
}

// writer writes one layer in one format.
type writer interface {
	begin() error
	feature(*layers.Feature) error
	end() error
}

// notice is what an export of the layer has to say about itself, or "".
func notice(l *layers.Layer) string {
	switch {
	case l.Synthetic && l.Schematic:
		return syntheticNotice + "；" + schematicNotice
	case l.Synthetic:
		return syntheticNotice
	case l.Schematic:
		return schematicNotice
	}
	return ""
}

// collectionWriter writes a FeatureCollection. What the layer is, and as of when,
// stands in front.
type collectionWriter struct {
	w     *bufio.Writer
	entry layers.Entry
	now   time.Time
	buf   []byte
	some  bool
}

func (c *collectionWriter) begin() error {
	l := c.entry.Layer
	head := struct {
		Layer      string      `json:"layer"`
		Title      layers.Text `json:"title"`
		Department layers.Text `json:"department"`
		Exported   time.Time   `json:"exported"`
		AsOf       time.Time   `json:"asOf,omitzero"` // newest data
		Notice     string      `json:"notice,omitempty"`
	}{l.ID, l.Title, l.Department.Name, c.now.UTC().Truncate(time.Second), c.entry.Status.Updated, notice(l)}
	raw, err := json.Marshal(head)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.w, `{"type":"FeatureCollection","onemap":%s,"features":[`, raw)
	return err
}

func (c *collectionWriter) feature(f *layers.Feature) error {
	c.buf = c.buf[:0]
	if c.some {
		c.buf = append(c.buf, ',')
	}
	c.some = true
	c.buf = append(c.buf, '\n')
	c.buf = geojson.AppendFeature(c.buf, c.entry.Schema, f)
	_, err := c.w.Write(c.buf)
	return err
}

func (c *collectionWriter) end() error {
	_, err := c.w.WriteString("\n]}\n")
	return err
}

// lineWriter writes a feature a line. There is no head, so each feature carries
// the notice.
type lineWriter struct {
	w     *bufio.Writer
	entry layers.Entry
	buf   []byte
}

func (l *lineWriter) begin() error { return nil }

func (l *lineWriter) feature(f *layers.Feature) error {
	l.buf = geojson.AppendFeature(l.buf[:0], l.entry.Schema, f)
	if n := notice(l.entry.Layer); n != "" {
		l.buf = append(l.buf[:len(l.buf)-1], `,"notice":`...)
		l.buf = append(geojson.AppendString(l.buf, n), '}')
	}
	l.buf = append(l.buf, '\n')
	_, err := l.w.Write(l.buf)
	return err
}

func (l *lineWriter) end() error { return nil }
