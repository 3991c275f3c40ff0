package api

import (
	"io"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func TestABrowserGetsAPageOfEveryDocument(t *testing.T) {
	s := start(t)
	walked := 0
	for route, c := range closedPaths {
		path, isGet := strings.CutPrefix(route, "GET ")
		if !isGet || !strings.HasPrefix(path, "/api") || path == "/api/attachments" || path == "/api/reference" || strings.HasPrefix(path, "/api/openapi") || strings.HasSuffix(path, "{tileCol}") {
			continue
		}
		path = strings.ReplaceAll(strings.ReplaceAll(c.path, "LAYER", "hospitals"), "items/r1", "items/h01")
		walked++
		a := s.get(path, header("Accept", browserAccept)).want(t, 200)
		if a.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, a.Header)
			continue
		}
		wellFormed(t, path, a.body)
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		if b := s.get(path+sep+"f=html").want(t, 200); b.Header.Get("Content-Type") != a.Header.Get("Content-Type") {
			t.Errorf("%s: f=html is %s", path, b.Header.Get("Content-Type"))
		}
		if tag := a.Header.Get("ETag"); tag != "" && !changing[route] {
			s.get(path, header("Accept", browserAccept), header("If-None-Match", tag)).want(t, 304)
			if other := s.get(path).Header.Get("ETag"); other == tag {
				t.Errorf("%s: page and document have the tag %s", path, tag)
			}
		}
		for _, accept := range []string{"*/*", "application/json", "application/geo+json, */*;q=0.1", "application/json, text/html;q=0.5", ""} {
			if got := s.get(path, header("Accept", accept)).Header.Get("Content-Type"); strings.Contains(got, "html") {
				t.Errorf("%s: a program that accepts %q gets %s", path, accept, got)
			}
		}
	}
	if walked < 20 {
		t.Errorf("only %d pages", walked)
	}
}

// wellFormed checks that every element is closed where it was opened.
func wellFormed(t *testing.T, what, page string) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(page))
	var open []string
	for {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() != io.EOF || len(open) > 0 {
				t.Errorf("%s: %v, open %v", what, z.Err(), open)
			}
			return
		case html.StartTagToken:
			if name, _ := z.TagName(); string(name) != "meta" {
				open = append(open, string(name))
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Errorf("%s: </%s> in %v", what, name, open)
				return
			}
			open = open[:len(open)-1]
		}
	}
}

func TestAPageShowsValuesAsTextAndSaysWhatMustBeSaid(t *testing.T) {
	s := start(t)
	evil := `<script>alert(1)</script>`
	s.write("PATCH", hospitals+"/h01", `{"properties":{"name":"`+evil+`","name_en":"javascript:alert(1)"}}`).want(t, 200)
	for _, path := range []string{hospitals + "?f=html", hospitals + "/h01?f=html"} {
		body := s.get(path).want(t, 200).body
		if strings.Contains(body, evil) || !strings.Contains(body, "&lt;script&gt;") || strings.Contains(body, `href="javascript:`) {
			t.Errorf("%s: %s", path, body)
		}
		for _, said := range []string{"演示数据，非真实情况", unreviewed.Zh, "<svg", "curl "} {
			if !strings.Contains(body, said) {
				t.Errorf("%s does not say %s", path, said)
			}
		}
	}
	body := s.get(hospitals+"?f=html&limit=2").want(t, 200).body
	if !strings.Contains(body, "下一页") || strings.Count(body, `class="point"`) != 2 || !strings.Contains(body, "共 5 条，本页 2 条") {
		t.Error(body)
	}
	if strings.Contains(s.get("/api/collections?f=html").body, "秘") || !strings.Contains(s.get("/api/collections?f=html", bearer(s.tokens.Official())).body, "秘reservoirs") {
		t.Error("a page shows what its reader does not see, or not what they do")
	}
	if a := s.get("/api/collections/nothing", header("Accept", browserAccept)); a.StatusCode != 404 || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	if a := s.get(hospitals+"?f=csv", header("Accept", browserAccept)).want(t, 200); !strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") {
		t.Errorf("%v", a.Header)
	}
	if a := s.send("HEAD", "/api", "", header("Accept", browserAccept)).want(t, 200); !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || a.body != "" {
		t.Errorf("%v", a.Header)
	}
}
