package layerstest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

var aggregateCases = []testCase{
	{"AnAggregateComputesByHandWhatAnybodyWould", aggregateByHand},
	{"AStoreAddsUpAsItsFeaturesDo", aggregateAsFeatures},
	{"AnAggregateOfTooManyGroupsIsRefused", tooManyGroups},
}

func visits(t *testing.T, s layers.Store) {
	define(t, s, layer("visits", layers.AnyGeometry, attr("text", layers.String), attr("division", layers.String, layers.RoleDivision), attr("n", layers.Integer),
		attr("x", layers.Number), attr("yes", layers.Boolean), attr("day", layers.DateType), attr("at", layers.DateTime)))
}

// tell writes a bucket down.
func tell(b layers.Bucket) string {
	s := ""
	for _, k := range b.Keys {
		s += fmt.Sprint(k) + " "
	}
	s += fmt.Sprint("#", b.Count)
	for _, v := range b.Values {
		if at, ok := v.(time.Time); ok {
			v = at.Format(time.RFC3339)
		}
		s += fmt.Sprintf(" %v", v)
	}
	return s
}

func aggregateByHand(t *testing.T, s layers.Store) {
	visits(t, s)
	at := func(text string) time.Time {
		v, err := layers.ParseTime(text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	apply(t, s, "visits",
		put("a", pt(0, 0), map[string]any{"text": "甲", "division": "450103001", "n": 1, "x": 0.1, "yes": true, "day": "2026-01-01", "at": at("2025-12-31T16:00:00Z")}),
		put("b", pt(0.001, 0.001), map[string]any{"text": "Z", "division": "450103", "n": 2, "x": 0.2, "yes": false, "day": "2026-03-31", "at": at("2026-06-30T15:59:59.999Z")}),
		put("c", pt(-0.001, -0.001), map[string]any{"text": "a", "division": "450100", "n": math.MaxInt64, "x": 0.3, "yes": true, "day": "2026-04-01", "at": at("2026-06-30T16:00:00Z")}),
		put("d", pt(180, 85.2), map[string]any{"text": "a", "division": "450000", "n": math.MaxInt64, "x": -0.6, "day": "2027-01-03"}),
		put("e", nil, map[string]any{"division": "九"}),
		put("f", pt(0.0135, 0.0117), nil))
	for _, c := range []struct {
		by, functions []string
		want          []string
	}{
		{nil, nil, []string{"#6"}},
		{nil, []string{"count", "count(n)", "sum(n)", "avg(n)", "min(n)", "max(n)", "quantile(n,0)", "quantile(n,.5)", "quantile(n,1)"},
			[]string{"#6 6 4 1.8446744073709552e+19 4.611686018427388e+18 1 9223372036854775807 1 4.611686018427388e+18 9.223372036854776e+18"}},
		{nil, []string{"min(text)", "max(text)", "min(day)", "max(day)", "min(at)", "max(at)", "min(x)", "quantile(x,0.25)", "quantile( x , 0.5 )"},
			[]string{"#6 Z 甲 2026-01-01 2027-01-03 2025-12-31T16:00:00Z 2026-06-30T16:00:00Z -0.6 -0.07500000000000007 0.15000000000000002"}},
		{[]string{"yes"}, []string{"sum(n)"}, []string{"<nil> #3 9223372036854775807", "false #1 2", "true #2 9.223372036854776e+18"}},
		{[]string{"text"}, []string{"count(x)"}, []string{"<nil> #2 0", "Z #1 1", "a #2 2", "甲 #1 1"}},
		{[]string{"division:1"}, nil, []string{"<nil> #2", "450000 #4"}},
		{[]string{"division:2"}, nil, []string{"<nil> #3", "450100 #3"}},
		{[]string{"division:3"}, nil, []string{"<nil> #4", "450103 #2"}},
		{[]string{"division:4"}, nil, []string{"<nil> #5", "450103001 #1"}},
		{[]string{"year:at"}, nil, []string{"<nil> #3", "2026 #3"}},
		{[]string{"quarter:at"}, nil, []string{"<nil> #3", "2026-Q1 #1", "2026-Q2 #1", "2026-Q3 #1"}},
		{[]string{"month:at"}, nil, []string{"<nil> #3", "2026-01 #1", "2026-06 #1", "2026-07 #1"}},
		{[]string{"hour:at"}, nil, []string{"<nil> #3", "2026-01-01T00:00:00+08:00 #1", "2026-06-30T23:00:00+08:00 #1", "2026-07-01T00:00:00+08:00 #1"}},
		{[]string{"week:day"}, nil, []string{"<nil> #2", "2026-W01 #1", "2026-W14 #2", "2026-W53 #1"}},
		{[]string{"quarter:day", "yes"}, nil, []string{"<nil> <nil> #2", "2026-Q1 false #1", "2026-Q1 true #1", "2026-Q2 true #1", "2027-Q1 <nil> #1"}},
		{[]string{"day:at", "month:at"}, nil, []string{"<nil> <nil> #3", "2026-01-01 2026-01 #1", "2026-06-30 2026-06 #1", "2026-07-01 2026-07 #1"}},
		{[]string{"grid:1000"}, []string{"sum(n)"}, []string{"<nil> #1 <nil>", "-1/-1 #1 9223372036854775807", "0/0 #2 3", "1/1 #1 <nil>", "20037/20037 #1 9223372036854775807"}},
		{[]string{"hex:1000"}, nil, []string{"<nil> #1", "0/0 #3", "1/1 #1", "8469/23137 #1"}},
	} {
		buckets, err := s.As(layers.Owner).Aggregate(t.Context(), layers.AggregateQuery{Layer: "visits", GroupBy: c.by, Functions: c.functions})
		if err != nil {
			t.Errorf("%v %v: %v", c.by, c.functions, err)
			continue
		}
		var got []string
		for _, b := range buckets {
			got = append(got, tell(b))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v %v:\ngot  %q\nwant %q", c.by, c.functions, got, c.want)
		}
	}
	define(t, s, layer("none", layers.Point, attr("n", layers.Integer)))
	b, err := s.As(layers.Owner).Aggregate(t.Context(), layers.AggregateQuery{Layer: "none", Functions: []string{"count", "sum(n)", "quantile(n,0.5)"}})
	if err != nil || len(b) != 1 || tell(b[0]) != "#0 0 <nil> <nil>" {
		t.Errorf("of nothing: %v, %v", b, err)
	}
	// What no double holds is nothing.
	apply(t, s, "visits", put("huge", nil, map[string]any{"x": math.MaxFloat64, "n": 1}), put("vast", nil, map[string]any{"x": math.MaxFloat64, "n": 2}))
	b, err = s.As(layers.Owner).Aggregate(t.Context(), layers.AggregateQuery{Layer: "visits", Functions: []string{"sum(x)", "max(x)"}})
	if err != nil || len(b) != 1 || tell(b[0]) != "#8 <nil> 1.7976931348623157e+308" {
		t.Errorf("beyond a double: %v, %v", b, err)
	}
}

// aggregateAsFeatures holds whatever a store adds up by itself beside what its features
// add up to. Of doubles the order shows in the last digits of a sum.
func aggregateAsFeatures(t *testing.T, s layers.Store) {
	visits(t, s)
	chance := seeded(t)
	var edits []layers.Edit
	for i := range 400 {
		edits = append(edits, put(fmt.Sprint("f", i), somewhere(chance), someVisit(chance)))
	}
	apply(t, s, "visits", edits...)
	l, err := s.As(layers.Owner).Definition(t.Context(), "visits")
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{"text", "division", "n", "x", "yes", "day", "at", "division:1", "division:2", "division:3", "division:4",
		"grid:250000", "hex:250000", "grid:1000.5", "hex:77777.7", "hour:at"}
	for _, span := range []string{"year", "quarter", "month", "week", "day"} {
		keys = append(keys, span+":at", span+":day")
	}
	functions := []string{"count"}
	for _, a := range l.Schema {
		functions = append(functions, "count("+a.Name+")")
		if a.Type != layers.Boolean {
			functions = append(functions, "min("+a.Name+")", "max("+a.Name+")")
		}
		if a.Type == layers.Integer || a.Type == layers.Number {
			functions = append(functions, "sum("+a.Name+")", "avg("+a.Name+")", fmt.Sprintf("quantile(%s,%v)", a.Name, chance.Float64()), "quantile("+a.Name+",0.5)")
		}
	}
	some := func(of []string, most int) []string {
		of = slices.Clone(of)
		chance.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		return of[:chance.IntN(most+1)]
	}
	ask := func(q layers.AggregateQuery) {
		q.Layer = "visits"
		got, err := s.As(layers.Owner).Aggregate(t.Context(), q)
		if err != nil {
			t.Fatalf("%v %v: %v", q.GroupBy, q.Functions, err)
		}
		g, err := q.Grouping(l.Schema)
		if err != nil {
			t.Fatal(err)
		}
		want, err := g.Aggregate(s.As(layers.Owner).Scan(t.Context(), "visits", layers.Range{Selection: q.Selection}))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("%v %v: %d groups, want %d", q.GroupBy, q.Functions, len(got), len(want))
		}
		for i := range want {
			if !sameBucket(got[i], want[i]) {
				t.Errorf("%v %v: got %s, want %s", q.GroupBy, q.Functions, tell(got[i]), tell(want[i]))
			}
		}
	}
	for _, k := range keys {
		ask(layers.AggregateQuery{GroupBy: []string{k}, Functions: some(functions, 6)})
	}
	for _, f := range functions {
		ask(layers.AggregateQuery{GroupBy: some(keys, 1), Functions: []string{f}})
	}
	for range 60 {
		q := layers.AggregateQuery{GroupBy: some(keys, 4), Functions: some(functions, 8)}
		if chance.IntN(2) == 0 {
			q.BBox = box(100, 18, 100+20*chance.Float64(), 18+15*chance.Float64())
		}
		if chance.IntN(3) == 0 {
			q.Division = "450100"
		}
		ask(q)
	}
}

func sameBucket(a, b layers.Bucket) bool {
	if a.Count != b.Count || !slices.Equal(a.Keys, b.Keys) || len(a.Values) != len(b.Values) {
		return false
	}
	for i := range a.Values {
		x, isDouble := a.Values[i].(float64)
		y, alsoDouble := b.Values[i].(float64)
		if isDouble && alsoDouble && math.Abs(x-y) <= 1e-9*max(1000, math.Abs(y)) { // the terms are a thousand at most
			continue
		}
		if isDouble != alsoDouble || layers.Compare(a.Values[i], b.Values[i]) != 0 {
			return false
		}
	}
	return true
}

func somewhere(chance *rand.Rand) geom.T {
	x, y := 100+20*chance.Float64(), 18+15*chance.Float64()
	switch chance.IntN(8) {
	case 0:
		return nil
	case 1:
		return geom.NewLineStringFlat(geom.XY, []float64{x, y, x + 1, y + 1})
	case 2:
		return geom.NewMultiPointFlat(geom.XY, []float64{x, y, x - 1, y})
	case 3:
		c := geom.NewGeometryCollection()
		_ = c.Push(pt(x, y), pt(x+1, y))
		return c
	}
	return pt(x, y)
}

func someVisit(chance *rand.Rand) map[string]any {
	all := map[string]any{
		"text":     []string{"甲", "乙", "a", "A", "z", "Z", "é", "𝄞", "", " ", "10", "9"}[chance.IntN(12)],
		"division": []string{"450000", "450100", "450103", "450103001", "450300", "451400", "4501", "x", "450000001", "45010\n", "４５０１００"}[chance.IntN(11)],
		"n":        []int64{0, 1, -1, 7, math.MaxInt64, math.MinInt64, 1 << 53, -(1 << 53) - 1, chance.Int64()}[chance.IntN(9)],
		"x":        []float64{0, math.Copysign(0, -1), 0.1, -0.1, 1e-300, 1000, 1.0 / 3, chance.NormFloat64()}[chance.IntN(8)],
		"yes":      chance.IntN(2) == 0,
		"day":      layers.Date(time.Date(2019+chance.IntN(9), time.Month(1+chance.IntN(12)), 1+chance.IntN(31), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)),
		"at":       time.UnixMilli(chance.Int64N(4e12) - 2e12).UTC(),
	}
	for name := range all {
		if chance.IntN(5) == 0 {
			delete(all, name)
		}
	}
	return all
}

func tooManyGroups(t *testing.T, s layers.Store) {
	define(t, s, layer("l", layers.Point, attr("n", layers.Integer)))
	for from := 0; from <= layers.MaxGroups; from += 10_000 {
		var edits []layers.Edit
		for i := from; i < from+10_000; i++ {
			edits = append(edits, put(fmt.Sprint(i), nil, map[string]any{"n": i}))
		}
		apply(t, s, "l", edits[:min(10_000, layers.MaxGroups+1-from)]...)
	}
	r := s.As(layers.Owner)
	if _, err := r.Aggregate(t.Context(), layers.AggregateQuery{Layer: "l", GroupBy: []string{"n"}}); layers.CodeOf(err) != layers.TooLarge {
		t.Errorf("one too many: %v", err)
	}
	apply(t, s, "l", remove("0"))
	if b, err := r.Aggregate(t.Context(), layers.AggregateQuery{Layer: "l", GroupBy: []string{"n"}}); len(b) != layers.MaxGroups || err != nil {
		t.Errorf("as many as may be: %d, %v", len(b), err)
	}
}
