package geojson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

// Feature is a GeoJSON Feature as somebody sent it, not yet checked against a
// schema.
type Feature struct {
	ID          string // "" if none was sent; a number becomes its text
	Geometry    geom.T // nil for null
	HasGeometry bool   // the member "geometry" was there, null or not
	Properties  map[string]any
	// HasProperties: the member "properties" was there, null or not.
	HasProperties bool
}

// maxDepth bounds how deep arrays and objects may be nested in what others
// send. Coordinates need four levels; nobody's property needs sixty-four.
const maxDepth = 64

// ParseFeature reads one GeoJSON Feature. Numbers among the properties stay
// json.Number, so that the schema decides what they become. Errors are
// layers.Error with the JSON path of what is wrong.
func ParseFeature(raw []byte) (Feature, error) {
	return parseFeature(raw, true)
}

// ParsePatch reads a merge patch of a Feature (RFC 7396): like ParseFeature, but
// no member is required, and a null property is kept as nil.
func ParsePatch(raw []byte) (Feature, error) {
	return parseFeature(raw, false)
}

func parseFeature(raw []byte, whole bool) (Feature, error) {
	members, err := object(raw, "")
	if err != nil {
		return Feature{}, err
	}
	if kind, sent := members["type"]; sent || whole {
		if string(kind) != `"Feature"` {
			return Feature{}, invalid("type", kind, "not a Feature", `send "type": "Feature"`)
		}
	}
	var f Feature
	if id, sent := members["id"]; sent {
		if f.ID, err = parseID(id); err != nil {
			return Feature{}, err
		}
	}
	geometry, sent := members["geometry"]
	if f.HasGeometry = sent; sent {
		if f.Geometry, err = parseGeometry(geometry, "geometry", 0); err != nil {
			return Feature{}, err
		}
	}
	properties, sent := members["properties"]
	if f.HasProperties = sent; sent {
		if f.Properties, err = parseProperties(properties); err != nil {
			return Feature{}, err
		}
	}
	return f, nil
}

// parseID takes a string or a number (RFC 7946, 3.2); null is none.
func parseID(raw json.RawMessage) (string, error) {
	switch c := raw[0]; {
	case c == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case c == '-' || c >= '0' && c <= '9':
		return string(raw), nil
	case c == 'n':
		return "", nil
	}
	return "", invalid("id", raw, "neither a string nor a number", "send a string")
}

func parseProperties(raw json.RawMessage) (map[string]any, error) {
	if raw[0] == 'n' {
		return nil, nil
	}
	if raw[0] != '{' {
		return nil, invalid("properties", raw, "not an object", "send an object or null")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var properties map[string]any
	if err := d.Decode(&properties); err != nil {
		return nil, invalid("properties", raw, err.Error(), "send an object or null")
	}
	return properties, nil
}

// object splits a JSON object into its members. Names are compared exactly,
// which encoding/json's structs would not do.
func object(raw []byte, path string) (map[string]json.RawMessage, error) {
	if depth(raw) > maxDepth {
		return nil, invalid(path, nil, "nested too deep", fmt.Sprintf("at most %d levels", maxDepth))
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, invalid(path, nil, fmt.Sprintf("not JSON: %v at byte %d", syntax, syntax.Offset), "send one JSON object")
		}
		return nil, invalid(path, raw, "not an object", "send one JSON object")
	}
	if members == nil {
		return nil, invalid(path, raw, "not an object", "send one JSON object")
	}
	return members, nil
}

// depth returns how deep arrays and objects are nested. It does not check the
// syntax; on broken JSON the answer means nothing and does no harm.
func depth(raw []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// ParseCollection splits a FeatureCollection into its features, for
// ParseFeature. A single Feature is a collection of one; ok says which it was.
func ParseCollection(raw []byte) (features []json.RawMessage, ok bool, err error) {
	members, err := object(raw, "")
	if err != nil {
		return nil, false, err
	}
	switch kind := members["type"]; string(kind) {
	case `"Feature"`:
		return []json.RawMessage{raw}, false, nil
	case `"FeatureCollection"`:
	default:
		return nil, false, invalid("type", kind, "neither a Feature nor a FeatureCollection", `send "type": "Feature" or "FeatureCollection"`)
	}
	list, sent := members["features"]
	if !sent {
		return nil, false, invalid("features", nil, "missing", "send an array of features")
	}
	if list[0] != '[' {
		return nil, false, invalid("features", list, "not an array", "send an array of features")
	}
	d := json.NewDecoder(bytes.NewReader(list))
	if _, err := d.Token(); err != nil {
		return nil, false, invalid("features", list, err.Error(), "send an array of features")
	}
	for d.More() {
		var f json.RawMessage
		if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
			return nil, false, invalid(fmt.Sprintf("features[%d]", len(features)), nil, err.Error(), "send a Feature")
		}
		features = append(features, f)
	}
	return features, true, nil
}

// invalid is the error for one wrong member.
func invalid(path string, value []byte, reason, remedy string) error {
	const most = 80 // bytes of what was sent that go back to the sender
	if len(value) > most {
		value = slices.Concat(value[:most], []byte("…"))
	}
	if path == "" {
		path = "$" // the document itself, as in JSONPath
	}
	return &layers.Error{Code: layers.Invalid, Message: "not valid GeoJSON", Violations: []layers.Violation{{
		Field: path, Value: string(bytes.ToValidUTF8(value, nil)), Reason: reason, Remedy: remedy}}}
}
