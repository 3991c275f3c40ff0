package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"onemap/internal/geojson"
	"onemap/layers"
)

// decoder turns the GeoJSON that somebody sent into edits and collects what is
// wrong with it, by JSON path.
type decoder struct {
	violations []layers.Violation
}

// enough stops a decoder, as it does the core's check of edits.
const enough = 100

func (d *decoder) add(field, value, reason, remedy string) {
	d.violations = append(d.violations, layers.Violation{Field: field, Value: shorten(value), Reason: reason, Remedy: remedy})
}

// addErr adds a parser's violations; at is the path of what it parsed, as
// "features[3]", or "" for the whole body.
func (d *decoder) addErr(at string, err error) {
	var e *layers.Error
	if !errors.As(err, &e) || len(e.Violations) == 0 {
		d.add(under(at, "$"), "", err.Error(), "")
		return
	}
	for _, v := range e.Violations {
		v.Field = under(at, v.Field)
		d.violations = append(d.violations, v)
	}
}

// under puts a path below another; "$" is the document itself.
func under(at, field string) string {
	switch {
	case at == "":
		return field
	case field == "$":
		return at
	}
	return at + "." + field
}

func (d *decoder) err() error {
	if len(d.violations) == 0 {
		return nil
	}
	return invalid("the body can't be used", d.violations...)
}

// edit reads one Feature.
func (d *decoder) edit(op layers.Op, at string, raw []byte) layers.Edit {
	f, err := geojson.ParseFeature(raw)
	if err != nil {
		d.addErr(at, err)
		return layers.Edit{Op: op}
	}
	if !f.HasGeometry {
		// On a replacement a forgotten member would erase the place.
		d.add(under(at, "geometry"), "", "missing", "a GeoJSON geometry, or null for a feature without a place")
	}
	return layers.Edit{Op: op, ID: f.ID, Geometry: f.Geometry, Properties: f.Properties}
}

// collection reads the features of a FeatureCollection; each may be there once.
func (d *decoder) collection(features []json.RawMessage) []layers.Edit {
	edits := make([]layers.Edit, 0, len(features))
	seen := make(map[string]int, len(features))
	for i, raw := range features {
		at := fmt.Sprintf("features[%d]", i)
		edit := d.edit(layers.Put, at, raw)
		if before, twice := seen[edit.ID]; twice && edit.ID != "" {
			d.add(at+".id", edit.ID, fmt.Sprintf("the same as features[%d].id", before), "send each feature once")
		}
		seen[edit.ID] = i
		edits = append(edits, edit)
		if len(d.violations) >= enough {
			break
		}
	}
	return edits
}

// sameCRS lists the names of coordinate systems whose longitude and latitude
// agree with CRS84 for display (WGS 84 and CGCS2000, within decimetres).
var sameCRS = []string{"CRS84", "CRS84h", "EPSG::4326", "EPSG:4326", "EPSG::4490", "EPSG:4490"}

// checkCRS refuses the coordinate systems of GeoJSON before RFC 7946 that would
// put the data somewhere else.
func (d *decoder) checkCRS(body []byte) {
	var doc struct {
		CRS *struct {
			Properties struct {
				Name string `json:"name"`
			} `json:"properties"`
		} `json:"crs"`
	}
	_ = json.Unmarshal(body, &doc) // what is broken is reported where it is parsed
	if doc.CRS == nil {
		return
	}
	name := doc.CRS.Properties.Name
	if !slices.ContainsFunc(sameCRS, func(ok string) bool { return strings.HasSuffix(name, ok) }) {
		d.add("crs", name, "another coordinate system than CRS84", "convert it, e.g. with ogr2ogr -t_srs EPSG:4326, and leave the member out")
	}
}

// withoutBOM drops the byte order mark that Windows programs put first.
func withoutBOM(body []byte) []byte {
	return bytes.TrimPrefix(body, []byte("\uFEFF"))
}
