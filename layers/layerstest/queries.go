package layerstest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"

	"onemap/layers"
)

var queryCases = []testCase{
	{"ASelectionSelects", selection},
	{"ASortedQueryPagesThroughEverythingOnce", sortedPages},
	{"PagesStayInStepWhileFeaturesChange", pagesUnderEdits},
	{"ACursorBelongsToItsQuery", cursors},
	{"AnImpossibleQueryIsRefused", impossible},
	{"AnAggregateCountsByGroup", aggregate},
	{"AScanStreamsWhatIsInTheBox", scan},
}

func box(w, s, e, n float64) *orb.Bound {
	return &orb.Bound{Min: orb.Point{w, s}, Max: orb.Point{e, n}}
}

// Places are a layer and features that SelectionCases ask for.
func Places() (*layers.Layer, []layers.Edit) {
	l := layer("places", layers.AnyGeometry,
		attr("name", layers.String, layers.RoleName), attr("name_en", layers.String, layers.RoleNameEn), attr("division", layers.String, layers.RoleDivision),
		attr("seen", layers.DateTime, layers.RoleTime), attr("rank", layers.Integer), attr("open", layers.Boolean), attr("level", layers.Number), attr("since", layers.DateType))
	at := placesSeen
	line := geom.NewLineStringFlat(geom.XY, []float64{107, 21, 111, 25})
	return l, []layers.Edit{
		put("nanning", pt(108.3, 22.8), map[string]any{"name": "南宁市", "name_en": "Nanning", "division": "450100", "seen": at, "rank": 1, "open": true, "level": 1.5, "since": "2020-01-01"}),
		put("qingxiu", pt(108.5, 22.79), map[string]any{"name": "青秀区", "name_en": "Qingxiu", "division": "450103", "seen": at.Add(time.Hour), "rank": 2, "open": true}),
		put("town", pt(108.51, 22.78), map[string]any{"name": "示例_镇100%", "division": "450103001", "seen": at.Add(2 * time.Hour), "rank": 3, "open": false}),
		put("guilin", pt(110.3, 25.3), map[string]any{"name": "桂林市", "name_en": "Guilin", "division": "450300", "rank": 2, "level": 1.5}),
		put("nowhere", nil, map[string]any{"name": "没有位置", "division": "450000"}),
		put("river", line, map[string]any{"name": "示例河", "name_en": "nanning river"}),
	}
}

var placesSeen = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)

func places(t *testing.T, s layers.Store) {
	l, edits := Places()
	define(t, s, l)
	apply(t, s, l.ID, edits...)
}

// SelectionCase is a selection of the Places and the ids of what it means.
type SelectionCase struct {
	Name      string
	Selection layers.Selection
	Want      []string
}

// SelectionCases are selections with what they mean, in every store and in memory.
func SelectionCases() []SelectionCase {
	at := placesSeen
	return []SelectionCase{
		{"all", layers.Selection{}, []string{"nanning", "qingxiu", "town", "guilin", "nowhere", "river"}},
		{"box", layers.Selection{BBox: box(108.2, 22.7, 108.6, 22.9)}, []string{"nanning", "qingxiu", "town", "river"}},
		{"box edges count", layers.Selection{BBox: box(108.3, 22.8, 108.3, 22.8)}, []string{"nanning", "river"}},
		{"box just beside", layers.Selection{BBox: box(108.3000001, 22.8, 108.4, 22.9)}, []string{"river"}},
		{"bounds, not shape", layers.Selection{BBox: box(107, 24.9, 107.1, 25)}, []string{"river"}},
		{"empty box", layers.Selection{BBox: box(100, 10, 101, 11)}, nil},
		{"region", layers.Selection{Division: "450000"}, []string{"nanning", "qingxiu", "town", "guilin", "nowhere"}},
		{"city", layers.Selection{Division: "450100"}, []string{"nanning", "qingxiu", "town"}},
		{"county", layers.Selection{Division: "450103"}, []string{"qingxiu", "town"}},
		{"township", layers.Selection{Division: "450103001"}, []string{"town"}},
		{"text zh", layers.Selection{Text: "市"}, []string{"nanning", "guilin"}},
		{"text en, any case", layers.Selection{Text: "NANNING"}, []string{"nanning", "river"}},
		{"text in the id", layers.Selection{Text: "qingx"}, []string{"qingxiu"}},
		{"percent is a letter", layers.Selection{Text: "%"}, []string{"town"}},
		{"underscore is a letter", layers.Selection{Text: "例_镇"}, []string{"town"}},
		{"backslash is a letter", layers.Selection{Text: `\`}, nil},
		{"quote is a letter", layers.Selection{Text: `'`}, nil},
		{"from", layers.Selection{Time: &layers.Interval{Start: at.Add(time.Hour)}}, []string{"qingxiu", "town"}},
		{"until", layers.Selection{Time: &layers.Interval{End: at}}, []string{"nanning"}},
		{"at", layers.Selection{Time: &layers.Interval{Start: at, End: at}}, []string{"nanning"}},
		{"integer", layers.Selection{Filters: []layers.Filter{{Attribute: "rank", Value: int64(2)}}}, []string{"qingxiu", "guilin"}},
		{"number", layers.Selection{Filters: []layers.Filter{{Attribute: "level", Value: 1.5}}}, []string{"nanning", "guilin"}},
		{"boolean", layers.Selection{Filters: []layers.Filter{{Attribute: "open", Value: false}}}, []string{"town"}},
		{"date", layers.Selection{Filters: []layers.Filter{{Attribute: "since", Value: layers.Date("2020-01-01")}}}, []string{"nanning"}},
		{"time", layers.Selection{Filters: []layers.Filter{{Attribute: "seen", Value: at}}}, []string{"nanning"}},
		{"null", layers.Selection{Filters: []layers.Filter{{Attribute: "rank"}}}, []string{"nowhere", "river"}},
		{"all together", layers.Selection{BBox: box(108, 22, 109, 23), Division: "450100", Text: "qing", Filters: []layers.Filter{{Attribute: "rank", Value: int64(2)}, {Attribute: "open", Value: true}}}, []string{"qingxiu"}},
	}
}

func selection(t *testing.T, s layers.Store) {
	places(t, s)
	for _, c := range SelectionCases() {
		page, err := s.As(layers.Public).Query(t.Context(), layers.Query{Layer: "places", Selection: c.Selection, Limit: 100, Count: true})
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if got := ids(page.Features); !slices.Equal(got, c.Want) || page.Matched != int64(len(c.Want)) || page.Next != "" {
			t.Errorf("%s: got %v, %d matched, next %q; want %v", c.Name, got, page.Matched, page.Next, c.Want)
		}
		var scanned []string
		for f, err := range s.As(layers.Public).Scan(t.Context(), "places", layers.Range{Selection: c.Selection}) {
			if err != nil {
				t.Fatalf("%s: scan: %v", c.Name, err)
			}
			scanned = append(scanned, f.ID)
		}
		if slices.Sort(scanned); !slices.Equal(scanned, slices.Sorted(slices.Values(c.Want))) {
			t.Errorf("%s: scanned %v", c.Name, scanned)
		}
		buckets, err := s.As(layers.Public).Aggregate(t.Context(), layers.AggregateQuery{Layer: "places", Selection: c.Selection})
		if err != nil || len(buckets) != 1 || buckets[0].Count != int64(len(c.Want)) || len(buckets[0].Keys) != 0 {
			t.Errorf("%s: aggregate %v, %v", c.Name, buckets, err)
		}
	}
	// A date is a day in Beijing, which begins when it is still the day before in UTC.
	define(t, s, layer("permits", layers.Point, attr("day", layers.DateType, layers.RoleTime)))
	apply(t, s, "permits", put("june30", nil, map[string]any{"day": "2026-06-30"}), put("july1", nil, map[string]any{"day": "2026-07-01"}), put("july2", nil, map[string]any{"day": "2026-07-02"}))
	day := time.Date(2026, 7, 1, 0, 0, 0, 0, layers.Beijing)
	july1, err := s.As(layers.Public).Query(t.Context(), layers.Query{Layer: "permits", Limit: 9, Selection: layers.Selection{Time: &layers.Interval{Start: day, End: day.Add(24*time.Hour - time.Millisecond)}}})
	if got := ids(july1.Features); err != nil || !slices.Equal(got, []string{"july1"}) {
		t.Errorf("a day: got %v, %v", got, err)
	}
	page, err := s.As(layers.Public).Query(t.Context(), layers.Query{Layer: "places", Limit: 1, SkipGeometry: true})
	if err != nil || page.Features[0].Geometry != nil || page.Matched != -1 || page.Position != head(t, s).Position {
		t.Errorf("a page without geometry and count: %+v, %v", page, err)
	}
}

func sortedPages(t *testing.T, s layers.Store) {
	define(t, s, layer("l", layers.Point, attr("s", layers.String), attr("i", layers.Integer), attr("n", layers.Number), attr("b", layers.Boolean), attr("d", layers.DateType), attr("t", layers.DateTime)))
	chance := seeded(t)
	var edits []layers.Edit
	for i := range 97 {
		props := map[string]any{}
		if chance.IntN(4) > 0 {
			props = map[string]any{"s": string(rune('甲' + chance.IntN(9))), "i": chance.Int64N(9) - 4 + (1 << 60), "n": chance.NormFloat64() / 3, "b": chance.IntN(2) == 0,
				"d": layers.Date(fmt.Sprintf("2026-01-%02d", 1+chance.IntN(9))), "t": time.UnixMilli(chance.Int64N(5) * 1000).UTC()}
			maps.DeleteFunc(props, func(string, any) bool { return chance.IntN(6) == 0 })
		}
		edits = append(edits, put(fmt.Sprintf("f%02d", i), nil, props))
	}
	apply(t, s, "l", edits...)
	pages := func(sort string, limit int) []*layers.Feature {
		var all []*layers.Feature
		for after := ""; ; {
			page, err := s.As(layers.Owner).Query(t.Context(), layers.Query{Layer: "l", Sort: sort, Limit: limit, After: after})
			if err != nil {
				t.Fatalf("sort %q: %v", sort, err)
			}
			if len(page.Features) > limit || len(page.Features) < limit && page.Next != "" {
				t.Fatalf("%d features on a page of %d", len(page.Features), limit)
			}
			all = append(all, page.Features...)
			if after = page.Next; after == "" {
				return all
			}
		}
	}
	for _, sort := range []string{"", "s", "-s", "i", "-i", "n", "-n", "b", "-b", "d", "-d", "t", "-t", "s,-i", "-b,d,-s", "b,-d,t,-n", "-s,-t"} {
		all := pages(sort, 10)
		same(t, "sort "+sort+" in pages", ids(all), ids(pages(sort, 1000)))
		seen := map[string]bool{}
		for i, f := range all {
			if seen[f.ID] {
				t.Errorf("sort %q: %s comes twice", sort, f.ID)
			}
			seen[f.ID] = true
			if i == 0 {
				continue
			}
			p := all[i-1]
			c := 0
			for _, key := range strings.Split(sort, ",") {
				c = cmp.Or(c, compare(key, p, f))
			}
			if c > 0 || c == 0 && p.Num >= f.Num {
				t.Errorf("sort %q: %v (%d) comes before %v (%d)", sort, p.Properties, p.Num, f.Properties, f.Num)
			}
		}
		if len(seen) != 97 {
			t.Errorf("sort %q: %d of 97 features", sort, len(seen))
		}
	}
}

// compare orders two features by a key of a sort.
func compare(sort string, a, b *layers.Feature) int {
	name, sign := sort, 1
	if sort != "" && sort[0] == '-' {
		name, sign = sort[1:], -1
	}
	x, y := a.Properties[name], b.Properties[name]
	c := 0
	if x == nil || y == nil {
		x, y = x != nil, y != nil // null is the least
	}
	switch x := x.(type) {
	case string:
		c = cmp.Compare(x, y.(string))
	case layers.Date:
		c = cmp.Compare(x, y.(layers.Date))
	case int64:
		c = cmp.Compare(x, y.(int64))
	case float64:
		c = cmp.Compare(x, y.(float64))
	case time.Time:
		c = x.Compare(y.(time.Time))
	case bool:
		if x != y.(bool) {
			c = 1
			if !x {
				c = -1
			}
		}
	}
	return sign * c
}

func pagesUnderEdits(t *testing.T, s layers.Store) {
	define(t, s, layer("l", layers.Point, attr("n", layers.Integer)))
	var edits []layers.Edit
	for i := range 100 {
		edits = append(edits, put(fmt.Sprintf("f%02d", i), nil, map[string]any{"n": i % 7}))
	}
	apply(t, s, "l", edits...)
	for _, sort := range []string{"", "n", "-n"} {
		seen := map[string]int{}
		q := layers.Query{Layer: "l", Sort: sort, Limit: 9}
		for i := 0; ; i++ {
			page, err := s.As(layers.Owner).Query(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range page.Features {
				seen[f.ID]++
			}
			if q.After = page.Next; q.After == "" {
				break
			}
			last := page.Features[len(page.Features)-1].ID
			extra := fmt.Sprint("extra", sort, i)
			apply(t, s, "l", remove(last), put(extra, nil, map[string]any{"n": i % 7}))
			apply(t, s, "l", remove(extra), put(last, nil, map[string]any{"n": int(page.Features[0].Properties["n"].(int64))}))
			apply(t, s, "l", remove(last))
			apply(t, s, "l", put("again"+last, nil, map[string]any{"n": 3}), remove("again"+last))
		}
		for id, n := range seen {
			if n > 1 {
				t.Errorf("sort %q: %s came %d times", sort, id, n)
			}
		}
		for _, e := range edits { // what was not touched came
			if _, _, err := s.As(layers.Owner).Feature(t.Context(), "l", e.ID); err == nil && seen[e.ID] != 1 {
				t.Errorf("sort %q: %s came %d times", sort, e.ID, seen[e.ID])
			}
		}
	}
}

func cursors(t *testing.T, s layers.Store) {
	places(t, s)
	q := layers.Query{Layer: "places", Limit: 1, Selection: layers.Selection{Division: "450000"}}
	page, err := s.As(layers.Owner).Query(t.Context(), q)
	if err != nil || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	other := q
	other.Division, other.After = "450100", page.Next
	for _, bad := range []layers.Query{other, {Layer: "places", Limit: 1, Sort: "name", After: page.Next}, {Layer: "places", Limit: 1, After: "nonsense"}, {Layer: "places", Limit: 1, After: page.Next + "x"}} {
		if _, err := s.As(layers.Owner).Query(t.Context(), bad); layers.CodeOf(err) != layers.Invalid || err == nil {
			t.Errorf("a foreign cursor: %v", err)
		}
	}
	q.After, q.Limit = page.Next, 100 // another page size is the same query
	if page, err = s.As(layers.Owner).Query(t.Context(), q); err != nil || len(page.Features) != 4 {
		t.Errorf("%+v, %v", page, err)
	}
}

func impossible(t *testing.T, s layers.Store) {
	places(t, s)
	for name, q := range map[string]layers.Query{
		"limit 0": {Layer: "places"}, "limit": {Layer: "places", Limit: layers.MaxLimit + 1}, "sort": {Layer: "places", Limit: 1, Sort: "nothing"},
		"filter":   {Layer: "places", Limit: 1, Selection: layers.Selection{Filters: []layers.Filter{{Attribute: "nothing", Value: "x"}}}},
		"division": {Layer: "places", Limit: 1, Selection: layers.Selection{Division: "x"}},
	} {
		if _, err := s.As(layers.Owner).Query(t.Context(), q); err == nil || layers.CodeOf(err) != layers.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, by := range []string{"nothing", "division:0", "division:5", "division:x", "division:12", "month:rank", "hour:since", "month:nothing", "grid:0", "hex:x", "grid:NaN", "moon:since", ""} {
		if _, err := s.As(layers.Owner).Aggregate(t.Context(), layers.AggregateQuery{Layer: "places", GroupBy: []string{by}}); err == nil || layers.CodeOf(err) != layers.Invalid {
			t.Errorf("group by %s: %v", by, err)
		}
	}
	for _, f := range []string{"", "sum", "sum()", "sum(nothing)", "sum(name)", "min(open)", "sum(rank", "count(rank,1)", "quantile(rank)", "quantile(rank,2)", "quantile(rank,NaN)", "median(rank)"} {
		if _, err := s.As(layers.Owner).Aggregate(t.Context(), layers.AggregateQuery{Layer: "places", Functions: []string{f}}); err == nil || layers.CodeOf(err) != layers.Invalid {
			t.Errorf("function %s: %v", f, err)
		}
	}
}

func aggregate(t *testing.T, s layers.Store) {
	places(t, s)
	for _, c := range []struct {
		by   string
		sel  layers.Selection
		want map[any]int64
	}{
		{"rank", layers.Selection{}, map[any]int64{int64(1): 1, int64(2): 2, int64(3): 1, nil: 2}},
		{"open", layers.Selection{}, map[any]int64{true: 2, false: 1, nil: 3}},
		{"level", layers.Selection{}, map[any]int64{1.5: 2, nil: 4}},
		{"since", layers.Selection{}, map[any]int64{layers.Date("2020-01-01"): 1, nil: 5}},
		{"division:1", layers.Selection{}, map[any]int64{"450000": 5, nil: 1}},
		{"division:2", layers.Selection{}, map[any]int64{"450100": 3, "450300": 1, nil: 2}},
		{"division:3", layers.Selection{}, map[any]int64{"450103": 2, nil: 4}},
		{"division:4", layers.Selection{}, map[any]int64{"450103001": 1, nil: 5}},
		{"rank", layers.Selection{Division: "450103"}, map[any]int64{int64(2): 1, int64(3): 1}},
		{"rank", layers.Selection{BBox: box(0, 0, 1, 1)}, map[any]int64{}},
	} {
		got := map[any]int64{}
		buckets, err := s.As(layers.Owner).Aggregate(t.Context(), layers.AggregateQuery{Layer: "places", Selection: c.sel, GroupBy: []string{c.by}})
		if err != nil {
			t.Errorf("%s: %v", c.by, err)
		}
		for _, b := range buckets {
			got[b.Keys[0]] += b.Count
		}
		if len(got) != len(buckets) {
			t.Errorf("%s: a group comes twice: %v", c.by, buckets)
		}
		if len(got) != len(c.want) {
			t.Errorf("group by %q: got %v, want %v", c.by, got, c.want)
		}
		for k, n := range c.want {
			if got[k] != n {
				t.Errorf("group by %q: got %v, want %v", c.by, got, c.want)
			}
		}
	}
}

func scan(t *testing.T, s layers.Store) {
	define(t, s, layer("l", layers.Point, attr("n", layers.Integer)))
	chance := seeded(t)
	type at struct{ x, y float64 }
	want := map[string]at{}
	var edits []layers.Edit
	for i := range 1500 {
		id, p := fmt.Sprint(i), at{105 + 7*chance.Float64(), 20 + 6*chance.Float64()}
		want[id] = p
		edits = append(edits, put(id, pt(p.x, p.y), map[string]any{"n": i}))
	}
	apply(t, s, "l", append(edits, put("nowhere", nil, nil))...)
	for range 20 {
		w, so := 105+7*chance.Float64(), 20+6*chance.Float64()
		b := box(w, so, w+chance.Float64(), so+chance.Float64())
		n := 0
		for _, p := range want {
			if b.Contains(orb.Point{p.x, p.y}) {
				n++
			}
		}
		got := map[string]bool{}
		for f, err := range s.As(layers.Owner).Scan(t.Context(), "l", layers.Range{Selection: layers.Selection{BBox: b}}) {
			if err != nil {
				t.Fatal(err)
			}
			if p := want[f.ID]; !b.Contains(orb.Point{p.x, p.y}) || got[f.ID] || f.Properties["n"] == nil || f.Version == 0 {
				t.Errorf("%+v is not in %v, comes twice or lacks something", f, b)
			}
			got[f.ID] = true
		}
		if len(got) != n {
			t.Errorf("%d features in %v, want %d", len(got), b, n)
		}
	}
	n := 0
	for _, err := range s.As(layers.Owner).Scan(t.Context(), "l", layers.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	same(t, "features of a whole scan", n, 1501)
	for range s.As(layers.Owner).Scan(t.Context(), "l", layers.Range{}) {
		break // leaving early is allowed, and leaves nothing behind:
	}
	apply(t, s, "l", remove("nowhere"))
}
