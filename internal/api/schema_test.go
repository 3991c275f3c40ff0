package api

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestALayersSchemasSayWhatThereIsToFilterToSortByAndToWrite(t *testing.T) {
	s := start(t)
	get := func(path string) jsonSchema {
		t.Helper()
		a := s.get("/api/collections/hospitals/"+path).want(t, 200)
		if got := a.Header.Get("Content-Type"); got != mediaSchema {
			t.Errorf("%s is %s", path, got)
		}
		var schema jsonSchema
		a.into(t, &schema)
		if schema.ID != s.URL+"/api/collections/hospitals/"+path || schema.Additional == nil || *schema.Additional {
			t.Errorf("%s: %+v", path, schema)
		}
		s.get("/api/collections/hospitals/"+path, header("If-None-Match", a.Header.Get("ETag"))).want(t, 304)
		return schema
	}
	q := get("queryables").Properties
	if g := q["geom"]; g == nil || g.Format != "geometry-point" || g.Role != "primary-geometry" {
		t.Errorf("the geometry: %+v", g)
	}
	if st := q["status"]; st == nil || st.Type != "string" || !slices.Equal(st.Enum, []string{"normal", "full"}) {
		t.Errorf("an enumeration: %+v", st)
	}
	if b := q["beds"]; b == nil || b.Type != "integer" || b.Minimum == nil || *b.Minimum != 0 {
		t.Errorf("a range: %+v", b)
	}
	if at := q["seen"]; at == nil || at.Format != "date-time" || at.Role != "primary-instant" || q["founded"].Format != "date" || q["id"].Role != "id" {
		t.Errorf("times: %+v", q)
	}
	if q["extra"] != nil {
		t.Error("JSON can't be compared")
	}
	// Each can be asked for, by its name.
	for name := range q {
		s.get(hospitals+"?filter="+url.QueryEscape(name+" IS NOT NULL")).want(t, 200)
	}
	for name := range get("sortables").Properties {
		s.get(hospitals+"?sortby="+url.QueryEscape(name)).want(t, 200)
	}
	all := get("schema")
	if all.Properties["extra"] == nil || all.Properties["geometry"] == nil || !slices.Equal(all.Required, []string{"name"}) {
		t.Errorf("the schema: %+v", all)
	}
	s.get("/api/collections/reservoirs/queryables").want(t, 404)
	s.get("/api/collections/hospitals/queryables?x=1").want(t, 400)
}

func TestAFilterChoosesItemsGroupsAndTiles(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		filter, lang string
		want         string
	}{
		{"beds > 200", "", "h03 h04 h05"},
		{"beds > 200 AND status = 'full'", "cql2-text", "h03 h05"},
		{`{"op":">","args":[{"property":"beds"},200]}`, "cql2-json", "h03 h04 h05"},
		{"S_INTERSECTS(geom, BBOX(108, 22, 109, 23))", "", "h01 h02 h03"},
		{"division('450103')", "", "h01 h02"},
		{"CASEI(name_en) LIKE casei('HOSPITAL 0%') AND seen < TIMESTAMP('2026-07-01T03:00:00Z')", "", "h01 h02"},
		{"beds > 10000", "", ""},
		{"id = 'h04'", "", "h04"},
	} {
		q := url.Values{"filter": {c.filter}}
		if c.lang != "" {
			q.Set("filter-lang", c.lang)
		}
		var page struct {
			NumberMatched int
			Features      []struct{ ID string }
		}
		s.get(hospitals+"?"+q.Encode()).want(t, 200).into(t, &page)
		var got []string
		for _, f := range page.Features {
			got = append(got, f.ID)
		}
		if strings.Join(got, " ") != c.want || page.NumberMatched != len(got) {
			t.Errorf("%s: %v, %d matched", c.filter, got, page.NumberMatched)
		}
		var groups struct{ Groups []struct{ Count int } }
		s.get("/api/collections/hospitals/aggregate?"+q.Encode()).want(t, 200).into(t, &groups)
		if len(groups.Groups) != 1 || groups.Groups[0].Count != len(got) {
			t.Errorf("%s: counted %v", c.filter, groups)
		}
		if lines := strings.Count(s.get(hospitals+"?f=ndjson&"+q.Encode()).want(t, 200).body, "\n"); lines != len(got) {
			t.Errorf("%s: %d lines", c.filter, lines)
		}
		status := 200
		if len(got) == 0 {
			status = 204
		}
		tile := s.get("/tiles/hospitals/6/51/27?"+q.Encode()).want(t, status)
		if n := strings.Count(tile.body, "示例医院"); n != len(got) {
			t.Errorf("%s: %d in the tile", c.filter, n)
		}
		var doc struct{ Tiles []string }
		s.get("/tiles/hospitals.json?"+q.Encode()).want(t, 200).into(t, &doc)
		address := strings.NewReplacer("{z}", "6", "{x}", "51", "{y}", "27", s.URL, "").Replace(doc.Tiles[0])
		if again := s.get(address).want(t, status); again.body != tile.body {
			t.Errorf("%s: TileJSON leads to another tile: %s", c.filter, address)
		}
	}
	for query, want := range map[string]string{
		"filter=beds+%3E":                      "filter column 7",
		"filter=bed+%3E+1":                     "filter column 1",
		"filter=beds+%3E+'1'":                  "filter column 8",
		"filter=%7B&filter-lang=cql2-json":     "filter",
		"filter=beds+%3E+1&filter-lang=sql":    "filter-lang",
		"filter=beds+%3E+1&filter-crs=EPSG:-1": "filter-crs",
		"filter=a&filter=b":                    "filter",
	} {
		for _, path := range []string{hospitals, "/api/collections/hospitals/aggregate", "/tiles/hospitals/6/51/27", "/tiles/hospitals.json"} {
			a := s.get(path+"?"+query).want(t, 400)
			field, column, _ := strings.Cut(want, " ")
			if !strings.Contains(a.fields(t), field) || !strings.Contains(a.body, column) || !strings.Contains(a.body, `"remedy"`) {
				t.Errorf("%s?%s: %s", path, query, a.body)
			}
		}
	}
	s.get("/tiles/hospitals,divisions/6/51/27?filter="+url.QueryEscape("beds > 1")).want(t, 400) // divisions have no beds
}
