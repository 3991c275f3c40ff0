package api

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"

	"onemap/internal/geojson"
	"onemap/layers"
)

// patchTries is how often a patch that had to read first is tried again when
// somebody else was faster.
const patchTries = 5

// patch changes what a JSON merge patch (RFC 7396) names: null clears. A
// geometry is replaced as a whole.
func (a *api) patch(w http.ResponseWriter, r *http.Request) error {
	e, err := a.writable(r)
	if err != nil {
		return err
	}
	pre, err := preconditionOf(r)
	if err != nil {
		return err
	}
	body, err := a.readBody(w, r, mediaPatch)
	if err != nil {
		return err
	}
	id := pathParam(r, "feature")
	edit, err := decodePatch(body, id)
	if err != nil {
		return err
	}
	if pre.mustNot {
		return layers.Errorf(layers.Precondition, "a patch needs a feature that exists")
	}
	rc, err := a.applyPatch(r, e, pre, edit)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", featureTag(rc.Cursor.Epoch, rc.Results[0].Version, e.Schema))
	return writeReceipt(w, http.StatusOK, rc)
}

func decodePatch(body []byte, id string) (layers.Edit, error) {
	d := &decoder{}
	f, err := geojson.ParsePatch(body)
	if err != nil {
		d.addErr("", err)
		return layers.Edit{}, d.err()
	}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(body, &members) // the parser has seen that it is an object
	for _, name := range sortedKeys(members) {
		switch name {
		case "type", "geometry", "properties":
		case "onemap", "links", "bbox": // what we wrote, sent back
		case "id":
			if f.ID != id {
				d.add("id", f.ID, "can't be changed", "leave it out, or send the id in the path")
			}
		default:
			d.add(name, string(members[name]), "not a member of a feature", "attributes belong into properties")
		}
	}
	if f.HasProperties && f.Properties == nil {
		d.add("properties", "null", "would clear every attribute", "name the attributes to clear, each with null")
	}
	return layers.Edit{Op: layers.Patch, ID: id, Geometry: f.Geometry, KeepGeometry: !f.HasGeometry, Properties: f.Properties}, d.err()
}

// applyPatch merges nested objects with those of the feature as it is, and
// tries again if it has changed in between.
func (a *api) applyPatch(r *http.Request, e layers.Entry, pre precondition, edit layers.Edit) (layers.Receipt, error) {
	if !nested(edit.Properties, e.Schema) {
		return a.applyIf(r, e, pre, edit)
	}
	for try := 1; ; try++ {
		f, err := a.current(r, e, pre, edit.ID)
		if err != nil {
			return layers.Receipt{}, err
		}
		merged := edit
		merged.Properties = mergeProperties(f, edit.Properties, e.Schema)
		merged.IfVersion = f.Version
		rc, err := a.apply(r, e, "", merged)
		if err == nil || layers.CodeOf(err) != layers.Precondition || len(pre.match) > 0 || try == patchTries {
			return rc, err
		}
	}
}

// nested reports whether the patch names an object inside an attribute.
func nested(patch map[string]any, s layers.Schema) bool {
	for name, v := range patch {
		if isNested(name, v, s) {
			return true
		}
	}
	return false
}

func isNested(name string, v any, s layers.Schema) bool {
	a, ok := s.Attribute(name)
	_, object := v.(map[string]any)
	return ok && object && a.Type == layers.JSON
}

func mergeProperties(f *layers.Feature, patch map[string]any, s layers.Schema) map[string]any {
	merged := maps.Clone(patch)
	for name, v := range patch {
		if !isNested(name, v, s) {
			continue
		}
		var old any
		if raw, isJSON := f.Properties[name].(json.RawMessage); isJSON {
			dec := json.NewDecoder(bytes.NewReader(raw))
			dec.UseNumber()
			_ = dec.Decode(&old) // what is no JSON is replaced
		}
		merged[name] = mergePatch(old, v)
	}
	return merged
}

// mergePatch is the algorithm of RFC 7396, section 2.
func mergePatch(target, patch any) any {
	change, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	old, _ := target.(map[string]any)
	merged := maps.Clone(old)
	if merged == nil {
		merged = map[string]any{}
	}
	for name, v := range change {
		if v == nil {
			delete(merged, name)
		} else {
			merged[name] = mergePatch(merged[name], v)
		}
	}
	return merged
}
