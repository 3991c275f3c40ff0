package layers

import (
	"fmt"
	"maps"
	"slices"
)

// MaxIDLength bounds a feature id, in bytes.
const MaxIDLength = 255

// CheckEdits checks edits against the layer and returns them with every
// property as the Go value of its type. All violations are reported together
// (the first hundred). Stores call it before they write.
func (l *Layer) CheckEdits(edits []Edit) ([]Edit, error) {
	var vs violations
	checked := make([]Edit, len(edits))
	for i, e := range edits {
		checked[i] = l.checkEdit(fmt.Sprintf("edits[%d].", i), e, &vs)
		if len(vs) >= 100 {
			break
		}
	}
	return checked, vs.err("the edit does not fit layer " + l.ID)
}

func (l *Layer) checkEdit(at string, e Edit, vs *violations) Edit {
	switch {
	case e.ID == "" && e.Op != Create && e.Op != Put:
		vs.add(at+"id", "", "missing", "name the feature")
	case len(e.ID) > MaxIDLength:
		vs.add(at+"id", e.ID, "too long", fmt.Sprintf("at most %d bytes", MaxIDLength))
	default:
		if reason, remedy := checkText(e.ID); reason != "" {
			vs.add(at+"id", e.ID, reason, remedy)
		}
	}
	if e.Op == Delete {
		return e
	}
	if !(e.Op == Patch && e.KeepGeometry) {
		if reason, remedy := checkGeometry(l.Geometry, e.Geometry); reason != "" {
			vs.add(at+"geometry", "", reason, remedy)
		}
	}
	props := make(map[string]any, len(e.Properties))
	for _, name := range slices.Sorted(maps.Keys(e.Properties)) {
		a, ok := l.Schema.Attribute(name)
		if !ok {
			vs.add(at+"properties."+name, "", "unknown attribute", "the layer's schema lists the attributes")
			continue
		}
		v, err := a.Coerce(e.Properties[name])
		if err != nil {
			vs.add(at+"properties."+name, shown(e.Properties[name]), err.Error(), "send a "+string(a.Type))
			continue
		}
		if reason, remedy := a.check(v); reason != "" {
			vs.add(at+"properties."+name, fmt.Sprint(v), reason, remedy)
		}
		if v != nil || e.Op == Patch {
			props[name] = v
		}
	}
	if e.Op != Patch {
		for _, a := range l.Schema {
			if _, sent := e.Properties[a.Name]; a.Required && !sent {
				vs.add(at+"properties."+a.Name, "", "missing", "a value is required")
			}
		}
	}
	e.Properties = props
	return e
}
