package tiles

import (
	"net/url"
	"slices"
	"strings"

	"onemap/layers"
)

// Variant is what tiles show of their layers; the zero Variant is everything.
// Variants are cached under their own keys and forgotten by the same rule.
//
// What else chooses features, as filters will, becomes a field here too; see during.
type Variant struct {
	some       bool
	properties []string // sorted, each once
	time       *layers.Interval
}

// During returns the variant with those features alone whose time is in the interval,
// and with all of layers that have no time.
func (v Variant) During(i layers.Interval) Variant {
	v.time = &i
	return v
}

// Properties is the variant that shows these attributes only, and the features' ids.
func Properties(names ...string) Variant {
	names = slices.Clone(names)
	slices.Sort(names)
	return Variant{some: true, properties: slices.Compact(names)}
}

// check refuses attributes that none of the layers has.
func (v Variant) check(seen []*layers.Layer) error {
	var wrong []layers.Violation
	for _, name := range v.properties {
		if !slices.ContainsFunc(seen, func(l *layers.Layer) bool { _, has := l.Schema.Attribute(name); return has }) {
			wrong = append(wrong, layers.Violation{Field: "properties", Value: name, Reason: "no such attribute", Remedy: "attributes of the layers, with commas between them"})
		}
	}
	if len(wrong) > 0 {
		return &layers.Error{Code: layers.Invalid, Message: "the layers have no such attributes", Violations: wrong}
	}
	return nil
}

// class names what is cached of a layer: what the view may see of it, and of that
// what the variant shows.
func (v Variant) class(view layers.View, l *layers.Layer) string {
	class := view.Class(l)
	if w, some := v.during(l.Schema); some {
		class += "?datetime=" + w.String()
	}
	if !v.some {
		return class
	}
	var names []string
	for _, name := range v.properties {
		if _, has := l.Schema.Attribute(name); has {
			names = append(names, url.QueryEscape(name))
		}
	}
	return class + "?properties=" + strings.Join(names, "+")
}

func (v Variant) hides(name string) bool {
	_, shown := slices.BinarySearch(v.properties, name)
	return v.some && !shown
}

// of returns the layer with the attributes that the variant shows.
func (v Variant) of(l *layers.Layer) *layers.Layer {
	if !v.some {
		return l
	}
	out := *l
	out.Schema = slices.DeleteFunc(slices.Clone(l.Schema), func(a layers.Attribute) bool { return v.hides(a.Name) })
	return &out
}
