package live

import (
	"slices"
	"strings"

	"onemap/layers"
)

// properties are the attributes that a subscription's features are to have; nil: all.
type properties struct {
	names []string
	key   string // the same for the same names
}

func newProperties(names []string) *properties {
	if names == nil {
		return nil
	}
	names = slices.Clone(names)
	slices.Sort(names)
	names = slices.Compact(names)
	return &properties{names, strings.Join(names, ",")}
}

// of returns what of a schema is shown.
func (p *properties) of(s layers.Schema) layers.Schema {
	if p == nil {
		return s
	}
	return slices.DeleteFunc(slices.Clone(s), func(a layers.Attribute) bool { return !slices.Contains(p.names, a.Name) })
}

// fits reports, as an error, a name that is no attribute of the layer.
func (p *properties) fits(l *layers.Layer) error {
	if p == nil {
		return nil
	}
	for _, name := range p.names {
		if _, ok := l.Schema.Attribute(name); !ok {
			var all []string
			for _, a := range l.Schema {
				all = append(all, a.Name)
			}
			return layers.Unfit("properties", name, "there is no attribute "+shorten(name), "some of "+strings.Join(all, ", "))
		}
	}
	return nil
}

// class names what a session of a class of views gets of a feature: the same bytes for
// the same name.
func (p *properties) class(of string) string {
	if p == nil {
		return of
	}
	return of + "?" + p.key
}
