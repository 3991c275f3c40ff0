package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestFeaturesAreCountedByAttributeAndDivision(t *testing.T) {
	s := start(t)
	for query, want := range map[string]string{
		"groupby=status":                                       "full:3 normal:2",
		"groupby=status&division=450100":                       "full:2 normal:1",
		"groupby=division:2":                                   "450100:3 450200:2",
		"groupby=division:2&bbox=108,22,109,23":                "450100:3",
		"groupby=open":                                         "false:3 true:2",
		"groupby=beds&status=full&q=" + "%E5%8C%BB%E9%99%A203": "300:1",
		"": "<nil>:5",
	} {
		var got struct {
			Layer  string
			Groups []struct {
				Key   any
				Count int64
			}
		}
		s.get("/api/collections/hospitals/aggregate?"+query).want(t, 200).into(t, &got)
		text := ""
		for _, g := range got.Groups {
			text += fmt.Sprintf(" %v:%d", g.Key, g.Count)
		}
		if sorted(text) != want || got.Layer != "hospitals" {
			t.Errorf("%s: got %q, want %q", query, sorted(text), want)
		}
	}
	for query, fields := range map[string]string{"groupby=nothing": "groupby", "groupby=division:5": "groupby", "groupby=extra": "groupby", "agg=sum(name)": "agg", "agg=beds&groupby=moon:seen": "groupby agg", "sortby=beds": "sortby", "f=xml": "f", "groupby=status,status": "groupby", "groupby=hour:founded": "groupby", "limit=0": "limit", "bbox=170,0,-170,1": "bbox"} {
		if got := s.get("/api/collections/hospitals/aggregate?"+query).want(t, 400).fields(t); got != fields {
			t.Errorf("%s: %q", query, got)
		}
	}
}

func TestGroupsComeAsAnybodyAsksForThem(t *testing.T) {
	s := start(t)
	const path = "/api/collections/hospitals/aggregate?"
	for query, want := range map[string]string{
		"agg=count,sum(beds),avg(load),min(founded),max(seen),quantile(beds,.5)": `{"layer":"hospitals","numberMatched":1,"groups":[{"key":null,"count":5,"sum(beds)":1500,"avg(load)":0.3,"min(founded)":"2001-02-03","max(seen)":"2026-07-01T05:00:00Z","quantile(beds,.5)":300}]}`,
		"groupby=division:2&agg=max(beds)&sortby=-max(beds)":                     `{"layer":"hospitals","groupby":"division:2","numberMatched":2,"groups":[{"key":"450200","count":2,"max(beds)":500},{"key":"450100","count":3,"max(beds)":300}]}`,
		"groupby=status,open&sortby=-count,status&limit=1":                       `{"layer":"hospitals","groupby":"status,open","numberMatched":2,"groups":[{"key":["full",false],"count":3}]}`,
		"groupby=hour:seen&limit=2":                                              `{"layer":"hospitals","groupby":"hour:seen","numberMatched":5,"groups":[{"key":"2026-07-01T09:00:00+08:00","count":1},{"key":"2026-07-01T10:00:00+08:00","count":1}]}`,
		"f=csv&groupby=division:3&agg=sum(beds)":                                 "\ufeffdivision:3,count,sum(beds),name\n,3,1200,\n450103,2,300,青秀区\n",
		"f=csv&groupby=grid:10000&agg=count&limit=1":                             "\ufeffgrid:10000,count,lon,lat\n1206/260,2,108.3817390,22.7763912\n",
		"f=csv&groupby=name,open,founded&q=01":                                   "\ufeffname,open,founded,count\n示例医院01,false,2001-02-03,1\n",
		"f=geojson&groupby=status&division=450100":                               `{"type":"FeatureCollection","numberMatched":2,"numberReturned":2,"features":[` + "\n" + `{"type":"Feature","geometry":null,"properties":{"status":"full","count":2}},` + "\n" + `{"type":"Feature","geometry":null,"properties":{"status":"normal","count":1}}` + "\n]}",
	} {
		if a := s.get(path+query).want(t, 200); strings.TrimSpace(a.body) != strings.TrimSpace(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", query, a.body, want)
		}
	}
	var got struct {
		Features []struct {
			Geometry *struct {
				Type        string
				Coordinates json.RawMessage
			}
			Properties map[string]any
		}
	}
	s.get(path+"groupby=division:2,status", header("Accept", "application/geo+json")).want(t, 200).into(t, &got)
	if len(got.Features) != 4 {
		t.Fatalf("%d groups", len(got.Features))
	}
	for _, f := range got.Features {
		if f.Geometry == nil || f.Geometry.Type != "MultiPolygon" || f.Properties["division:2"] != "450100" && f.Properties["division:2"] != "450200" || f.Properties["name"] == "" {
			t.Errorf("%+v", f)
		}
	}
	for _, kind := range []string{"grid", "hex"} {
		s.get(path+"f=geojson&groupby="+kind+":50000").want(t, 200).into(t, &got)
		corners, total := map[string]int{"grid": 5, "hex": 7}[kind], 0.0
		for _, f := range got.Features {
			var rings [][][2]float64
			if err := json.Unmarshal(f.Geometry.Coordinates, &rings); err != nil || len(rings) != 1 || len(rings[0]) != corners || rings[0][0] != rings[0][corners-1] {
				t.Errorf("%s: %s, %v", kind, f.Geometry.Coordinates, err)
			}
			total += f.Properties["count"].(float64)
		}
		if total != 5 {
			t.Errorf("%s: %v features", kind, total)
		}
	}
	if a := s.get(path+"f=csv").want(t, 200); a.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("CSV is %q", a.Header.Get("Content-Type"))
	}
}

func TestAnAggregateThatHasNotChangedIsNotSentAgain(t *testing.T) {
	s := start(t)
	const path = "/api/collections/hospitals/aggregate?groupby=status"
	tag := s.get(path).want(t, 200).Header.Get("ETag")
	s.get(path, header("If-None-Match", tag)).want(t, 304)
	if other := s.get(path+"&f=csv").want(t, 200).Header.Get("ETag"); other == tag || tag == "" {
		t.Errorf("the table has the tag %s, the JSON %s", other, tag)
	}
	s.write("PATCH", hospitals+"/h01", `{"properties":{"status":"normal"}}`).want(t, 200)
	s.get(path, header("If-None-Match", tag)).want(t, 200)
}
