package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"onemap/layers"
)

const (
	searchLimit = 10
	searchMost  = 100
	// candidates is how many matches of a layer are ranked: the store returns
	// them in no order that people would choose.
	candidates = 50
)

// result is a place or a thing that was found.
type result struct {
	Layer      string      `json:"layer"`
	LayerTitle layers.Text `json:"layerTitle"`
	ID         string      `json:"id"`
	Title      string      `json:"title"`
	TitleEn    string      `json:"titleEn,omitempty"`
	Division   string      `json:"division,omitempty"`
	Center     [2]float64  `json:"center"`
	BBox       [4]float64  `json:"bbox"`

	label          bool // on the base map
	quality, order int
}

// search finds features by name in every layer that has names: divisions first,
// then townships and the gazetteer, then the departments' layers in turn, so
// that none floods the answer. What has no place can't be flown to and is left out.
func (a *api) search(w http.ResponseWriter, r *http.Request) error {
	p := newParams(r)
	p.negotiate(r, offerJSON)
	text, _ := p.one("q")
	text = strings.TrimSpace(text)
	limit := p.limit(searchLimit, searchMost)
	switch n := utf8.RuneCountInString(text); {
	case n == 0:
		p.add("q", "", "missing", "part of a name")
	case n > maxText || !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		p.add("q", text, "not text that can be searched for", "at most 200 characters of UTF-8")
	}
	if err := p.err(); err != nil {
		return err
	}
	ctx, reader := r.Context(), a.reader(r)
	entries, _, err := reader.Layers(ctx)
	if err != nil {
		return err
	}
	results := []result{}
	type place struct{ division, title string }
	places := map[place]bool{} // a division's label is the division again
	for _, tier := range tiers(entries) {
		if len(results) >= limit {
			break
		}
		found, err := askEach(ctx, tier, func(ctx context.Context, e layers.Entry) ([]result, error) {
			return find(ctx, reader, e, text, limit)
		})
		if err != nil {
			return err
		}
		all := slices.DeleteFunc(slices.Concat(found...), func(r result) bool { return r.label && places[place{r.Division, r.Title}] })
		for _, r := range all {
			places[place{r.Division, r.Title}] = true
		}
		slices.SortStableFunc(all, func(x, y result) int {
			return cmp.Or(x.quality-y.quality, x.order-y.order)
		})
		results = append(results, all[:min(len(all), limit-len(results))]...)
	}
	return writeJSON(w, http.StatusOK, map[string]any{"results": results})
}

// tiers groups the layers that have names in the order in which their features
// are shown.
func tiers(entries []layers.Entry) [][]layers.Entry {
	t := make([][]layers.Entry, 4)
	for _, e := range entries {
		if _, ok := e.Schema.ByRole(layers.RoleName); !ok {
			continue
		}
		n := 3
		switch e.Display.Base {
		case baseDivision:
			n = 0
		case baseTownship:
			n = 1
		case baseLabel:
			n = 2
		}
		t[n] = append(t[n], e)
	}
	return t
}

func find(ctx context.Context, reader layers.Reader, e layers.Entry, text string, limit int) ([]result, error) {
	page, err := reader.Query(ctx, layers.Query{Layer: e.ID, Limit: max(limit, candidates), Selection: layers.Selection{Text: text}})
	if err != nil {
		return nil, err
	}
	var found []result
	for _, f := range page.Features {
		bound, ok := layers.BoundOf(f.Geometry)
		if !ok {
			continue
		}
		center := bound.Center()
		res := result{
			Layer: e.ID, LayerTitle: e.Title, ID: f.ID, Title: f.Name(e.Schema), label: e.Display.Base == baseLabel,
			TitleEn: textOf(f, e.Schema, layers.RoleNameEn), Division: textOf(f, e.Schema, layers.RoleDivision),
			Center: center, BBox: [4]float64{bound.Min[0], bound.Min[1], bound.Max[0], bound.Max[1]},
		}
		res.quality = quality(text, res.Title, res.TitleEn, res.ID)
		found = append(found, res)
	}
	slices.SortStableFunc(found, func(x, y result) int {
		larger := 0
		if e.Display.Base == baseDivision { // a city before its counties
			larger = layers.DivisionLevel(x.Division) - layers.DivisionLevel(y.Division)
		}
		return cmp.Or(x.quality-y.quality, larger, utf8.RuneCountInString(x.Title)-utf8.RuneCountInString(y.Title))
	})
	for i := range found {
		found[i].order = i
	}
	return found, nil
}

// quality is 0 if a name is the text, 1 if one starts with it, else 2.
func quality(text string, names ...string) int {
	best := 2
	for _, name := range names {
		switch {
		case strings.EqualFold(name, text):
			return 0
		case len(name) >= len(text) && strings.EqualFold(name[:len(text)], text):
			best = 1
		}
	}
	return best
}

func textOf(f *layers.Feature, s layers.Schema, role layers.Role) string {
	a, ok := s.ByRole(role)
	if !ok {
		return ""
	}
	v, _ := f.Properties[a.Name].(string)
	return v
}
