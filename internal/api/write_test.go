package api

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"onemap/internal/geojson"
	"onemap/layers"
)

const hospitals = "/api/collections/hospitals/items"

func TestAFeatureIsCreatedReadPatchedReplacedAndDeleted(t *testing.T) {
	s := start(t)
	a := s.write("POST", hospitals, `{"type":"Feature","id":"n1","geometry":{"type":"Point","coordinates":[108.1,22.1]},"properties":{"name":"甲","beds":"12","extra":{"a":1,"b":{"c":2}}}}`).want(t, 201)
	if got := a.Header.Get("Location"); got != s.URL+hospitals+"/n1" {
		t.Errorf("Location %q", got)
	}
	created := a.Header.Get("ETag")
	var rc receipt
	a.into(t, &rc)
	if len(rc.Results) != 1 || rc.Results[0].ID != "n1" || !rc.Results[0].Created || rc.Results[0].Version != rc.Cursor.Position || a.Header.Get(positionHeader) != rc.Cursor.String() {
		t.Errorf("receipt %s", a.body)
	}
	if got := s.get(hospitals+"/n1").want(t, 200).Header.Get("ETag"); got != created || !strings.HasPrefix(got, fmt.Sprintf(`"%s-%d-`, rc.Cursor.Epoch, rc.Cursor.Position)) {
		t.Errorf("ETag %s after creation, %s when read", created, got)
	}
	s.write("PATCH", hospitals+"/n1", `{"properties":{"beds":13,"credit_code":"x","extra":{"b":{"d":3},"a":null}}}`).want(t, 200)
	body := s.get(hospitals + "/n1").body
	for _, want := range []string{`"name":"甲"`, `"beds":13`, `"credit_code":"x"`, `"extra":{"b":{"c":2,"d":3}}`, `"coordinates":[108.1,22.1]`} {
		if !strings.Contains(body, want) {
			t.Errorf("patched: no %s in %s", want, body)
		}
	}
	s.write("PATCH", hospitals+"/n1", `{"type":"Feature","id":"n1","geometry":null,"properties":{"beds":null,"extra":[1]}}`).want(t, 200)
	body = s.get(hospitals + "/n1").body
	for _, want := range []string{`"geometry":null`, `"beds":null`, `"extra":[1]`, `"name":"甲"`} {
		if !strings.Contains(body, want) {
			t.Errorf("patched again: no %s in %s", want, body)
		}
	}
	s.write("PUT", hospitals+"/n1", `{"type":"Feature","geometry":null,"properties":{"name":"乙"}}`).want(t, 200)
	if body := s.get(hospitals + "/n1").body; !strings.Contains(body, `"name":"乙"`) || !strings.Contains(body, `"extra":null`) {
		t.Errorf("replaced: %s", body)
	}
	a = s.write("PUT", hospitals+"/n2", `{"type":"Feature","id":"n2","geometry":null,"properties":{"name":"丙"}}`).want(t, 201)
	if a.Header.Get("Location") != s.URL+hospitals+"/n2" {
		t.Errorf("Location %q", a.Header.Get("Location"))
	}
	if a := s.write("DELETE", hospitals+"/n1", "").want(t, 204); a.body != "" || a.Header.Get(positionHeader) == "" {
		t.Errorf("deleted: %q %v", a.body, a.Header)
	}
	s.get(hospitals+"/n1").want(t, 404)
	s.write("DELETE", hospitals+"/n1", "").want(t, 404)
	s.write("PATCH", hospitals+"/n1", `{"properties":{"beds":1}}`).want(t, 404)
	s.write("POST", hospitals, `{"type":"Feature","id":"n2","geometry":null,"properties":{"name":"again"}}`).want(t, 409)
	a = s.write("POST", hospitals, `{"type":"Feature","geometry":null,"properties":{"name":"an id is given"}}`, header("Content-Type", "application/json; charset=utf-8")).want(t, 201)
	s.get(strings.TrimPrefix(a.Header.Get("Location"), s.URL)).want(t, 200)
}

func TestACollectionIsStoredAllOrNothing(t *testing.T) {
	s := start(t)
	a := s.write("POST", hospitals, `{"type":"FeatureCollection","features":[
		{"type":"Feature","id":"h01","geometry":null,"properties":{"name":"replaced"}},
		{"type":"Feature","id":7,"geometry":null,"properties":{"name":"created"}},
		{"type":"Feature","geometry":null,"properties":{"name":"gets an id"}}]}`).want(t, 200)
	var rc receipt
	a.into(t, &rc)
	if len(rc.Results) != 3 || rc.Results[0].Created || rc.Results[0].ID != "h01" || !rc.Results[1].Created || rc.Results[1].ID != "7" || rc.Results[2].ID == "" {
		t.Errorf("receipt %s", a.body)
	}
	before := s.page(hospitals).ids()
	a = s.write("POST", hospitals, `{"type":"FeatureCollection","features":[
		{"type":"Feature","id":"x1","geometry":null,"properties":{"name":"good"}},
		{"type":"Feature","id":"x2","geometry":null,"properties":{"name":"bad","status":"open","beds":-1}},
		{"type":"Feature","id":"x3","geometry":{"type":"Point","coordinates":[22.8,108.3]},"properties":{"name":"latitude first","level":1}},
		{"type":"Feature","id":"x4","geometry":null,"properties":{}}]}`).want(t, 400)
	if got, want := a.fields(t), "features[1].properties.beds features[1].properties.status features[2].geometry features[2].properties.level features[3].properties.name"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if after := s.page(hospitals).ids(); after != before {
		t.Errorf("something of the refused collection is stored: %s", after)
	}
	s.write("POST", hospitals, `{"type":"FeatureCollection","features":[]}`).want(t, 200)
}

func TestViolationsAreNamedInTermsOfWhatWasSent(t *testing.T) {
	s := start(t)
	const feature = `{"type":"Feature","geometry":null,"properties":{"name":"n"}}`
	for _, c := range []struct{ method, path, body, fields string }{
		{"POST", hospitals, `{"type":"Feature","geometry":null,"properties":{"name":"n","level":1,"beds":1.5}}`, "properties.beds properties.level"},
		{"PUT", hospitals + "/x", `{"type":"Feature","geometry":null,"properties":{"name":7.5,"seen":"soon"}}`, "properties.seen"},
		{"PATCH", hospitals + "/h01", `{"properties":{"name":null,"open":"perhaps"}}`, "properties.name properties.open"},
		{"PATCH", hospitals + "/h01", `{"geometry":{"type":"Polygon","coordinates":[]}}`, "geometry"},
		{"POST", hospitals, `{"type":"Feature","properties":{"name":"n"}}`, "geometry"},
		{"POST", hospitals, `{"type":"Feature","geometry":{"type":"Point","coordinates":[1]},"properties":{}}`, "geometry.coordinates"},
		{"POST", hospitals, `{"type":"Feature","geometry":{"type":"Point","coordinates":[1,"2"]},"properties":{}}`, "geometry.coordinates"},
		{"POST", hospitals, `{"type":"Feature","geometry":{"type":"Circle"},"properties":{}}`, "geometry.type"},
		{"POST", hospitals, `{"type":"FeatureCollection","features":[` + feature + `,{"type":"Feature","geometry":{"type":"Point","coordinates":[]},"properties":[]},7]}`, "features[1].properties features[2]"},
		{"POST", hospitals, `{"type":"FeatureCollection","features":[{"type":"Feature","id":"a","geometry":null},{"type":"Feature","id":"a","geometry":null}]}`, "features[1].id"},
		{"POST", hospitals, `{"type":"FeatureCollection"}`, "features"},
		{"POST", hospitals, `{"type":"FeatureCollection","features":{}}`, "features"},
		{"POST", hospitals, `{"type":"Point","coordinates":[1,2]}`, "type"},
		{"POST", hospitals, `{"type":"Feature","geometry":null,"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::3857"}}}`, "crs"},
		{"POST", hospitals, `{"type":"Feature","geometry":null,"crs":{"type":"link"}}`, "crs"},
		{"POST", hospitals, "{\"type\":\"Feature\",\"geometry\":null,\"properties\":{\"name\":\"\xb9\xe3\"}}", "body"}, // GBK
		{"PUT", hospitals + "/h01", `{"type":"Feature","id":"h02","geometry":null,"properties":{"name":"n"}}`, "id"},
		{"PUT", hospitals + "/h01", `{"type":"FeatureCollection","features":[]}`, "type"},
		{"PATCH", hospitals + "/h01", `{"id":"h02"}`, "id"},
		{"PATCH", hospitals + "/h01", `{"beds":7}`, "beds"},
		{"PATCH", hospitals + "/h01", `{"properties":null}`, "properties"},
		{"PATCH", hospitals + "/h01", `{"type":"Point"}`, "type"},
	} {
		a := s.write(c.method, c.path, c.body).want(t, 400)
		if got := a.fields(t); got != c.fields {
			t.Errorf("%s %s: got %q, want %q: %s", c.method, c.body, got, c.fields, a.body)
		}
	}
	for _, body := range []string{"", "{", "null", "[]", `"x"`, "7", `{"type":"Feature"} {}`, "\x1f\x8b", strings.Repeat("[", 100000)} {
		for _, method := range []string{"POST", "PUT", "PATCH"} {
			path := hospitals
			if method != "POST" {
				path += "/h01"
			}
			a := s.write(method, path, body).want(t, 400)
			a.fields(t)
		}
	}
	for _, crs := range []string{"urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4490"} {
		s.write("POST", hospitals, `{"type":"Feature","geometry":null,"properties":{"name":"n"},"crs":{"type":"name","properties":{"name":"`+crs+`"}}}`).want(t, 201)
	}
	s.write("POST", hospitals, "\uFEFF"+feature).want(t, 201)
}

func TestAWriteWithAnOldVersionIsRefused(t *testing.T) {
	s := start(t)
	path := hospitals + "/h01"
	old := s.get(path).want(t, 200).Header.Get("ETag")
	put := func(name string) string {
		return `{"type":"Feature","geometry":null,"properties":{"name":"` + name + `"}}`
	}
	newer := s.write("PUT", path, put("v2"), header("If-Match", old)).want(t, 200).Header.Get("ETag")
	if newer == old || s.get(path).Header.Get("ETag") != newer {
		t.Errorf("ETags %s, %s, %s", old, newer, s.get(path).Header.Get("ETag"))
	}
	for _, c := range []struct{ method, path, body string }{{"PUT", path, put("v3")}, {"PATCH", path, `{"properties":{"beds":1}}`}, {"PATCH", path, `{"properties":{"extra":{"a":1}}}`}, {"DELETE", path, ""}} {
		s.write(c.method, c.path, c.body, header("If-Match", old)).want(t, 412).fields(t)
		s.write(c.method, c.path, c.body, header("If-Match", `"elsewhere-1"`)).want(t, 412)
		s.write(c.method, c.path, c.body, header("If-Match", "nonsense")).want(t, 400)
		s.write(c.method, c.path, c.body, header("If-None-Match", newer)).want(t, 400)
	}
	if body := s.get(path).body; !strings.Contains(body, `"name":"v2"`) {
		t.Errorf("a refused write was done: %s", body)
	}
	// By the version alone, as the live protocol tells it.
	short := newer[:strings.LastIndex(newer, "-")] + `"`
	s.write("PATCH", path, `{"properties":{"beds":2}}`, header("If-Match", `"x-1", `+short)).want(t, 200)
	s.write("PATCH", path, `{"properties":{"extra":{"a":1}}}`, header("If-Match", s.get(path).Header.Get("ETag"))).want(t, 200)
	s.write("PUT", path, put("v4"), header("If-Match", "*")).want(t, 200)
	s.write("PUT", path, put("v5"), header("If-None-Match", "*")).want(t, 412)
	s.write("PUT", hospitals+"/new", put("v1"), header("If-Match", "*")).want(t, 412)
	s.write("PUT", hospitals+"/new", put("v1"), header("If-None-Match", "*")).want(t, 201)
	s.write("DELETE", hospitals+"/new", "", header("If-Match", "*")).want(t, 204)
}

func TestOfTwoWritersWithTheSameVersionOneWins(t *testing.T) {
	s := start(t)
	tag := s.get(hospitals + "/h01").Header.Get("ETag")
	statuses := make([]int, 8)
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() {
			r, _ := http.NewRequest("PATCH", s.URL+hospitals+"/h01", strings.NewReader(fmt.Sprintf(`{"properties":{"beds":%d}}`, i)))
			r.Header.Set("Authorization", "Bearer "+s.tokens.Writer())
			r.Header.Set("Content-Type", mediaPatch)
			r.Header.Set("If-Match", tag)
			resp, err := s.Client().Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			statuses[i] = resp.StatusCode
		})
	}
	wg.Wait()
	won := 0
	for _, status := range statuses {
		if status == 200 {
			won++
		} else if status != 412 {
			t.Errorf("status %d", status)
		}
	}
	if won != 1 {
		t.Errorf("%d writers won", won)
	}
}

func TestMergedPatchesOfManyWritersLoseNothing(t *testing.T) {
	s := start(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			r, _ := http.NewRequest("PATCH", s.URL+hospitals+"/h01", strings.NewReader(fmt.Sprintf(`{"properties":{"extra":{"w%d":1}}}`, i)))
			r.Header.Set("Authorization", "Bearer "+s.tokens.Writer())
			r.Header.Set("Content-Type", mediaPatch)
			resp, err := s.Client().Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if resp.StatusCode != 200 {
				t.Errorf("status %d", resp.StatusCode)
			}
		})
	}
	wg.Wait()
	if body := s.get(hospitals + "/h01").body; !strings.Contains(body, `"extra":{"floors":3,"w0":1,"w1":1,"w2":1,"w3":1}`) {
		t.Errorf("got %s", body)
	}
}

func TestOnlyTheWriterWrites(t *testing.T) {
	s := start(t)
	const body = `{"type":"Feature","geometry":null,"properties":{"name":"n"}}`
	own := header("Sec-Fetch-Site", "same-origin")
	for _, c := range []struct {
		name   string
		status int
		with   []with
	}{
		{"nobody", 401, nil},
		{"a wrong token", 401, []with{bearer("wrong")}},
		{"an old cookie", 401, []with{cookie("gone")}},
		{"an official", 403, []with{bearer(s.tokens.Official())}},
		{"an official's page", 403, []with{cookie(s.tokens.Official()), own}},
		{"the wall", 403, []with{bearer(s.tokens.Wall())}},
		{"the wall's page", 403, []with{cookie(s.tokens.Wall()), own}},
		{"another site's page with the writer's cookie", 403, []with{cookie(s.tokens.Writer()), header("Sec-Fetch-Site", "cross-site"), header("Origin", "https://elsewhere.example")}},
		{"a sister site's page", 403, []with{cookie(s.tokens.Writer()), header("Sec-Fetch-Site", "same-site")}},
		{"an old browser on another site", 403, []with{cookie(s.tokens.Writer()), header("Origin", "https://elsewhere.example")}},
		{"the writer's page", 201, []with{cookie(s.tokens.Writer()), own}},
		{"the writer", 201, []with{bearer(s.tokens.Writer())}},
		{"the writer's program behind a page", 201, []with{bearer(s.tokens.Writer()), header("Origin", "https://elsewhere.example")}},
	} {
		a := s.send("POST", hospitals, body, append(c.with, header("Content-Type", mediaGeoJSON))...)
		if a.StatusCode != c.status {
			t.Errorf("%s: %d, want %d: %s", c.name, a.StatusCode, c.status, a.body)
		}
		if challenge := a.Header.Get("WWW-Authenticate"); (challenge != "") != (a.StatusCode == 401) || a.StatusCode == 401 && !strings.HasPrefix(challenge, "Bearer") {
			t.Errorf("%s: WWW-Authenticate %q", c.name, challenge)
		}
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			want := c.status
			media := mediaGeoJSON
			switch {
			case method == "PATCH":
				media = mediaPatch
			}
			if want == 201 {
				continue
			}
			if a := s.send(method, hospitals+"/h01", body, append(c.with, header("Content-Type", media))...); a.StatusCode != want {
				t.Errorf("%s, %s: %d, want %d: %s", c.name, method, a.StatusCode, want, a.body)
			}
		}
	}
	// What is not seen is not there, also for those who may write elsewhere.
	a := s.write("POST", "/api/collections/social-aid/items", body).want(t, 404)
	b := s.write("POST", "/api/collections/nothing/items", body).want(t, 404)
	if strings.ReplaceAll(problemText(t, a), "social-aid", "nothing") != problemText(t, b) {
		t.Errorf("%s differs from %s", a.body, b.body)
	}
}

// problemText is the problem without what differs from request to request.
func problemText(t *testing.T, a answer) string {
	t.Helper()
	var p problem
	a.into(t, &p)
	p.Instance = ""
	b, _ := json.Marshal(p)
	return string(b)
}

func TestBodiesAreBoundedAndOfTheRightKind(t *testing.T) {
	s := start(t, func(d *Deps) { d.MaxBody = 64 << 10 })
	big := `{"type":"Feature","geometry":null,"properties":{"name":"` + strings.Repeat("x", 70<<10) + `"}}`
	s.write("POST", hospitals, big).want(t, 413).fields(t)
	packed := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
		return b.String()
	}
	bomb := packed(strings.Repeat(" ", 32<<20))
	if len(bomb) > 64<<10 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	s.write("POST", hospitals, bomb, header("Content-Encoding", "gzip")).want(t, 413)
	const good = `{"type":"Feature","geometry":null,"properties":{"name":"n"}}`
	s.write("POST", hospitals, packed(good), header("Content-Encoding", "gzip")).want(t, 201)
	s.write("POST", hospitals, good, header("Content-Encoding", "gzip")).want(t, 400)
	s.write("POST", hospitals, packed(good)[:20], header("Content-Encoding", "gzip")).want(t, 400)
	if a := s.write("POST", hospitals, good, header("Content-Encoding", "br")).want(t, 415); a.Header.Get("Accept-Encoding") != "gzip" {
		t.Errorf("headers %v", a.Header)
	}
	for _, c := range []struct{ method, path, media, name string }{
		{"POST", hospitals, "text/csv", "Accept-Post"},
		{"POST", hospitals, "", "Accept-Post"},
		{"POST", hospitals, mediaPatch, "Accept-Post"},
		{"PUT", hospitals + "/h01", "application/xml", "Accept-Post"},
		{"PATCH", hospitals + "/h01", mediaGeoJSON, "Accept-Patch"},
		{"PATCH", hospitals + "/h01", "application/json", "Accept-Patch"},
	} {
		a := s.write(c.method, c.path, good, header("Content-Type", c.media)).want(t, 415)
		if a.Header.Get(c.name) == "" {
			t.Errorf("%s %s: headers %v", c.method, c.media, a.Header)
		}
	}
	if got := s.get(hospitals+"/h01").want(t, 200); !strings.Contains(got.body, "示例医院01") {
		t.Errorf("a refused write was done: %s", got.body)
	}
	many := start(t)
	var b strings.Builder
	b.WriteString(`{"type":"FeatureCollection","features":[`)
	for i := range maxEdits + 1 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(good)
	}
	b.WriteString("]}")
	many.write("POST", hospitals, b.String()).want(t, 413)
}

func TestWhoWritesSeesItInTheNextTile(t *testing.T) {
	s := start(t)
	const tile = "/tiles/hospitals/10/820/445" // around 108.36, 22.75
	first := s.get(tile).want(t, 200)
	for i := range 20 {
		s.write("PATCH", hospitals+"/h01", fmt.Sprintf(`{"properties":{"beds":%d}}`, 1000+i)).want(t, 200)
		next := s.get(tile).want(t, 200)
		if next.Header.Get("ETag") == first.Header.Get("ETag") {
			t.Fatalf("write %d is not in the tile", i)
		}
		first = next
	}
}

func FuzzADecodedBodyNeverPanics(f *testing.F) {
	for _, s := range []string{
		`{"type":"Feature","id":"a","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"name":"n"}}`,
		`{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null},{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]]]}}]}`,
		`{"type":"Feature","geometry":{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[]}]},"crs":{}}`,
		`{"properties":{"extra":{"a":{"b":null}}},"id":7}`,
	} {
		f.Add([]byte(s))
	}
	l := hospitalLayer()
	f.Fuzz(func(t *testing.T, body []byte) {
		d := &decoder{}
		d.checkCRS(body)
		if features, many, err := geojson.ParseCollection(body); err == nil {
			var edits []layers.Edit
			if many {
				edits = d.collection(features)
			} else {
				edits = append(edits, d.edit(layers.Create, "", body))
			}
			if d.err() == nil {
				_, _ = l.CheckEdits(edits)
			}
		}
		if edit, err := decodePatch(body, "7"); err == nil {
			_, _ = l.CheckEdits([]layers.Edit{edit})
			_ = mergeProperties(&layers.Feature{Properties: map[string]any{"extra": json.RawMessage(`{"a":1}`)}}, edit.Properties, l.Schema)
		}
	})
}
