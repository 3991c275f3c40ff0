package formats

import (
	"bufio"
	"context"
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

// Places is how a table has places.
type Places string

// The ways in which a table has places.
const (
	PlacesAuto   Places = ""       // lon and lat for layers of points, else WKT
	PlacesLonLat Places = "lonlat" // points only
	PlacesWKT    Places = "wkt"
)

// CSV is a table that a spreadsheet opens: with a byte order mark, else Excel takes
// Chinese for GBK.
var CSV = Format{Name: "csv", Media: "text/csv", Suffix: ".csv", Title: "CSV",
	open: func(_ context.Context, w *bufio.Writer, o Options) (Writer, error) {
		points, err := o.lonLat()
		return &csvWriter{w: w, csv: csv.NewWriter(w), layer: o.Layer, points: points, notice: Notice(o.Layer)}, err
	}}

// NoticeColumn is a column of CSV that is no data itself.
const NoticeColumn = "onemap_notice"

// Names by which readers know columns with longitude and latitude, as
// layers.PlainName returns them.
var (
	LonNames = []string{"lon", "lng", "long", "longitude", "经度", "东经", "x"}
	LatNames = []string{"lat", "latitude", "纬度", "北纬", "y"}
)

// CheckCSV says why the layer can't have its places written as CSV is to have them.
func (o *Options) CheckCSV() error {
	_, err := o.lonLat()
	return err
}

// lonLat reports whether places are in lon and lat.
func (o *Options) lonLat() (bool, error) {
	// A layer that has an attribute of such a name keeps it, and gets WKT.
	taken := slices.ContainsFunc(o.Layer.Schema, func(a layers.Attribute) bool {
		return slices.Contains(LonNames, layers.PlainName(a.Name)) || slices.Contains(LatNames, layers.PlainName(a.Name))
	})
	switch {
	case o.CSV != PlacesLonLat:
		return o.CSV == PlacesAuto && o.Layer.Geometry == layers.Point && !taken, nil
	case o.Layer.Geometry != layers.Point:
		return false, layers.Errorf(layers.Invalid, "layer %s is not one of points, which lon and lat are for; ask for wkt", o.Layer.ID)
	case taken:
		return false, layers.Errorf(layers.Invalid, "layer %s has an attribute that would be taken for lon or lat; ask for wkt", o.Layer.ID)
	}
	return true, nil
}

// bom is the byte order mark in UTF-8.
const bom = "\uFEFF"

type csvWriter struct {
	w      *bufio.Writer
	csv    *csv.Writer
	layer  *layers.Layer
	notice string
	record []string
	points bool
}

func (c *csvWriter) Begin() error {
	if _, err := c.w.WriteString(bom); err != nil {
		return err
	}
	header := []string{"id"}
	for _, a := range c.layer.Schema {
		header = append(header, a.Name)
	}
	if c.points {
		header = append(header, "lon", "lat")
	} else {
		header = append(header, "wkt")
	}
	if c.notice != "" {
		header = append(header, NoticeColumn)
	}
	return c.csv.Write(header)
}

func (c *csvWriter) Feature(f *layers.Feature) error {
	c.record = append(c.record[:0], f.ID)
	for _, a := range c.layer.Schema {
		c.record = append(c.record, text(f.Properties[a.Name]))
	}
	if err := c.geometry(f); err != nil {
		return err
	}
	if c.notice != "" {
		c.record = append(c.record, c.notice)
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
			return layers.Errorf(layers.Invalid, "feature %s has a height, which lon and lat can't hold; ask for wkt, GeoJSON or GeoPackage", f.ID)
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

func (c *csvWriter) End() error {
	c.csv.Flush()
	return c.csv.Error()
}

func (c *csvWriter) Close() error { return nil }

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
