package api

import (
	"net/url"
	"strings"
	"testing"
)

func TestFeaturesAreChosenByWhatAFeatureOfAnotherLayerMeets(t *testing.T) {
	s := start(t)
	const hospitals = "/api/collections/hospitals/items?"
	ids := func(query string, change ...with) string {
		var page struct {
			NumberMatched int
			Features      []struct{ ID string }
		}
		s.get(hospitals+query, change...).want(t, 200).into(t, &page)
		var ids []string
		for _, f := range page.Features {
			ids = append(ids, f.ID)
		}
		if page.NumberMatched != len(ids) {
			t.Errorf("%s: %d features, said to be %d", query, len(ids), page.NumberMatched)
		}
		return strings.Join(ids, " ")
	}
	for query, want := range map[string]string{
		"within=divisions:450100":                   "h01 h02 h03",
		"within=townships:450103001":                "h01 h02",
		"within=divisions:450100&filter=beds%3E100": "h02 h03",
		"within=divisions:450100&bbox=0,0,1,1":      "",
		"within=divisions:450200&status=normal":     "h04",
		"within=hospitals:h01":                      "h01",
		"within=hospitals:h01&distance=0":           "h01",
		"within=hospitals:h01&distance=1500":        "h01", // h02 is 1,510 m away
		"within=hospitals:h01&distance=1520":        "h01 h02",
		"within=divisions:450103&distance=20000":    "h01 h02", // h03 is 20,520 m east of its border
		"within=divisions:450103&distance=20600":    "h01 h02 h03",
		"within=hospitals:h04&distance=1000000":     "h01 h02 h03 h04 h05",
	} {
		if got := ids(query); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	if got := ids("within=reservoirs:r1", bearer(s.tokens.Official())); got != "h01" {
		t.Errorf("by a feature that officials see: %q", got)
	}
	s.write("PUT", hospitals[:len(hospitals)-1]+"/nowhere", `{"type":"Feature","geometry":null,"properties":{"name":"示例"}}`).want(t, 201)
	for query, fields := range map[string]string{
		"within=divisions":                         "within",
		"within=:h01":                              "within",
		"within=divisions:1":                       "within",
		"within=nothing:1":                         "within",
		"within=reservoirs:r1":                     "within", // the public does not see it
		"within=hospitals:nowhere":                 "within",
		"distance=5":                               "distance",
		"within=divisions:450100&distance=-1":      "distance",
		"within=divisions:450100&distance=NaN":     "distance",
		"within=divisions:450100&distance=1000001": "distance",
		"within=divisions:450100&distance=near":    "distance",
	} {
		if got := s.get(hospitals+query).want(t, 400).fields(t); got != fields {
			t.Errorf("%s: %q", query, got)
		}
	}
	if a := s.get("/api/collections/hospitals/items?f=csv&within=divisions:450200").want(t, 200); strings.Count(a.body, "\n") != 3 {
		t.Errorf("a download of two: %s", a.body)
	}
}

func TestACursorHoldsWhileTheJoinedFeatureStays(t *testing.T) {
	s := start(t)
	const near = "/api/collections/hospitals/items?within=hospitals:h01&distance=1000000&limit=2"
	next := s.page(near).link("next")
	if next == "" || !strings.Contains(next, "within=hospitals%3Ah01") {
		t.Fatalf("next is %q", next)
	}
	at, err := url.Parse(next)
	if err != nil {
		t.Fatal(err)
	}
	s.get(at.RequestURI()).want(t, 200)
	s.write("PATCH", "/api/collections/hospitals/items/h01", `{"geometry":{"type":"Point","coordinates":[108.351,22.75]}}`).want(t, 200)
	if got := s.get(at.RequestURI()).want(t, 400).fields(t); got != "cursor" {
		t.Errorf("after it moved: %q", got)
	}
}

func TestFeaturesAreGroupedByTheAreasOfAnotherLayer(t *testing.T) {
	s := start(t)
	const path = "/api/collections/hospitals/aggregate?"
	for query, want := range map[string]string{
		"groupby=area:divisions&agg=sum(beds)":                                                 `{"layer":"hospitals","groupby":"area:divisions","numberMatched":4,"groups":[{"key":"450000","count":5,"sum(beds)":1500},{"key":"450100","count":3,"sum(beds)":600},{"key":"450103","count":2,"sum(beds)":300},{"key":"450200","count":2,"sum(beds)":900}]}`,
		"groupby=area:townships&filter=beds=300":                                               `{"layer":"hospitals","groupby":"area:townships","numberMatched":1,"groups":[{"key":"450103001","count":0}]}`,
		"groupby=status,area:divisions&sortby=-count&limit=2":                                  `{"layer":"hospitals","groupby":"status,area:divisions","numberMatched":8,"groups":[{"key":["full","450000"],"count":3},{"key":["normal","450000"],"count":2}]}`,
		"groupby=area:divisions&bbox=109.3,24.2,109.45,24.35":                                  `{"layer":"hospitals","groupby":"area:divisions","numberMatched":2,"groups":[{"key":"450000","count":1},{"key":"450200","count":1}]}`,
		"groupby=area:divisions&within=hospitals:h05&distance=1&sortby=area:divisions&limit=1": `{"layer":"hospitals","groupby":"area:divisions","numberMatched":4,"groups":[{"key":"450000","count":1}]}`,
		"f=csv&groupby=area:townships":                                                         "\ufeffarea:townships,count,name\n450103001,2,新竹街道\n",
		"f=geojson&groupby=area:townships":                                                     `{"type":"FeatureCollection","numberMatched":1,"numberReturned":1,"features":[` + "\n" + `{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[[[[108.3,22.7],[108.4,22.7],[108.4,22.8],[108.3,22.8],[108.3,22.7]]]]},"properties":{"area:townships":"450103001","count":2,"name":"新竹街道"}}` + "\n]}",
	} {
		if a := s.get(path+query).want(t, 200); strings.TrimSpace(a.body) != strings.TrimSpace(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", query, a.body, want)
		}
	}
	if a := s.get(path+"groupby=area:reservoirs", bearer(s.tokens.Official())); a.want(t, 400).fields(t) != "groupby" {
		t.Errorf("by points: %s", a.body)
	}
	for _, query := range []string{"groupby=area:nothing", "groupby=area:reservoirs", "groupby=area:", "groupby=area:divisions,area:townships", "groupby=area:divisions,status,open,beds,load"} {
		if got := s.get(path+query).want(t, 400).fields(t); got != "groupby" {
			t.Errorf("%s: %q", query, got)
		}
	}
}
