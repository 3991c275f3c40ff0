package tiles

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"onemap/internal/cql2"
	"onemap/layers"
)

// Variant is what tiles show of their layers; the zero Variant is everything.
// Variants are cached under their own keys and forgotten by the same rule.
type Variant struct {
	some       bool
	properties []string // sorted, each once
	time       *layers.Interval
	filter     *Filter
	where      map[string]*cql2.Filter // what the filter means to each layer; see fit
	coarser    uint8                   // steps by which features merge more coarsely than the layer's plan says
	agg        string                  // AggGrid or AggHeat: what is in each cell, added up; or none
	side       int                     // cells along a tile's side, a power of two
	fine       bool                    // FineExtent
}

// ParseVariant reads what a request's parameters say of its tiles, and what is
// wrong with them.
func ParseVariant(param func(name string) (value string, sent bool)) (Variant, []layers.Violation) {
	v, wrong := parseCells(param)
	if names, sent := param("properties"); sent {
		v = v.with(strings.FieldsFunc(names, func(r rune) bool { return r == ',' }))
	}
	coarse, fine := strconv.Itoa(TileExtent), strconv.Itoa(FineExtent)
	if extent, sent := param("extent"); sent && extent != coarse && extent != fine {
		wrong = append(wrong, layers.Violation{Field: "extent", Value: extent, Reason: "not an extent that tiles come in", Remedy: coarse + " or " + fine})
	} else {
		v.fine = extent == fine
	}
	return v, wrong
}

// During returns the variant with those features alone whose time is in the interval,
// and with all of layers that have no time.
func (v Variant) During(i layers.Interval) Variant {
	v.time = &i
	return v
}

// Filter is what a request says in CQL2 of the features that its tiles are to have.
type Filter struct {
	cql2.Expr
	Query string // the parameters that say so, for URLs
}

// Where returns the variant with those features alone that the filter chooses of each
// layer.
func (v Variant) Where(f Filter) Variant {
	v.filter = &f
	return v
}

// Properties is the variant that shows these attributes only, and the features' ids.
func Properties(names ...string) Variant { return Variant{}.with(slices.Clone(names)) }

func (v Variant) with(names []string) Variant {
	slices.Sort(names)
	v.some, v.properties = true, slices.Compact(names)
	return v
}

// fit returns the variant as it is of these layers. It refuses attributes that none of
// them has, and a filter that does not suit all.
func (v Variant) fit(seen []*layers.Layer) (Variant, error) {
	var wrong []layers.Violation
	for _, name := range v.properties {
		if !slices.ContainsFunc(seen, func(l *layers.Layer) bool { _, has := l.Schema.Attribute(name); return has }) {
			wrong = append(wrong, layers.Violation{Field: "properties", Value: name, Reason: "no such attribute", Remedy: "attributes of the layers, with commas between them"})
		}
	}
	if len(wrong) > 0 {
		return v, &layers.Error{Code: layers.Invalid, Message: "the layers have no such attributes", Violations: wrong}
	}
	if v.filter == nil {
		return v, nil
	}
	v.where = make(map[string]*cql2.Filter, len(seen))
	for _, l := range seen {
		where, err := l.Filter(v.filter.Expr)
		if err != nil {
			return v, err
		}
		v.where[l.ID] = where
	}
	return v, nil
}

// class names what is cached of a layer: what the view may see of it, and of that
// what the variant shows.
func (v Variant) class(view layers.View, l *layers.Layer) string {
	v.properties = slices.DeleteFunc(slices.Clone(v.properties), func(name string) bool { _, has := l.Schema.Attribute(name); return !has })
	chosen := v.choice(l.ID, l.Schema)
	v.time, v.filter = chosen.time, nil
	class := view.Class(l)
	if query := v.String(); query != "" {
		class += "?" + query
	}
	if chosen.where != nil {
		class += "&filter=" + url.QueryEscape(chosen.where.String())
	}
	if v.coarser > 0 {
		class += "#" + strconv.Itoa(int(v.coarser))
	}
	return class
}

// String is the query of the variant's URLs, the same text for the same variant:
// empty for everything.
func (v Variant) String() string {
	var parts []string
	if v.some {
		parts = append(parts, "properties="+url.QueryEscape(strings.Join(v.properties, ",")))
	}
	if v.time != nil {
		from, to := v.time.Ends(layers.DateTime)
		parts = append(parts, "datetime="+cmp.Or(from, "..")+"/"+cmp.Or(to, ".."))
	}
	if v.filter != nil {
		parts = append(parts, v.filter.Query)
	}
	if v.agg != "" {
		parts = append(parts, "agg="+v.agg, "cell="+strconv.Itoa(v.side))
	}
	if v.fine {
		parts = append(parts, "extent="+strconv.Itoa(FineExtent))
	}
	return strings.Join(parts, "&")
}

// extent is the width and height of the variant's tiles in their own units.
func (v Variant) extent() int64 {
	if v.fine {
		return FineExtent
	}
	return TileExtent
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
