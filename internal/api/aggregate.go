package api

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"

	"onemap/layers"
)

var offerGroupsCSV = offer{name: "csv", media: "text/csv; charset=utf-8", title: "CSV"}

// aggregate groups a layer's features and computes functions of each group.
func (a *api) aggregate(w http.ResponseWriter, r *http.Request) error {
	ctx, reader := r.Context(), a.reader(r)
	head, err := a.Store.Head(ctx) // before the reading: at worst the tag is older than the answer
	if err != nil {
		return err
	}
	e, err := reader.Layer(ctx, pathParam(r, "layer"))
	if err != nil {
		return err
	}
	p := newParams(r)
	chosen := p.negotiate(r, offerJSON, offerGeoJSON, offerGroupsCSV)
	q := layers.AggregateQuery{Layer: e.ID, GroupBy: p.list("groupby"), Functions: p.list("agg")}
	asked := q // with the key of areas, which is ours
	order := p.groupOrder(&q)
	limit := p.limit(layers.MaxGroups, layers.MaxGroups)
	joined, err := p.within(ctx, reader)
	if err != nil {
		return err
	}
	s := p.selection(e.Layer, joined)
	q.Selection = s.Selection
	if s.east != nil {
		p.add("bbox", p.values.Get("bbox"), "crosses the antimeridian", "count its two parts one by one")
	}
	areas, err := p.areas(ctx, reader, &q)
	if err != nil {
		return err
	}
	grouping := p.grouping(&q, e.Schema)
	if err := p.err(); err != nil {
		return err
	}
	if notModified(w, r, headTag(head, a.view(r), chosen, r.URL.RawQuery)) {
		return nil
	}
	var buckets []layers.Bucket
	if areas != nil {
		buckets, err = areas.aggregate(ctx, reader, e.Layer, q, s)
		grouping.Keys = slices.Insert(grouping.Keys, areas.key, layers.GroupKey{Text: areas.text})
	} else {
		buckets, err = reader.Aggregate(ctx, q)
	}
	if err != nil {
		return err
	}
	t := newGroupTable(&asked, grouping, buckets)
	t.areas = areas
	t.sort(order)
	t.cut(limit)
	if chosen.name != offerJSON.name {
		if err := t.locate(ctx, reader); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", chosen.media)
	switch chosen.name {
	case offerGeoJSON.name:
		return t.writeGeoJSON(w)
	case offerGroupsCSV.name:
		return t.writeCSV(w)
	}
	return t.writeJSON(w)
}

// headTag is the tag of an answer that may change with every change of data or
// definitions. It is weak: the last digits of a sum, or a time stamp, may not come again.
func headTag(c layers.Cursor, v layers.View, chosen offer, query string) string {
	h := fnv.New64a()
	fmt.Fprint(h, v.Name(), "\n", chosen.name, "\n", query)
	return fmt.Sprintf(`W/"%s-%d-%x"`, c.Epoch, c.Position, h.Sum64())
}

// list reads a parameter of several values with commas between them; those in
// parentheses are a value's own.
func (p *params) list(name string) []string {
	v, sent := p.one(name)
	if !sent || v == "" {
		return nil
	}
	depth := 0
	parts := strings.FieldsFunc(v, func(c rune) bool {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		return c == ',' && depth == 0
	})
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], " ", "")
	}
	return parts
}

// grouping checks what the groups and functions ask of the layer.
func (p *params) grouping(q *layers.AggregateQuery, s layers.Schema) *layers.Grouping {
	g, err := q.Grouping(s)
	var e *layers.Error
	if errors.As(err, &e) {
		p.violations = append(p.violations, e.Violations...)
		return nil
	}
	for _, k := range g.Keys {
		if k.Attribute.Type == layers.JSON {
			p.add("groupby", k.Text, "JSON is not grouped by", "one of "+strings.Join(s.Sortable(), ", "))
		}
	}
	return g
}

// groupOrder is a column to sort groups by.
type groupOrder struct {
	column     string
	descending bool
}

// groupOrder reads sortby: keys and functions as they were asked for, with "-" in front
// for descending.
func (p *params) groupOrder(q *layers.AggregateQuery) []groupOrder {
	columns := groupColumns(q)
	var order []groupOrder
	for _, by := range p.list("sortby") {
		name, descending := strings.CutPrefix(strings.TrimPrefix(by, "+"), "-")
		if !slices.Contains(columns, name) {
			p.add("sortby", by, "not a key or a function of this request", "one of "+strings.Join(columns, ", ")+"; -name for descending")
		}
		order = append(order, groupOrder{name, descending})
	}
	return order
}

// groupColumns are the names of what is known of a group: its keys, how many features,
// and the functions.
func groupColumns(q *layers.AggregateQuery) []string {
	columns := slices.Clone(q.GroupBy)
	if !slices.Contains(q.Functions, string(layers.Count)) {
		columns = append(columns, string(layers.Count))
	}
	return append(columns, q.Functions...)
}
