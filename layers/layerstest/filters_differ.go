package layerstest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkt"

	"onemap/internal/cql2"
	"onemap/layers"
)

var filterCases = []testCase{
	{"AFilterChoosesWhatWasFoundByHand", filtersByHand},
	{"AFilterChoosesWhatItChoosesInMemory", filtersAgree},
}

func filtersByHand(t *testing.T, s layers.Store) {
	l, sites := Sites()
	define(t, s, l)
	apply(t, s, l.ID, sites...)
	for class, cases := range FilterCases {
		for _, c := range cases {
			e, err := cql2.ParseText(c.Filter)
			if err != nil {
				t.Errorf("%s: %s: %v", class, c.Filter, err)
				continue
			}
			where, err := l.Filter(e)
			if err != nil {
				t.Errorf("%s: %s: %v", class, c.Filter, err)
				continue
			}
			page, err := s.As(layers.Public).Query(t.Context(), layers.Query{Layer: l.ID, Selection: layers.Selection{Where: where}, Limit: 100, Count: true})
			if got := strings.Join(slices.Sorted(slices.Values(ids(page.Features))), ""); err != nil || got != c.Want || page.Matched != int64(len(c.Want)) {
				t.Errorf("%s: %s chooses %q, %d matched, %v; want %q", class, c.Filter, got, page.Matched, err, c.Want)
			}
		}
	}
}

// filtersAgree asks random filters of random features, of the store and of the
// evaluator.
func filtersAgree(t *testing.T, s layers.Store) {
	r := seeded(t)
	l := layer("any", pick(generator{r}, layers.AnyGeometry, layers.MultiPolygon, layers.MultiLineString, layers.MultiPoint), attr("s", layers.String), attr("z", layers.String), attr("i", layers.Integer), attr("j", layers.Integer),
		attr("n", layers.Number), attr("m", layers.Number), attr("b", layers.Boolean), attr("d", layers.DateType), attr("t", layers.DateTime), attr("u", layers.DateTime),
		attr("code", layers.String, layers.RoleDivision))
	define(t, s, l)
	g := generator{r}
	var edits []layers.Edit
	for i := range 90 {
		shape := g.geometry()
		for l.Geometry != layers.AnyGeometry && shape != nil && l.Geometry != layers.TypeOf(shape) && l.Geometry != "Multi"+layers.TypeOf(shape) {
			shape = g.geometry()
		}
		edits = append(edits, put(fmt.Sprintf("f%d", i), shape, g.properties()))
	}
	apply(t, s, l.ID, edits...)
	reader := s.As(layers.Public)
	var all []*layers.Feature
	for f, err := range reader.Scan(t.Context(), l.ID, layers.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	chosen := 0
	for range 120 {
		text := g.condition(3)
		e, err := cql2.ParseText(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		where, err := l.Filter(e)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		sel := layers.Selection{Where: where}
		var want []string
		for _, f := range all {
			if sel.Matches(l, f) {
				want = append(want, f.ID)
			}
		}
		slices.Sort(want)
		if len(want) > 0 && len(want) < len(all) {
			chosen++
		}
		check := func(what string, got []string, err error) {
			if slices.Sort(got); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s\n%s: %v, %v\nwant %v", text, what, got, err, want)
			}
		}
		var scanned []string
		for f, err := range reader.Scan(t.Context(), l.ID, layers.Range{Selection: sel}) {
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			scanned = append(scanned, f.ID)
		}
		check("scan", scanned, nil)
		q := layers.Query{Layer: l.ID, Selection: sel, Limit: 7, Count: true, SkipGeometry: r.IntN(2) == 0, Sort: []string{"", "s", "-n", "t", "-s,n"}[r.IntN(5)]}
		var paged []string
		for {
			page, err := reader.Query(t.Context(), q)
			if err != nil || page.Matched != int64(len(want)) {
				t.Errorf("%s: %d matched, %v; want %d", text, page.Matched, err, len(want))
				break
			}
			paged = append(paged, ids(page.Features)...)
			if q.After = page.Next; q.After == "" {
				break
			}
		}
		check("query", paged, nil)
		buckets, err := reader.Aggregate(t.Context(), layers.AggregateQuery{Layer: l.ID, Selection: sel, GroupBy: []string{"b"}})
		n := int64(0)
		for _, b := range buckets {
			n += b.Count
		}
		if err != nil || n != int64(len(want)) {
			t.Errorf("%s: aggregate %v, %v; want %d", text, buckets, err, len(want))
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if chosen < 40 {
		t.Errorf("only %d filters chose some features and not all", chosen)
	}
}

// generator makes features and filters that often have something to do with each other.
type generator struct{ *rand.Rand }

func pick[T any](g generator, all ...T) T { return all[g.IntN(len(all))] }

func (g generator) text() string {
	return pick(g, "", "a", "A", "ab", "aB", "Éclair", "éclair", "eclair", "e\u0301clair", "南宁", "南宁市", "50%", "a_b", `c\d`, "it's", "İ", "ß", "Σσς", "%", "zz")
}

func (g generator) day() string { return fmt.Sprintf("2026-%02d-%02d", 6+g.IntN(2), 29+g.IntN(2)) }

func (g generator) instant() time.Time {
	return time.Date(2026, 6, 30, 15, 59, 59, 998_000_000, time.UTC).Add(time.Duration(g.IntN(4)) * time.Millisecond).Add(time.Duration(g.IntN(3)) * 12 * time.Hour)
}

func (g generator) properties() map[string]any {
	p := map[string]any{}
	some := func(name string, v any) {
		if g.IntN(5) > 0 {
			p[name] = v
		}
	}
	some("s", g.text())
	some("z", g.text())
	some("i", g.IntN(7)-3)
	some("j", g.IntN(7)-3)
	some("n", float64(g.IntN(13)-6)/2)
	some("m", float64(g.IntN(13)-6)/2)
	some("b", g.IntN(2) == 0)
	some("d", g.day())
	some("t", g.instant())
	some("u", g.instant())
	some("code", pick(g, "450100", "450103", "450103001", "450200", "450000", "x"))
	return p
}

// at is a place on a coarse grid, so that shapes touch, cross and cover each other.
func (g generator) at() (x, y float64) { return 108 + float64(g.IntN(5)), 22 + float64(g.IntN(5)) }

func (g generator) geometry() geom.T {
	x, y := g.at()
	w, h := 1+float64(g.IntN(3)), 1+float64(g.IntN(3))
	ring := func(x, y, w, h float64) []float64 { return []float64{x, y, x + w, y, x + w, y + h, x, y + h, x, y} }
	switch g.IntN(8) {
	case 0:
		return nil
	case 1, 2:
		return geom.NewPointFlat(geom.XY, []float64{x, y})
	case 3:
		return geom.NewLineStringFlat(geom.XY, []float64{x, y, x + w, y + h})
	case 4:
		return geom.NewLineStringFlat(geom.XY, []float64{x, y, x + w, y, x + w, y + h})
	case 5:
		return geom.NewMultiPointFlat(geom.XY, []float64{x, y, x + w, y + h})
	case 6:
		outer, hole := ring(x, y, 3, 3), []float64{x + 1, y + 1, x + 1, y + 2, x + 2, y + 2, x + 2, y + 1, x + 1, y + 1}
		return geom.NewPolygonFlat(geom.XY, append(outer, hole...), []int{10, 20})
	default:
		return geom.NewPolygonFlat(geom.XY, ring(x, y, w, h), []int{10})
	}
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (g generator) condition(depth int) string {
	if depth > 0 && g.IntN(3) > 0 {
		a, b := g.condition(depth-1), g.condition(depth-1)
		return pick(g, "("+a+" AND "+b+")", "("+a+" OR "+b+")", "NOT ("+a+")", "("+a+" AND NOT "+b+")")
	}
	compare := func() string { return pick(g, "=", "<>", "<", ">", "<=", ">=") }
	not := func() string { return pick(g, "", " NOT") }
	switch g.IntN(14) {
	case 0:
		return g.textual() + " " + compare() + " " + g.textual()
	case 1, 2:
		return g.numeric(2) + " " + compare() + " " + g.numeric(2)
	case 3:
		return pick(g, "b", "b = TRUE", "b <> FALSE", "b = (i > 0)", "NOT b")
	case 4:
		return g.textual() + not() + " LIKE " + quoted(pick(g, "%", "a%", "%b", "_", "__", "%宁%", "南_", `50\%`, `a\_b`, `%\\%`, "É%", "%lair", "", "%%", "i_'s"))
	case 5:
		return g.numeric(1) + not() + " BETWEEN " + g.numeric(0) + " AND " + g.numeric(0)
	case 6:
		return pick(g, "s"+not()+" IN ("+quoted(g.text())+", "+quoted(g.text())+", z)", "i"+not()+" IN (1, 2.5, j, -1)", "n"+not()+" IN (1, m, 0.5)", "id"+not()+" IN ('f1', 'f2', 'f33')")
	case 7:
		return pick(g, "s", "i", "n", "b", "d", "t", "geom", "code") + " IS" + not() + " NULL"
	case 8, 9:
		return g.temporal() + " " + compare() + " " + g.temporal()
	case 10:
		return fmt.Sprintf("T_%s(%s, %s)", pick(g, "AFTER", "BEFORE", "CONTAINS", "DISJOINT", "DURING", "EQUALS", "FINISHEDBY", "FINISHES", "INTERSECTS", "MEETS", "METBY", "OVERLAPPEDBY", "OVERLAPS", "STARTEDBY", "STARTS"), g.interval(), g.interval())
	case 11:
		return pick(g, "division('450100')", "division('450103')", "division('450000')", "division('450103001')")
	default:
		return g.spatial()
	}
}

func (g generator) textual() string {
	one := pick(g, "s", "z", "id", quoted(g.text()))
	return pick(g, one, one, "CASEI("+one+")", "ACCENTI("+one+")", "CASEI(ACCENTI("+one+"))")
}

func (g generator) numeric(depth int) string {
	if depth > 0 && g.IntN(3) == 0 {
		return "(" + g.numeric(depth-1) + " " + pick(g, "+", "-", "*", "/", "%", "div") + " " + g.numeric(depth-1) + ")"
	}
	return pick(g, "i", "j", "n", "m", fmt.Sprint(g.IntN(7)-3), fmt.Sprint(float64(g.IntN(13)-6)/2), "1e308", "i ^ 2")
}

func (g generator) temporal() string {
	return pick(g, "d", "t", "u", "DATE("+quoted(g.day())+")", "TIMESTAMP("+quoted(g.instant().Format("2006-01-02T15:04:05.000Z"))+")")
}

func (g generator) interval() string {
	if g.IntN(2) == 0 {
		return g.temporal()
	}
	from, to := g.instant(), g.instant()
	if to.Before(from) {
		from, to = to, from
	}
	write := func(t time.Time) string { return quoted(t.Format("2006-01-02T15:04:05.000Z")) }
	return pick(g, "INTERVAL("+write(from)+", "+write(to)+")", "INTERVAL('..', "+write(to)+")", "INTERVAL(t, '..')", "INTERVAL(t, u)", "INTERVAL(d, '2026-07-30')")
}

func (g generator) spatial() string {
	shape := g.geometry()
	for shape == nil {
		shape = g.geometry()
	}
	text, err := wkt.Marshal(shape)
	if err != nil {
		panic(err)
	}
	x, y := g.at()
	text = pick(g, text, text, fmt.Sprintf("BBOX(%v, %v, %v, %v)", x, y, x+1, y+2))
	if g.IntN(6) == 0 {
		return fmt.Sprintf("S_DWITHIN(geom, %s, %d)", text, pick(g, 0, 1000, 120_000, 400_000))
	}
	a, b := pick(g, "geom", "geometry"), text
	if g.IntN(3) == 0 {
		a, b = b, a
	}
	return fmt.Sprintf("S_%s(%s, %s)", pick(g, "INTERSECTS", "EQUALS", "DISJOINT", "TOUCHES", "WITHIN", "OVERLAPS", "CROSSES", "CONTAINS"), a, b)
}
