package api

import (
	"net/http"
	"strings"

	"onemap/layers"
)

// group is one group of an aggregate; its key has the attribute's type.
type group struct {
	Key   any   `json:"key"`
	Count int64 `json:"count"`
}

// aggregate counts a layer's features by an attribute or by division.
func (a *api) aggregate(w http.ResponseWriter, r *http.Request) error {
	ctx, reader := r.Context(), a.reader(r)
	e, err := reader.Layer(ctx, pathParam(r, "layer"))
	if err != nil {
		return err
	}
	p := newParams(r)
	p.negotiate(r, offerJSON)
	q := layers.AggregateQuery{Layer: e.ID}
	if by := p.groupBy(e.Schema); by != "" {
		q.GroupBy = []string{by}
	}
	s := p.selection(e.Layer)
	q.Selection = s.Selection
	if s.east != nil {
		p.add("bbox", p.values.Get("bbox"), "crosses the antimeridian", "count its two parts one by one")
	}
	if err := p.err(); err != nil {
		return err
	}
	buckets, err := reader.Aggregate(ctx, q)
	if err != nil {
		return err
	}
	groups := make([]group, len(buckets))
	for i, b := range buckets {
		groups[i] = group{Count: b.Count}
		if len(b.Keys) > 0 {
			groups[i].Key = b.Keys[0]
		}
	}
	return writeJSON(w, http.StatusOK, struct {
		Layer   string  `json:"layer"`
		GroupBy string  `json:"groupby,omitempty"`
		Groups  []group `json:"groups"`
	}{e.ID, strings.Join(q.GroupBy, ","), groups})
}

func (p *params) groupBy(s layers.Schema) string {
	v, sent := p.one("groupby")
	if !sent {
		return ""
	}
	if level, ok := strings.CutPrefix(v, "division:"); ok {
		_, has := s.ByRole(layers.RoleDivision)
		if len(level) == 1 && level >= "1" && level <= "4" && has {
			return v
		}
	} else if a, ok := s.Attribute(v); ok && a.Type != layers.JSON {
		return v
	}
	p.add("groupby", v, "not something to group by", "one of "+sortable(s)+", or division:1 to division:4 if the layer has divisions")
	return ""
}
