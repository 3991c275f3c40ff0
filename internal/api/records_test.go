package api

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestTheCatalogueIsSearchedByWhatLayersSayOfThemselves(t *testing.T) {
	s := start(t)
	official := bearer(s.tokens.Official())
	search := func(query string, who ...with) (ids []string, body string) {
		t.Helper()
		var page struct {
			NumberMatched int
			Features      []catalogueRecord
		}
		a := s.get("/api/collections/_records/items?"+query, who...).want(t, 200)
		a.into(t, &page)
		for _, f := range page.Features {
			ids = append(ids, f.ID)
		}
		return ids, a.body
	}
	for query, want := range map[string]string{
		"":                                   "divisions hospitals townships",
		"q=医院":                               "hospitals",
		"q=HOSPITALS":                        "hospitals",
		"q=卫生":                               "hospitals",
		"q=population_2020,beds":             "divisions hospitals",
		"q=nothing":                          "",
		"theme=theme":                        "hospitals",
		"theme=theme/health":                 "hospitals",
		"theme=theme/heal":                   "",
		"theme=base/geography":               "divisions townships",
		"department=survey":                  "divisions townships",
		"department=卫生健康委":                   "hospitals",
		"ids=hospitals,townships,reservoirs": "hospitals townships",
		"type=dataset":                       "divisions hospitals townships",
		"type=service":                       "",
		"bbox=109.45,24.35,109.6,24.5":       "divisions hospitals",
		"bbox=0,0,1,1":                       "",
		"datetime=1999-01-01T00:00:00Z":      "",
		"datetime=2020-01-01T00:00:00Z/..":   "divisions hospitals townships",
		"sortby=-title":                      "hospitals divisions townships",
	} {
		name, value, _ := strings.Cut(query, "=")
		if query != "" {
			query = name + "=" + url.QueryEscape(value)
		}
		got, _ := search(query)
		if sorted := strings.Join(got, " "); sorted != want && !(name == "sortby" && len(got) == 3) {
			t.Errorf("%s=%s: %s, want %s", name, value, sorted, want)
		}
	}
	all, _ := search("", official)
	if !slices.Contains(all, "reservoirs") || slices.Contains(all, "social-aid") {
		t.Errorf("an official sees %v", all)
	}
	if _, body := search("q=Secret"); strings.Contains(body, "reservoirs") {
		t.Error(body)
	}
	var page struct{ Links []link }
	s.get("/api/collections/_records/items?limit=2").want(t, 200).into(t, &page)
	next := page.Links[slices.IndexFunc(page.Links, func(l link) bool { return l.Rel == "next" })]
	s.get(strings.TrimPrefix(next.Href, s.URL)).want(t, 200).into(t, &page)
	if !slices.ContainsFunc(page.Links, func(l link) bool { return l.Rel == "prev" }) || slices.ContainsFunc(page.Links, func(l link) bool { return l.Rel == "next" }) {
		t.Errorf("%v", page.Links)
	}
	for _, bad := range []string{"bbox=1,2", "datetime=x", "offset=-1", "sortby=beds", "limit=0", "x=1"} {
		s.get("/api/collections/_records/items?"+bad).want(t, 400)
	}
}

func TestARecordSaysWhoAnswersForALayerAndWhereItsDataAre(t *testing.T) {
	s := start(t)
	var r catalogueRecord
	s.get("/api/collections/_records/items/hospitals").want(t, 200).into(t, &r)
	p := r.Properties
	if p.Title != "示例医院" || p.Contacts[0].Organization != "卫生健康委" || p.Rights != "无条件共享，向社会开放" || p.Count != 5 || r.Geometry == nil || r.Time == nil ||
		!strings.Contains(p.Notice, "演示数据") || !slices.Contains(p.Keywords, "beds") || p.Themes[0].Concepts[0].Title != "健康保障" {
		t.Errorf("%+v", r)
	}
	for _, l := range r.Links {
		s.get(strings.TrimPrefix(l.Href, s.URL)).want(t, 200)
	}
	var c struct{ Links []link }
	s.get("/api/collections/_records").want(t, 200).into(t, &c)
	for _, l := range c.Links {
		s.get(strings.TrimPrefix(l.Href, s.URL)).want(t, 200)
	}
}
