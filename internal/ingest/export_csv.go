package ingest

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkt"

	"onemap/internal/geojson"
	"onemap/layers"
)

// csvWriter writes a table that a spreadsheet opens: with a byte order mark, else
// Excel takes Chinese for GBK. Layers of points have lon and lat, others wkt.
type csvWriter struct {
	w      *bufio.Writer
	csv    *csv.Writer
	entry  layers.Entry
	record []string
	points bool
}

func (c *csvWriter) begin() error {
	if _, err := c.w.WriteString(bom); err != nil {
		return err
	}
	// A layer that has an attribute of such a name keeps it, and gets WKT.
	c.points = c.entry.Geometry == layers.Point && !slices.ContainsFunc(c.entry.Schema, func(a layers.Attribute) bool {
		return slices.Contains(lonNames, layers.PlainName(a.Name)) || slices.Contains(latNames, layers.PlainName(a.Name))
	})
	header := []string{"id"}
	for _, a := range c.entry.Schema {
		header = append(header, a.Name)
	}
	if c.points {
		header = append(header, "lon", "lat")
	} else {
		header = append(header, "wkt")
	}
	if notice(c.entry.Layer) != "" {
		header = append(header, noticeColumn)
	}
	return c.csv.Write(header)
}

func (c *csvWriter) feature(f *layers.Feature) error {
	c.record = append(c.record[:0], f.ID)
	for _, a := range c.entry.Schema {
		c.record = append(c.record, text(f.Properties[a.Name]))
	}
	if err := c.geometry(f); err != nil {
		return err
	}
	if n := notice(c.entry.Layer); n != "" {
		c.record = append(c.record, n)
	}
	return c.csv.Write(c.record)
}

func (c *csvWriter) geometry(f *layers.Feature) error {
	switch g := f.Geometry.(type) {
	case nil:
		c.record = append(c.record, "")
		if c.points {
			c.record = append(c.record, "")
		}
		return nil
	case *geom.Point:
		if !c.points {
			break
		}
		if g.Layout() != geom.XY {
			return layers.Errorf(layers.Invalid, "feature %s has a height, which lon and lat can't hold; export GeoJSON or GeoPackage", f.ID)
		}
		if g.Empty() {
			c.record = append(c.record, "", "")
			return nil
		}
		c.record = append(c.record, text(g.X()), text(g.Y()))
		return nil
	}
	s, err := wkt.Marshal(f.Geometry)
	if err != nil {
		return fmt.Errorf("feature %s: %w", f.ID, err)
	}
	c.record = append(c.record, s)
	return nil
}

func (c *csvWriter) end() error {
	c.csv.Flush()
	return c.csv.Error()
}

// text is a value as CSV has it; null is empty.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		return geojson.Time(v)
	case json.RawMessage:
		return string(v)
	}
	return fmt.Sprint(v)
}
