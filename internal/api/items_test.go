package api

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"

	"github.com/twpayne/go-geom"

	"onemap/layers"
)

func TestTheLandingPageLeadsToEverythingAndEveryLinkAnswers(t *testing.T) {
	s := start(t)
	var landing struct{ Links []link }
	s.get("/api").want(t, 200).into(t, &landing)
	rels := map[string]bool{}
	for _, l := range landing.Links {
		rels[l.Rel] = true
		path, ok := strings.CutPrefix(l.Href, s.URL)
		if !ok {
			t.Errorf("the link %s leads away from %s", l.Href, s.URL)
		}
		if l.Rel == "service-doc" {
			continue // a page of package web; the command's tests open it
		}
		a := s.get(path).want(t, 200)
		if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, l.Type) {
			t.Errorf("%s is %q, the link says %q", path, got, l.Type)
		}
	}
	for _, rel := range []string{"self", "service-desc", "service-doc", "conformance", "data"} {
		if !rels[rel] {
			t.Errorf("no link with rel %s", rel)
		}
	}
	s.get("/api/").want(t, 200)
}

func TestACollectionTellsItsExtentItsLayerAndItsState(t *testing.T) {
	s := start(t)
	var c struct {
		ID, Title, Description, ItemType string
		CRS                              []string
		Extent                           extent
		Links                            []link
		Layer                            layers.Layer
		Status                           status
	}
	s.get("/api/collections/hospitals").want(t, 200).into(t, &c)
	if c.ID != "hospitals" || c.Title != "示例医院" || c.ItemType != "feature" || len(c.CRS) < 2 || c.CRS[0] != crs84 {
		t.Errorf("got %+v", c)
	}
	if len(c.Extent.Spatial.BBox) != 1 {
		t.Fatalf("extent %v", c.Extent.Spatial.BBox)
	}
	for i, want := range []float64{108.35, 22.75, 109.5, 24.4} { // an index may round outwards
		if got := c.Extent.Spatial.BBox[0][i]; math.Abs(got-want) > 1e-4 {
			t.Errorf("extent %v has %v at %d, want %v", c.Extent.Spatial.BBox, got, i, want)
		}
	}
	if c.Layer.Schema[0].Role != layers.RoleName || c.Layer.Department.Name.Zh != "卫生健康委" {
		t.Errorf("layer %+v", c.Layer)
	}
	if c.Status.Count != 5 || c.Status.Updated == nil || c.Status.Freshness != layers.Fresh || c.Status.AgeSeconds > 3600 {
		t.Errorf("status %+v", c.Status)
	}
	for _, l := range c.Links {
		s.get(strings.TrimPrefix(l.Href, s.URL)).want(t, 200)
	}
}

func TestItemsAreChosenByPlaceTimeDivisionTextAndAttribute(t *testing.T) {
	s := start(t)
	for _, c := range []struct{ query, want string }{
		{"", "h01 h02 h03 h04 h05"},
		{"bbox=108,22,109,23", "h01 h02 h03"},
		{"bbox=108.35,22.75,108.35,22.75", "h01"},
		{"bbox=108,22,-100,109,23,100", "h01 h02 h03"},
		{"bbox=109,20,108.4,30", "h04 h05 h01 h02"}, // round the world the other way
		{"datetime=2026-07-01T02:00:00Z", "h02"},
		{"datetime=2026-07-01T02:00:00Z/2026-07-01T03:00:00Z", "h02 h03"},
		{"datetime=2026-07-01T04:00:00Z/..", "h04 h05"},
		{"datetime=../2026-07-01T01:00:00Z", "h01"},
		{"datetime=2026-07-01T10:00:00%2B08:00", "h02"},
		{"datetime=2026-07-01T10:00:00+08:00", "h02"},
		{"datetime=../..", "h01 h02 h03 h04 h05"},
		{"division=450100", "h01 h02 h03"},
		{"division=450103", "h01 h02"},
		{"division=450103001", "h01"},
		{"division=450000", "h01 h02 h03 h04 h05"},
		{"q=" + url.QueryEscape("医院03"), "h03"},
		{"q=hospital+0", "h01 h02 h03 h04 h05"},
		{"q=%25", ""},
		{"name=" + url.QueryEscape("示例医院02"), "h02"},
		{"beds=300", "h03"},
		{"beds=300.0", "h03"},
		{"load=0.3", "h03"},
		{"open=true", "h02 h04"},
		{"founded=2001-02-03&limit=2", "h01 h02"},
		{"status=full&division=450200", "h05"},
		{"status=full&open=true", ""},
		{"name_en=", ""},
		{"sortby=-beds", "h05 h04 h03 h02 h01"},
		{"sortby=beds&limit=2", "h01 h02"},
		{"sortby=%2Bbeds&limit=1", "h01"},
		{"sortby=status,-beds", "h05 h03 h01 h04 h02"},
		{"sortby=-open,%2Bstatus,beds&limit=3", "h02 h04 h01"},
		{"limit=99999", "h01 h02 h03 h04 h05"},
	} {
		if got := s.page("/api/collections/hospitals/items?" + c.query).ids(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.query, got, c.want)
		}
	}
}

func TestAParameterThatCannotBeUsedIsNamedTogetherWithAllOthers(t *testing.T) {
	s := start(t)
	for _, c := range []struct{ query, fields string }{
		{"bbox=1,2,3", "bbox"},
		{"bbox=1,2,3&limit=0&datetime=never&division=4501&sortby=nothing&beds=many&colour=red", "sortby limit bbox datetime division beds colour"},
		{"limit=1&limit=2", "limit"},
		{"Limit=1", "Limit"},
		{"offset=10", "offset"},
		{"f=kml", "f"},
		{"f=csv&csv-geometry=point", "csv-geometry"},
		{"csv-geometry=wkt", "csv-geometry"},
		{"f=gpkg&csv-geometry=wkt&colour=red", "colour csv-geometry"},
		{"extra=1", "extra"},
		{"sortby=extra", "sortby"},
		{"sortby=", "sortby"},
		{"sortby=beds,-beds", "sortby"},
		{"sortby=status,nothing", "sortby"},
		{"sortby=beds,load,open,name,status", "sortby"},
		{"cursor=nonsense", "cursor"},
		{"bbox=170,-10,-170,10&cursor=nonsense", "cursor"},
		{"q=" + strings.Repeat("x", 201), "q"},
		{"q=%ff", "q"},
		{"name=%ff", "name"},
		{"status=%zz", ""},
	} {
		a := s.get("/api/collections/hospitals/items?" + c.query)
		a.want(t, 400)
		if got := a.fields(t); got != c.fields {
			t.Errorf("%s: got %q, want %q: %s", c.query, got, c.fields, a.body)
		}
	}
	if body := s.get("/api/collections/hospitals/items?colour=red").body; !strings.Contains(body, "bbox, datetime, division") {
		t.Errorf("it does not say what is allowed: %s", body)
	}
	for _, path := range []string{"/api", "/api/conformance", "/api/openapi.json", "/api/collections", "/api/collections/hospitals", "/api/collections/hospitals/items/h01",
		"/api/themes", "/api/session", "/api/settings", "/api/stats", "/api/scenes", "/api/divisions/450100", "/api/join/credit_code/x", "/tiles/hospitals/0/0/0", "/tiles/hospitals.json"} {
		if got := s.get(path+"?surprise=1").want(t, 400).fields(t); got != "surprise" {
			t.Errorf("%s: %q", path, got)
		}
	}
}

func TestALayerWithoutTimeIsNotFilteredByTime(t *testing.T) {
	s := start(t)
	if p := s.page("/api/collections/divisions/items?datetime=1999-01-01"); len(p.Features) != 4 {
		t.Errorf("got %s", p.ids())
	}
}

func TestFollowingNextVisitsEveryFeatureOnceInEveryOrder(t *testing.T) {
	s := start(t)
	var edits []layers.Edit
	for n := 6; n < 60; n++ {
		edits = append(edits, hospital(n, 105+float64(n)/20, 23, "450200"))
	}
	if _, err := s.store.Apply(t.Context(), layers.Actor{}, "hospitals", edits); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"limit=7", "limit=7&sortby=-load", "limit=7&sortby=status", "limit=7&sortby=-status,load", "limit=59", "limit=7&bbox=104,20,113,27", "limit=7&bbox=106,20,105.96,27"} {
		seen := map[string]bool{}
		path := "/api/collections/hospitals/items?" + query
		for pages := 0; path != ""; pages++ {
			p := s.page(path)
			for _, f := range p.Features {
				if seen[f.ID] {
					t.Fatalf("%s: %s twice", query, f.ID)
				}
				seen[f.ID] = true
			}
			if crossing := strings.Contains(query, "bbox=106"); !crossing && (p.NumberMatched == nil || *p.NumberMatched != 59) {
				t.Errorf("%s: numberMatched %v", query, p.NumberMatched)
			}
			if pages > 20 {
				t.Fatalf("%s: no end", query)
			}
			path = strings.TrimPrefix(p.link("next"), s.URL)
		}
		if len(seen) != 59 {
			t.Errorf("%s: %d features", query, len(seen))
		}
	}
	p := s.page("/api/collections/hospitals/items?limit=7&sortby=beds")
	next, err := url.Parse(p.link("next"))
	if err != nil {
		t.Fatal(err)
	}
	q := next.Query()
	q.Set("sortby", "-beds")
	s.get(next.Path+"?"+q.Encode()).want(t, 400) // a cursor belongs to its query
}

func TestAFeatureHasItsAttributesInTheDeclaredOrderAndFullPrecision(t *testing.T) {
	s := start(t)
	s.write("PUT", "/api/collections/hospitals/items/h09", `{"type":"Feature","geometry":{"type":"Point","coordinates":[108.12345678901234,22.1,7.25]},
		"properties":{"load":0.30000000000000004,"beds":9007199254740993,"name":"示例\"9","seen":"2026-07-01T08:00:00.123+08:00","extra":{"b":[1.50,null]}}}`).want(t, 201)
	a := s.get("/api/collections/hospitals/items/h09").want(t, 200)
	if got := a.Header.Get("Content-Type"); got != mediaGeoJSON {
		t.Errorf("Content-Type %q", got)
	}
	want := `"geometry":{"type":"Point","coordinates":[108.12345678901234,22.1,7.25]},"properties":{"name":"示例\"9","name_en":null,"division":null,"credit_code":null,` +
		`"beds":9007199254740993,"load":0.30000000000000004,"open":null,"founded":null,"seen":"2026-07-01T00:00:00.123Z","status":null,"extra":{"b":[1.50,null]}}`
	if !strings.Contains(a.body, want) {
		t.Errorf("got  %s\nwant %s", a.body, want)
	}
	var f struct{ Links []link }
	a.into(t, &f)
	for _, l := range f.Links {
		s.get(strings.TrimPrefix(l.Href, s.URL)).want(t, 200)
	}
	if p := s.page("/api/collections/hospitals/items?name_en=&name=" + url.QueryEscape(`示例"9`)); p.ids() != "h09" {
		t.Errorf("null filter: %q", p.ids())
	}
}

func TestAnIdMayHoldAnythingThatAPathCanCarry(t *testing.T) {
	s := start(t)
	for _, id := range []string{"a/b", "甲 乙", "50%", "a%2Fb", "x?y#z", "slash/", `"q"`, "a+b", "..x", "{id}", "a,b;c"} {
		body, _ := json.Marshal(map[string]any{"type": "Feature", "id": id, "geometry": nil, "properties": map[string]any{"name": "n"}})
		a := s.write("POST", "/api/collections/hospitals/items", string(body)).want(t, 201)
		var f struct{ ID string }
		s.get(strings.TrimPrefix(a.Header.Get("Location"), s.URL)).want(t, 200).into(t, &f)
		if f.ID != id {
			t.Errorf("%q is at %s, which has %q", id, a.Header.Get("Location"), f.ID)
		}
	}
}

func sorted(list string) string {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return strings.Join(sortedKeys(m), " ")
}

func TestSearchFindsDivisionsFirstAndThenTheLayersInTurn(t *testing.T) {
	s := start(t)
	find := func(query string, change ...with) string {
		var got struct{ Results []result }
		s.get("/api/search?"+query, change...).want(t, 200).into(t, &got)
		text := ""
		for _, r := range got.Results {
			if r.Title == "" || r.Center[0] < 100 || r.BBox[0] > r.BBox[2] || r.LayerTitle.Zh == "" {
				t.Errorf("%s: %+v", query, r)
			}
			text += " " + r.Layer + "/" + r.ID
		}
		return strings.TrimSpace(text)
	}
	for query, want := range map[string]string{
		"q=" + url.QueryEscape("南宁"):              "divisions/450100",
		"q=" + url.QueryEscape("新竹"):              "townships/450103001",
		"q=" + url.QueryEscape("示例医院02"):          "hospitals/h02",
		"q=HOSPITAL+03":                           "hospitals/h03",
		"q=45&limit=3":                            "divisions/450000 divisions/450100 divisions/450200",
		"q=division":                              "divisions/450000 divisions/450100 divisions/450200 divisions/450103",
		"q=" + url.QueryEscape("示例水库"):            "",
		"q=nowhere":                               "",
		"q=" + url.QueryEscape("示例") + "&limit=2": "hospitals/h01 hospitals/h02",
	} {
		if got := find(query); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	if got := find("q="+url.QueryEscape("示例")+"&limit=3", bearer(s.tokens.Official())); got != "hospitals/h01 reservoirs/r1 hospitals/h02" {
		t.Errorf("the layers do not take turns: %q", got)
	}
	labels := &layers.Layer{ID: "names", Title: layers.Text{Zh: "地名注记"}, Department: layers.Department{ID: "survey"}, Sharing: layers.Unconditional, Open: true,
		UpdateCycle: layers.Yearly, Geometry: layers.Point, Display: layers.Display{Base: "label"},
		Schema: layers.Schema{{Name: "name", Type: layers.String, Role: layers.RoleName}, {Name: "division", Type: layers.String, Role: layers.RoleDivision}}}
	if _, err := s.store.DefineLayer(t.Context(), layers.Actor{}, labels); err != nil {
		t.Fatal(err)
	}
	_, err := s.store.Apply(t.Context(), layers.Actor{}, labels.ID, []layers.Edit{
		{Op: layers.Put, ID: "town", Geometry: geom.NewPointFlat(geom.XY, []float64{108.35, 22.75}), Properties: map[string]any{"name": "新竹街道", "division": "450103001"}},
		{Op: layers.Put, ID: "hill", Geometry: geom.NewPointFlat(geom.XY, []float64{108.36, 22.75}), Properties: map[string]any{"name": "新竹山", "division": "450103001"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := find("q=" + url.QueryEscape("新竹")); got != "townships/450103001 names/hill" {
		t.Errorf("a division and its label: %q", got)
	}
	for query, fields := range map[string]string{"": "q", "q=": "q", "q=+": "q", "q=x&limit=0": "limit"} {
		if got := s.get("/api/search?"+query).want(t, 400).fields(t); got != fields {
			t.Errorf("%q: %q", query, got)
		}
	}
}

func TestADivisionsProfileCountsWhatEveryDepartmentHasInsideIt(t *testing.T) {
	s := start(t)
	read := func(code string, change ...with) (p profile, counts string) {
		s.get("/api/divisions/"+code, change...).want(t, 200).into(t, &p)
		for _, d := range p.Departments {
			for _, l := range d.Layers {
				counts += fmt.Sprintf(" %s/%s:%d", d.Department.ID, l.ID, l.Count)
			}
		}
		return p, strings.TrimSpace(counts)
	}
	p, counts := read("450100")
	if counts != "health/hospitals:3" {
		t.Errorf("counts %q", counts)
	}
	d := p.Division
	if d.Name != "南宁市" || d.Level != 2 || d.Parent != "450000" || d.Population2020 == nil || *d.Population2020 != 8741584 || *d.BBox != [4]float64{107.5, 22, 109, 23.5} || *d.Center != [2]float64{108.25, 22.75} {
		t.Errorf("division %+v", d)
	}
	if len(p.Children) != 1 || p.Children[0] != (divisionRef{"450103", "青秀区", "Division 450103", 3}) {
		t.Errorf("children %+v", p.Children)
	}
	if p, _ := read("450000"); len(p.Children) != 2 || p.Division.Parent != "" {
		t.Errorf("the region: %+v", p)
	}
	if p, _ := read("450103"); len(p.Children) != 1 || p.Children[0].Name != "新竹街道" || p.Children[0].Level != 4 {
		t.Errorf("a county's children: %+v", p.Children)
	}
	if p, _ := read("450103001"); p.Division.Name != "新竹街道" || p.Division.Parent != "450103" || len(p.Children) != 0 {
		t.Errorf("a township: %+v", p)
	}
	if _, counts := read("450103", bearer(s.tokens.Official())); counts != "health/hospitals:2 water-reservoirs/reservoirs:1" {
		t.Errorf("officials see %q", counts)
	}
	for _, code := range []string{"450999", "4501", "45010x", "甲"} {
		s.get("/api/divisions/"+url.PathEscape(code)).want(t, 404)
	}
}

func TestAJoinShowsOneEnterpriseAsEveryDepartmentKnowsIt(t *testing.T) {
	s := start(t)
	read := func(path string, change ...with) string {
		var j struct {
			Role, Value string
			Layers      []struct {
				Layer         layers.Layer
				NumberMatched int
				Features      []struct{ ID string }
			}
		}
		s.get(path, change...).want(t, 200).into(t, &j)
		text := ""
		for _, l := range j.Layers {
			for _, f := range l.Features {
				text += fmt.Sprintf(" %s/%s/%s", l.Layer.Department.ID, l.Layer.ID, f.ID)
			}
		}
		return strings.TrimSpace(text)
	}
	code := "91450000DEMO000001"
	if got := read("/api/join/credit_code/" + code); got != "health/hospitals/h01" {
		t.Errorf("the public sees %q", got)
	}
	if got := read("/api/join/credit_code/"+code, bearer(s.tokens.Official())); got != "health/hospitals/h01 water-reservoirs/reservoirs/r1" {
		t.Errorf("officials see %q", got)
	}
	if got := read("/api/join/division/450200"); got != "survey/divisions/450200 health/hospitals/h04 health/hospitals/h05" {
		t.Errorf("a division: %q", got)
	}
	if got := read("/api/join/credit_code/none"); got != "" {
		t.Errorf("nothing: %q", got)
	}
	s.get("/api/join/name/x").want(t, 404)
}

func TestStatsSessionAndSettingsSayHowThingsStand(t *testing.T) {
	s := start(t)
	var stats struct {
		Time, Position string
		Layers         []layerStatus
	}
	s.get("/api/stats").want(t, 200).into(t, &stats)
	if len(stats.Layers) != 3 || stats.Layers[1].ID != "hospitals" || stats.Layers[1].Count != 5 || !strings.Contains(stats.Position, ":") {
		t.Errorf("got %+v", stats)
	}
	for token, want := range map[string]string{
		"":                  `{"view":"public","canWrite":false,"wall":false}`,
		s.tokens.Official(): `{"view":"official","canWrite":false,"wall":false}`,
		s.tokens.Writer():   `{"view":"writer","canWrite":true,"wall":false}`,
		s.tokens.Wall():     `{"view":"official","canWrite":false,"wall":true}`,
	} {
		if got := strings.TrimSpace(s.get("/api/session", cookie(token)).want(t, 200).body); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	var set Settings
	s.get("/api/settings").want(t, 200).into(t, &set)
	if set.Title.Zh != "政务数据一张图" || set.ReviewCaption.Zh != "演示底图，未经审图，仅限内部测试，不得公开" || set.SchematicCaption.Zh != "本图界线仅为示意，不作为国界和行政区域界线依据" ||
		set.SyntheticCaption.Zh != "演示数据，非真实情况" || set.Bounds != [4]float64{103.5, 20.2, 113, 27} {
		t.Errorf("got %+v", set)
	}
	reviewed := start(t, func(d *Deps) {
		d.Settings.ReviewNumber = "桂S(2026)00号"
		d.Scenes = func() any { return []string{"overview"} }
	})
	reviewed.get("/api/settings").want(t, 200).into(t, &set)
	if set.ReviewCaption.Zh != "审图号：桂S(2026)00号" {
		t.Errorf("got %+v", set.ReviewCaption)
	}
	if got := strings.TrimSpace(reviewed.get("/api/scenes").want(t, 200).body); got != `["overview"]` {
		t.Errorf("scenes %s", got)
	}
}

func TestAPageNeedNotBeCounted(t *testing.T) {
	s := start(t)
	var page struct {
		NumberMatched  *int
		NumberReturned int
		Links          []link
	}
	s.get(hospitals+"?limit=2&number-matched=false").want(t, 200).into(t, &page)
	if page.NumberMatched != nil || page.NumberReturned != 2 {
		t.Errorf("%+v", page)
	}
	for _, l := range page.Links { // nor the next
		if l.Rel == "next" && !strings.Contains(l.Href, "number-matched=false") {
			t.Errorf("%s", l.Href)
		}
	}
	s.get(hospitals+"?number-matched=maybe").want(t, 400)
}

func TestAPageIsSentAgainOnlyWhenSomethingWasWritten(t *testing.T) {
	s := start(t)
	const page = "/api/collections/hospitals/items?limit=2"
	tag := s.get(page).want(t, 200).Header.Get("ETag")
	s.get(page, header("If-None-Match", tag)).want(t, 304)
	for _, other := range []string{page + "&sortby=beds", page + "&f=ndjson"} {
		s.get(other, header("If-None-Match", tag)).want(t, 200)
	}
	s.get(page, header("If-None-Match", tag), bearer(s.tokens.Official())).want(t, 200)
	if a := s.get(page+"&cursor=x", header("If-None-Match", `"x"`)).want(t, 400); a.Header.Get("ETag") != "" {
		t.Errorf("an error has the tag %s", a.Header.Get("ETag"))
	}
	s.write("PATCH", "/api/collections/hospitals/items/h05", `{"properties":{"beds":7}}`).want(t, 200)
	if fresh := s.get(page, header("If-None-Match", tag)).want(t, 200).Header.Get("ETag"); fresh == tag || fresh == "" {
		t.Errorf("after a write the tag is %q", fresh)
	}
}
