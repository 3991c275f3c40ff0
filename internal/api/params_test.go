package api

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"onemap/internal/crs"
	"onemap/layers"
)

func TestABBoxIsReadInBothForms(t *testing.T) {
	bound := func(w, s, e, n float64) orb.Bound {
		return orb.Bound{Min: orb.Point{w, s}, Max: orb.Point{e, n}}
	}
	for text, want := range map[string][]orb.Bound{
		"107.5,22,109,23.5":           {bound(107.5, 22, 109, 23.5)},
		" 107.5 , 22 , 109 , 23.5 ":   {bound(107.5, 22, 109, 23.5)},
		"107.5,22,-10,109,23.5,1e3":   {bound(107.5, 22, 109, 23.5)},
		"-180,-90,180,90":             {bound(-180, -90, 180, 90)},
		"108,22,108,22":               {bound(108, 22, 108, 22)},
		"170,-10,-170,10":             {bound(170, -10, 180, 10), bound(-180, -10, -170, 10)},
		"170,-10,0,-170,10,100":       {bound(170, -10, 180, 10), bound(-180, -10, -170, 10)},
		"1.5e2,-1E1,+160,.5":          {bound(150, -10, 160, .5)},
		"107.5,22,109":                nil,
		"107.5,22,109,23.5,1":         nil,
		"":                            nil,
		"107.5,22,109,":               nil,
		"107.5,22,109,north":          nil,
		"107.5,22,109,NaN":            nil,
		"107.5,22,109,Inf":            nil,
		"107.5,22,109,0x1p2":          nil,
		"107.5,22,109,1_0":            nil,
		"107.5,24,109,23.5":           nil,
		"22,107.5,23.5,109":           nil, // latitude first
		"181,22,182,23":               nil,
		"107.5,22,10,109,23.5,9":      nil, // low above high
		"107.5,22,109,23.5;DROP":      nil,
		"107.5,22,109,1e999":          nil,
		"107.5,22,109,23.5,,":         nil,
		"１０７.5,22,109,23.5":           nil, // full-width digits
		strings.Repeat("1,", 1000000): nil,
	} {
		got, err := parseBBox(text, crs.CRS84)
		if (err != nil) != (want == nil) || len(got) != len(want) {
			t.Errorf("%.40q: %v, %v", text, got, err)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%q: got %v, want %v", text, got, want)
			}
		}
	}
}

func TestADatetimeIsAnInstantOrAnIntervalWithOpenEnds(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v.UTC()
	}
	eight, nine := at("2026-07-01T08:00:00Z"), at("2026-07-01T09:00:00Z")
	for text, want := range map[string]*layers.Interval{
		"2026-07-01T08:00:00Z":                      {Start: eight, End: eight},
		"2026-07-01t08:00:00z":                      {Start: eight, End: eight},
		"2026-07-01T16:00:00+08:00":                 {Start: eight, End: eight},
		"2026-07-01T16:00:00 08:00":                 {Start: eight, End: eight}, // a + that the query string made a space
		"2026-07-01T08:00:00.1239Z":                 {Start: eight.Add(123 * time.Millisecond), End: eight.Add(123 * time.Millisecond)},
		"2026-07-01T08:00:00Z/2026-07-01T09:00:00Z": {Start: eight, End: nine},
		"2026-07-01T08:00:00Z/..":                   {Start: eight},
		"2026-07-01T08:00:00Z/":                     {Start: eight},
		"../2026-07-01T09:00:00Z":                   {End: nine},
		"/2026-07-01T09:00:00Z":                     {End: nine},
		"2026-07-01":                                {Start: at("2026-06-30T16:00:00Z"), End: at("2026-07-01T15:59:59.999Z")},
		"2026-07-01/2026-07-02":                     {Start: at("2026-06-30T16:00:00Z"), End: at("2026-07-02T15:59:59.999Z")},
		"2026-07-01/..":                             {Start: at("2026-06-30T16:00:00Z")},
	} {
		got, err := parseDatetime(text)
		if err != nil || got == nil || !got.Start.Equal(want.Start) || !got.End.Equal(want.End) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"../..", "/", "../", "/.."} {
		if got, err := parseDatetime(text); got != nil || err != nil {
			t.Errorf("%q: got %v, %v, want all times", text, got, err)
		}
	}
	for _, text := range []string{"", "..", "yesterday", "2026-07-01T08:00:00", "2026-13-01", "2026-07-01T09:00:00Z/2026-07-01T08:00:00Z",
		"a/b", "2026-07-01T08:00:00Z/2026-07-01T09:00:00Z/..", "2026-07-01T25:00:00Z", "0000-01-01T00:00:00Z"} {
		if got, err := parseDatetime(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func FuzzBBox(f *testing.F) {
	for _, s := range []string{"107.5,22,109,23.5", "170,-10,0,-170,10,100", "NaN,1,2,3", "1e309,0,0,0", ",,,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		boxes, err := parseBBox(s, crs.CRS84)
		if (err == nil) == (len(boxes) == 0) {
			t.Fatalf("%q: %v, %v", s, boxes, err)
		}
		for _, b := range boxes {
			if !(b.Min[0] >= -180 && b.Min[0] <= b.Max[0] && b.Max[0] <= 180 && b.Min[1] >= -90 && b.Min[1] <= b.Max[1] && b.Max[1] <= 90) {
				t.Errorf("%q became %v", s, b)
			}
		}
		if err != nil && (err.reason == "" || err.remedy == "") {
			t.Errorf("%q: an error without words", s)
		}
	})
}

func FuzzDatetime(f *testing.F) {
	for _, s := range []string{"2026-07-01T08:00:00Z/..", "../2026-07-01", "2026-07-01T16:00:00 08:00", "/", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := parseDatetime(s)
		if err != nil && (v != nil || err.reason == "" || err.remedy == "") {
			t.Errorf("%q: %v, %v", s, v, err)
		}
		if v != nil && v.Start.IsZero() && v.End.IsZero() {
			t.Errorf("%q became an interval without ends", s)
		}
		if v != nil && !v.Start.IsZero() && !v.End.IsZero() && v.End.Before(v.Start) {
			t.Errorf("%q became %v", s, v)
		}
	})
}

func TestTheLimitIsClampedAtTheMaximum(t *testing.T) {
	for query, want := range map[string]int{
		"": 10, "limit=1": 1, "limit=10000": 10000, "limit=10001": 10000, "limit=99999999999999999999999": 10000,
		"limit=0": -1, "limit=-1": -1, "limit=": -1, "limit=x": -1, "limit=1.5": -1, "limit=%2B5": 5, "limit=1&limit=2": -1,
	} {
		p := newParams(httptest.NewRequest("GET", "/?"+query, nil))
		got := p.limit(10, 10000)
		if err := p.err(); err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: got %d, want %d", query, got, want)
		}
	}
}

func TestEntityTagsAreSplit(t *testing.T) {
	for list, want := range map[string]string{
		"": "", "*": "*", `"a"`: `"a"`, `W/"a", "b,c"`: `W/"a" "b,c"`, `"a" , * ,`: `"a" *`, `a`: "", `"a`: "", `,,"x"`: `"x"`,
	} {
		if got := strings.Join(entityTags([]string{list}), " "); got != want {
			t.Errorf("%q: got %q, want %q", list, got, want)
		}
	}
	for tag, want := range map[string]string{`"a"`: "a", `W/"a"`: "a", `"a-gzip"`: "a", `W/"a-gzip"`: "a", `"a-br"`: "a", `"a-zstd"`: "a", `""`: ""} {
		if got := opaque(tag); got != want {
			t.Errorf("%q: got %q, want %q", tag, got, want)
		}
	}
}

func TestAcceptEncodingIsWeighed(t *testing.T) {
	for accept, want := range map[string]string{
		"": "identity", "gzip": "gzip", "br, gzip;q=0.5": "br", "br;q=0.5, gzip": "gzip", "gzip, deflate, br, zstd": "zstd", "gzip;q=0": "identity",
		"GZIP ; q=1.0": "gzip", "x-gzip": "gzip", "*": "zstd", "*;q=0.1, br;q=0.2": "br", "gzip;q=0, *": "zstd", "zstd;q=0, *": "br", "identity": "identity",
		"deflate": "identity", "gzip;q=x": "identity", "gzip;q=2": "identity", "gzip;q=NaN": "identity", "identity, gzip;q=0.9": "identity",
		"identity;q=0.5, gzip;q=0.5": "gzip", "identity;q=0, br;q=0.001": "br", "*;q=0, gzip": "gzip", "*;q=0": "406", "identity;q=0": "406", "deflate, *;q=0": "406",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if accept != "" {
			r.Header.Set("Accept-Encoding", accept)
		}
		got, plain, err := codingOf(r)
		if err != nil {
			got = "406"
		}
		if string(got) != want {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
		if refused := strings.Contains(accept, "identity;q=0,") || strings.Contains(accept, "*;q=0,") || want == "406"; plain == refused {
			t.Errorf("%q: without a coding: %v", accept, plain)
		}
	}
}

func TestMergePatchFollowsRFC7396(t *testing.T) {
	target := map[string]any{"a": "b", "c": map[string]any{"d": "e", "f": "g"}}
	got := mergePatch(target, map[string]any{"a": "z", "c": map[string]any{"f": nil, "n": map[string]any{"x": nil}}}).(map[string]any)
	c := got["c"].(map[string]any)
	if got["a"] != "z" || c["d"] != "e" || len(c) != 2 || len(c["n"].(map[string]any)) != 0 {
		t.Errorf("got %v", got)
	}
	if target["a"] != "b" || len(target["c"].(map[string]any)) != 2 {
		t.Errorf("the target was changed: %v", target)
	}
	if mergePatch(1.5, "x") != "x" || mergePatch(target, nil) != nil {
		t.Error("a value that is no object replaces")
	}
}
