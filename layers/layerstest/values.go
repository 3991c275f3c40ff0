package layerstest

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkt"

	"onemap/layers"
)

var valueCases = []testCase{
	{"EveryValueComesBackAsItWas", everyValue},
	{"RealsAreKeptToTheLastBit", realsToTheLastBit},
	{"EveryGeometryComesBackAsItWas", everyGeometry},
	{"IdsAreJustText", idsAreText},
}

func everyValue(t *testing.T, s layers.Store) {
	define(t, s, layer("l", layers.Point, attr("s", layers.String), attr("i", layers.Integer), attr("n", layers.Number), attr("b", layers.Boolean),
		attr("d", layers.DateType), attr("t", layers.DateTime), attr("j", layers.JSON)))
	at := time.Date(2026, 7, 1, 0, 0, 0, 123_000_000, time.UTC)
	for i, want := range []map[string]any{
		{},
		{"s": "", "i": int64(0), "n": 0.0, "b": false, "d": layers.Date("1949-10-01"), "t": time.Unix(0, 0).UTC(), "j": json.RawMessage(`null`)},
		{"s": "广西壮族自治区 𠀀 \"quoted\" 'single' \\ \n\t;--", "i": int64(math.MaxInt64), "n": math.MaxFloat64, "b": true, "d": layers.Date("2026-12-31"), "t": at, "j": json.RawMessage(`{"a":[1,2.5,"三"],"b":null}`)},
		{"s": strings.Repeat("长", 100_000), "i": int64(math.MinInt64), "n": math.SmallestNonzeroFloat64, "j": json.RawMessage(`"text"`)},
		{"s": "12", "i": int64(1<<53 + 1), "n": -12.0, "j": json.RawMessage(`12`)},
		{"s": "1e3", "n": 1e300}, {"s": "null"},
	} {
		if want["j"] != nil && string(want["j"].(json.RawMessage)) == "null" {
			delete(want, "j") // null is null
		}
		id := fmt.Sprint("f", i)
		from := head(t, s)
		apply(t, s, "l", put(id, nil, want))
		same(t, id, feature(t, s, "l", id).Properties, want)
		if ch := flat(changes(t, s, from)); len(ch) != 1 || ch[0].New == nil {
			t.Errorf("changes of %s: %+v", id, ch)
		} else {
			same(t, "image of "+id, ch[0].New.Properties, want)
		}
	}
	for _, text := range []string{"a\x00b", "\xc4\xe3"} { // a NUL; GB18030
		refuse(t, s, layers.Invalid, "l", put("refused", nil, map[string]any{"s": text}))
		refuse(t, s, layers.Invalid, "l", put(text, nil, nil))
	}
}

func realsToTheLastBit(t *testing.T, s layers.Store) {
	define(t, s, layer("l", layers.Point, attr("n", layers.Number)))
	chance := seeded(t)
	var edits []layers.Edit
	want := map[string]float64{}
	for i := range 500 {
		x := chance.NormFloat64() * 1000
		if i%2 == 0 {
			x = math.Float64frombits(chance.Uint64())
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		id := fmt.Sprint(i)
		want[id] = x
		edits = append(edits, put(id, nil, map[string]any{"n": x}))
	}
	from := head(t, s)
	apply(t, s, "l", edits...)
	for f, err := range s.As(layers.Owner).Scan(t.Context(), "l", layers.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Properties["n"].(float64); got != want[f.ID] {
			t.Errorf("stored %b, got %b", want[f.ID], got)
		}
	}
	for _, ch := range flat(changes(t, s, from)) {
		if got := ch.New.Properties["n"].(float64); got != want[ch.ID] {
			t.Errorf("stored %b, the log says %b", want[ch.ID], got)
		}
	}
}

func everyGeometry(t *testing.T, s layers.Store) {
	define(t, s, layer("l", layers.AnyGeometry))
	for i, text := range []string{
		"POINT (108.3 22.8)", "POINT Z (108.3 22.8 77.5)", "POINT M (108.3 22.8 5)", "POINT ZM (108.3 22.8 77.5 5)",
		"LINESTRING (108 22, 109 23.000000000000004)", "LINESTRING Z (108 22 1, 109 23 2)", "LINESTRING ZM (108 22 1 2, 109 23 3 4)",
		"POLYGON ((108 22, 109 22, 109 23, 108 22))", "POLYGON Z ((108 22 1, 109 22 1, 109 23 1, 108 22 1), (108.6 22.2 1, 108.8 22.2 1, 108.8 22.4 1, 108.6 22.2 1))",
		"MULTIPOINT ((108 22), (109 23))", "MULTIPOINT ZM ((108 22 1 2), (109 23 3 4))",
		"MULTILINESTRING ((108 22, 109 23), (110 24, 111 25))", "MULTIPOLYGON (((108 22, 109 22, 109 23, 108 22)), ((110 22, 111 22, 111 23, 110 22)))",
		"GEOMETRYCOLLECTION (POINT (108 22), LINESTRING (108 22, 109 23))",
		"POINT EMPTY", "LINESTRING EMPTY", "POLYGON EMPTY", "MULTIPOLYGON EMPTY",
	} {
		g, err := wkt.Unmarshal(text)
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint("g", i)
		from := head(t, s)
		apply(t, s, "l", put(id, g, nil))
		sameGeometry(t, text, feature(t, s, "l", id).Geometry, g)
		if ch := flat(changes(t, s, from)); len(ch) == 1 {
			sameGeometry(t, "image of "+text, ch[0].New.Geometry, g)
		}
	}
	apply(t, s, "l", put("none", nil, nil))
	if g := feature(t, s, "l", "none").Geometry; g != nil {
		t.Errorf("no geometry became %v", g)
	}
	define(t, s, layer("m", layers.MultiPolygon))
	single := geom.NewPolygonFlat(geom.XY, []float64{108, 22, 109, 22, 109, 23, 108, 22}, []int{8})
	apply(t, s, "m", put("x", single, nil)) // a multi layer takes single parts, and may make multis of them
	got, _ := layers.BoundOf(feature(t, s, "m", "x").Geometry)
	want, _ := layers.BoundOf(single)
	same(t, "bounds", got, want)
	refuse(t, s, layers.Invalid, "m", put("y", pt(108, 22), nil))
}

// sameGeometry compares type, layout and coordinates; an empty one may come back as null.
func sameGeometry(t *testing.T, what string, got, want geom.T) {
	t.Helper()
	if want.Empty() && got == nil {
		return
	}
	if got == nil || layers.TypeOf(got) != layers.TypeOf(want) || got.Layout() != want.Layout() && !want.Empty() {
		t.Errorf("%s came back as %#v", what, got)
		return
	}
	if !want.Empty() {
		g, err := wkt.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if w, _ := wkt.Marshal(want); g != w {
			t.Errorf("%s came back as %s", what, g)
		}
	}
}

func idsAreText(t *testing.T, s layers.Store) {
	define(t, s, layer("l", layers.Point, attr("a", layers.Integer)))
	all := []string{"1", "01", "示例医院01", "a b", "%", "_", "' OR 1=1 --", `"quoted"`, "a/b?c#d", "\\", strings.Repeat("x", layers.MaxIDLength), "A", "a", "Ä", "é", "e\u0301"}
	nums := map[int64]bool{}
	for i, id := range all {
		if r := apply(t, s, "l", put(id, nil, map[string]any{"a": i})); r.Results[0].ID != id || !r.Results[0].Created {
			t.Errorf("%q: %+v", id, r.Results[0])
		}
	}
	for i, id := range all {
		f := feature(t, s, "l", id)
		same(t, id, f.Properties["a"], int64(i))
		if f.Num <= 0 || f.Num >= 1<<53 || nums[f.Num] {
			t.Errorf("%q has number %d", id, f.Num)
		}
		nums[f.Num] = true
	}
	refuse(t, s, layers.Invalid, "l", put(strings.Repeat("x", layers.MaxIDLength+1), nil, nil))
	r := apply(t, s, "l", layers.Edit{Op: layers.Create}, layers.Edit{Op: layers.Put}, layers.Edit{Op: layers.Create})
	given := map[string]bool{}
	for _, e := range r.Results {
		if e.ID == "" || given[e.ID] || !e.Created {
			t.Errorf("results without ids: %+v", r.Results)
		}
		given[e.ID] = true
		feature(t, s, "l", e.ID)
	}
	if n := status(t, s, "l").Count; n != int64(len(all)+3) {
		t.Errorf("count %d", n)
	}
}
