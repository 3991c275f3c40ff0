package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/geojson"
)

// featureRow reads one GeoJSON Feature (RFC 7946, section 3.2). A feature that is
// wrong becomes a row with Err.
func featureRow(number int64, raw json.RawMessage) Row {
	row := Row{Number: number, Raw: func() json.RawMessage { return raw }}
	var f struct {
		Type       string          `json:"type"`
		ID         json.RawMessage `json:"id"`
		Geometry   json.RawMessage `json:"geometry"`
		Properties json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		row.Err = fmt.Errorf("not a GeoJSON feature: %w", err)
		return row
	}
	if f.Type != "Feature" {
		row.Err = fmt.Errorf(`not a GeoJSON feature: its "type" is %q, not "Feature"`, f.Type)
		return row
	}
	if row.ID, row.Err = featureID(f.ID); row.Err != nil {
		return row
	}
	if row.Properties, row.Err = properties(f.Properties); row.Err != nil {
		return row
	}
	row.Geometry, row.Err = geometry(f.Geometry)
	return row
}

func featureID(raw json.RawMessage) (string, error) {
	switch {
	case isNull(raw):
		return "", nil
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return string(raw), nil
	}
	return "", errors.New("the id is neither a string nor a number")
}

func geometry(raw json.RawMessage) (geom.T, error) {
	if isNull(raw) {
		return nil, nil
	}
	var g geom.T
	if err := geojson.Unmarshal(raw, &g); err != nil {
		return nil, fmt.Errorf("the geometry is not GeoJSON: %w", err)
	}
	return place(g)
}

// place makes an empty geometry the null one, which says the same: nowhere. An
// empty part within a collection has no coordinates to tell its dimension and is
// a mistake.
func place(g geom.T) (geom.T, error) {
	if g == nil || g.Empty() {
		return nil, nil
	}
	if c, ok := g.(*geom.GeometryCollection); ok {
		for _, part := range c.Geoms() {
			if kept, err := place(part); err != nil || kept == nil {
				return nil, errors.New("a part of the geometry is empty")
			}
		}
	}
	return g, nil
}

// properties reads a JSON object and keeps the order of its members, which
// becomes the order of the attributes.
func properties(raw json.RawMessage) ([]Property, error) {
	if isNull(raw) {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("the properties are not an object")
	}
	var ps []Property
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("the properties are not JSON: %w", err)
		}
		p := Property{Name: name.(string)} // the decoder lets nothing else stand there
		if err := d.Decode(&p.Value); err != nil {
			return nil, fmt.Errorf("property %q is not JSON: %w", p.Name, err)
		}
		ps = append(ps, p)
	}
	return ps, nil
}

func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || string(raw) == "null"
}
