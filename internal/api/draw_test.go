package api

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"onemap/layers"
)

// artist draws requests from the API definition: each parameter, header and body as
// its schema wants it, at its bounds, of another kind, or as somebody would write it
// who means harm. The same seed draws the same requests.
type artist struct {
	*rand.Rand
	doc      object
	routes   []string // "GET /api/collections"
	tokens   []string
	position string // of the store
}

// drawn is a request as it goes out.
type drawn struct {
	method, path string
	header       http.Header
	body         string
}

// curl writes the request as one would repeat it by hand.
func (d drawn) curl() string {
	var b strings.Builder
	b.WriteString("curl -i -X " + d.method)
	for name, values := range d.header {
		for _, v := range values {
			b.WriteString(" -H " + strconv.Quote(name+": "+v))
		}
	}
	if d.body != "" {
		b.WriteString(" --data-binary " + strconv.Quote(d.body))
	}
	return b.String() + " " + strconv.Quote(d.path)
}

func newArtist(seed uint64, doc object, tokens []string, position string) *artist {
	a := &artist{Rand: rand.New(rand.NewPCG(seed, 0)), doc: doc, tokens: tokens, position: position}
	for path, item := range doc["paths"].(object) {
		for method := range item.(object) {
			if method != "parameters" && path != pathOfGDAL {
				a.routes = append(a.routes, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(a.routes)
	return a
}

// known are values that exist, for parameters whose schema can't know them.
var known = map[string][]string{
	"layer":   {"hospitals", "hospitals", "hospitals", "divisions", "townships", "reservoirs", "social-aid"},
	"layers":  {"hospitals", "divisions,hospitals", "hospitals,hospitals", "reservoirs"},
	"feature": {"h01", "h02", "h05", "450100", "new"},
	"code":    {"450000", "450100", "450103", "450103001", "459999"},
	"value":   {"450100", "91450000DEMO000001", "nothing"},
	"z":       {"0", "5", "10"}, "tileMatrix": {"0", "5", "10"},
	"x": {"0", "25", "820"}, "tileCol": {"0", "25", "820"},
	"y": {"0", "13", "444", "0.pbf", "0.mvt"}, "tileRow": {"0", "13", "444"},
	"cell": {"8", "32"}, "groupby": {"status", "name_en", "division:2", "open", "founded"}, "sortby": {"beds", "-name", "seen", "load", "status,-load"},
	"properties": {"name", "name,beds", ""}, "collections": {"hospitals", "divisions,hospitals"}, "q": {"医院", "4501", "Hospital"},
	"division": {"450100", "4502"}, "bbox": {"104,20,112,26", "170,-10,-170,10", "0,0,0,1,1,1"},
}

// hostile are what nobody sends who means well.
var hostile = []string{
	"", " ", "null", "NaN", "Infinity", "-Infinity", "-1", "0", "-0", "1e309", "1e-400", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
	"18446744073709551616", "0x10", "1_000", "٣", "１", "\x00", "a\x00b", "\r\nX-Evil: 1", "\n", "\t", "\xff\xfe", "\xc3\x28", "\u202e\u2066", "\ufeff", "𠮷", "é", "e\u0301", "ﬁ", "İ",
	"' OR 1=1 --", `"; DROP TABLE hospitals; --`, "1); DELETE", "\\", "\\'", "%", "%25", "%00", "_", "*", "../../etc/passwd", "..", ".", "/", "//", "a/b", "a?b", "a#b", "a&b", "a=b", "+", ";", "{}", "[]", "{", `"`, "`",
	"<script>alert(1)</script>", "${7*7}", "{{7*7}}", "2026-07-01", "2026-07-01T00:00:00Z/..", "../..", "0000-00-00", "9999-12-31T23:59:60Z", "2026-02-30", "-9999-01-01/+9999-01-01",
	"180,90,-180,-90", "NaN,NaN,NaN,NaN", "1,2,3", "1e308,-1e308,1e308,1e308", "http://www.opengis.net/def/crs/EPSG/0/4326", "name = 'a'", "(((((((((((", "NOT NOT NOT a", "a LIKE '%'",
	strings.Repeat("a", 5000), strings.Repeat("(", 3000), strings.Repeat("医", 1000), strings.Repeat("1", 400), strings.Repeat("a,", 300), strings.Repeat("%", 201),
}

func pick[T any](a *artist, from []T) T { return from[a.IntN(len(from))] }

// chance is true in so many of a hundred cases.
func (a *artist) chance(percent int) bool { return a.IntN(100) < percent }

// deref follows a $ref.
func (a *artist) deref(v any) object {
	o, _ := v.(object)
	for {
		ref, ok := o["$ref"].(string)
		if !ok {
			return o
		}
		at := any(a.doc)
		for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			at = at.(object)[name]
		}
		o = at.(object)
	}
}

// request draws one of a route.
func (a *artist) request(route string) drawn {
	method, path, _ := strings.Cut(route, " ")
	item := a.doc["paths"].(object)[path].(object)
	op := item[strings.ToLower(method)].(object)
	d := drawn{method: method, header: http.Header{}}
	query := url.Values{}
	var parameters []any
	for _, of := range []object{item, op} {
		list, _ := of["parameters"].([]any)
		parameters = append(parameters, list...)
	}
	evil := a.IntN(100) // how many of a hundred values are
	if a.chance(50) {
		evil = 0 // else hardly a request would be good as a whole
	}
	for _, p := range parameters {
		p := a.deref(p)
		name, required := p["name"].(string), p["required"] == true
		value := a.value(p, evil)
		switch p["in"] {
		case "path":
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
		case "query":
			if required && !a.chance(10) || a.chance(25) {
				if name == "attributes" {
					name, value = pick(a, []string{"status", "name", "beds", "open", "founded", "extra", "nothing"}), pick(a, append([]string{"normal", "100", "true", "2001-02-03"}, hostile...))
				}
				query.Add(name, value)
				if a.chance(2) {
					query.Add(name, a.value(p, evil))
				}
			}
		case "header":
			if a.chance(25) {
				d.header.Set(name, inHeader(pick(a, append([]string{"*", `"x"`, `W/"` + a.position + `"`, `"a", "b"`, `"`, ","}, value))))
			}
		}
	}
	if a.chance(3) {
		query.Add(pick(a, hostile), pick(a, hostile))
	}
	a.headers(&d, evil)
	if body := a.deref(op["requestBody"]); body != nil {
		a.body(&d, body, evil)
	}
	d.path = path
	if len(query) > 0 {
		d.path += "?" + query.Encode()
		if a.chance(2) {
			d.path += "&" + pick(a, []string{"%zz", "=", "&&", ";a=b", "%"})
		}
	}
	return d
}

// usual are headers that the definition need not name.
var usual = []struct {
	name   string
	values []string
}{
	{"Accept", []string{"application/json", "application/geo+json", "text/html", "*/*", "text/*;q=0.1", "image/png", ";;q=x"}},
	{"Accept-Encoding", []string{"gzip", "br", "zstd", "identity;q=0, *;q=0", "gzip;q=NaN"}},
	{"Accept-Language", []string{"zh-CN", "en"}},
	{"Content-Crs", []string{"<http://www.opengis.net/def/crs/EPSG/0/4490>", "x"}},
	{"Cookie", []string{"onemap=x", "onemap=", "=;;"}},
	{"Origin", []string{"https://elsewhere.example", "null"}},
	{"Prefer", []string{"handling=strict"}},
	{"Range", []string{"bytes=0-1", "bytes=9-"}},
	{"X-Forwarded-Host", []string{"evil.example"}},
}

func (a *artist) headers(d *drawn, evil int) {
	if a.chance(70) {
		d.header.Set("Authorization", "Bearer "+pick(a, a.tokens))
	} else if a.chance(evil) {
		d.header.Set("Authorization", inHeader(pick(a, hostile)))
	}
	for _, h := range usual {
		if a.chance(10) {
			d.header.Set(h.name, pick(a, h.values))
		}
	}
}

// inHeader leaves out what no client can send in a header.
func inHeader(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// value draws a parameter's value as text.
func (a *artist) value(p object, evil int) string {
	if a.chance(evil) {
		return pick(a, hostile)
	}
	name, _ := p["name"].(string)
	if name == "v" {
		return a.position // a later one would be waited for
	}
	if values := known[name]; values != nil && a.chance(80) {
		return pick(a, values)
	}
	if example, ok := p["example"]; ok && a.chance(50) {
		return plain(example)
	}
	return plain(a.json(p["schema"], evil, 0))
}

// plain writes a value as a parameter has it (style simple or form).
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, one := range v {
			parts[i] = plain(one)
		}
		return strings.Join(parts, ",")
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func (a *artist) body(d *drawn, described object, evil int) {
	content, _ := described["content"].(object)
	media := pick(a, slices.Sorted(maps.Keys(content)))
	v := a.json(content[media].(object)["schema"], evil, 0)
	b, _ := json.Marshal(v)
	d.body = string(b)
	if form, ok := v.(object); ok && media == "application/x-www-form-urlencoded" {
		values := url.Values{}
		for name, value := range form {
			values.Set(name, plain(value))
		}
		d.body = values.Encode()
	}
	d.header.Set("Content-Type", media)
	if !a.chance(evil) {
		return
	}
	switch a.IntN(8) {
	case 0:
		d.header.Set("Content-Type", pick(a, []string{"text/plain", "application/json; charset=gbk", "x", "application/geo+json;;", "multipart/form-data"}))
	case 1:
		d.header.Set("Content-Encoding", pick(a, []string{"gzip", "br", "x"}))
	case 2:
		d.body = d.body[:a.IntN(len(d.body)+1)]
	case 3:
		d.body = strings.Repeat("[", 20_000)
	case 4:
		d.body = strings.Repeat(`{"geometry":`, 5_000) + "1" + strings.Repeat("}", 5_000)
	case 5:
		d.body = pick(a, hostile)
	case 6:
		d.body += d.body
	case 7:
		at := a.IntN(len(d.body) + 1)
		d.body = d.body[:at] + pick(a, []string{"\x00", "\xff", `"`, "1e999", `\ud800`, "NaN", "}", ",,"}) + d.body[at:]
	}
}

// json draws a value of a schema.
func (a *artist) json(schema any, evil, depth int) any {
	if a.chance(evil / 4) {
		return a.anything(depth)
	}
	s := a.deref(schema)
	if depth > 12 || s == nil {
		return nil
	}
	if example, ok := s["examples"].([]any); ok && a.chance(40) {
		return pick(a, example)
	}
	if values, ok := s["enum"].([]any); ok {
		return pick(a, values)
	}
	for _, name := range []string{"oneOf", "anyOf"} {
		if of, ok := s[name].([]any); ok {
			return a.json(pick(a, of), evil, depth)
		}
	}
	kind := s["type"]
	if kinds, ok := kind.([]any); ok {
		kind = kinds[0]
		if a.chance(10) {
			kind = pick(a, kinds)
		}
	}
	switch kind {
	case "object":
		return a.object(s, evil, depth)
	case "array":
		least, most := number(s, "minItems", 0), number(s, "maxItems", 6)
		list := make([]any, int(least)+a.IntN(int(min(most, least+6)-least)+1))
		for i := range list {
			list[i] = a.json(s["items"], evil, depth+1)
		}
		return list
	case "integer":
		least, most := number(s, "minimum", -10), number(s, "maximum", 1e6)
		return pick(a, []any{least, most, least + 1, math.Trunc(least + a.Float64()*(most-least))})
	case "number":
		least, most := number(s, "minimum", -1000), number(s, "maximum", 1000)
		return pick(a, []any{least, most, least + a.Float64()*(most-least)})
	case "boolean":
		return a.chance(50)
	case "null":
		return nil
	case "string":
		if a.chance(evil) {
			return pick(a, hostile)
		}
		return pick(a, []string{"a", "name", "normal", "450100", "医院", "2026-07-01", "2026-07-01T00:00:00Z"})
	}
	return a.anything(depth)
}

func number(s object, name string, other float64) float64 {
	if n, ok := s[name].(float64); ok {
		return n
	}
	return other
}

func (a *artist) object(s object, evil, depth int) any {
	described, _ := s["properties"].(object)
	if coordinates, ok := described["coordinates"]; ok && coordinates != nil && !a.chance(evil) {
		return a.geometry()
	}
	o := object{}
	required, _ := s["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(described)) {
		switch child := described[name]; {
		case !slices.Contains(required, any(name)) && a.chance(40), a.chance(evil / 4):
		case name == "properties":
			o[name] = a.attributes(evil)
		case name == "id":
			o[name] = pick(a, []any{"h01", "new", "n" + strconv.Itoa(a.IntN(50)), a.json(child, evil, depth+1)})
		default:
			o[name] = a.json(child, evil, depth+1)
		}
	}
	if a.chance(evil / 4) {
		o[pick(a, hostile)] = a.anything(depth)
	}
	return o
}

// attributes draws the properties of a hospital.
func (a *artist) attributes(evil int) any {
	o := object{"name": "示例"}
	for _, attribute := range hospitalLayer().Schema {
		switch name := attribute.Name; {
		case a.chance(evil / 3):
			o[name] = pick(a, []any{pick(a, hostile), a.anything(0)})
		case a.chance(30):
			o[name] = pick(a, map[layers.DataType][]any{
				layers.String: {"", "normal", "450100", "医院", nil}, layers.Integer: {0, 7, nil}, layers.Number: {0, -0.5, 1e300, nil}, layers.Boolean: {true, nil},
				layers.DateType: {"2026-02-28", "0001-01-01", nil}, layers.DateTime: {"2026-07-01T00:00:00+08:00", nil}, layers.JSON: {nil, "x", []any{1}, object{"a": nil}},
			}[attribute.Type])
		}
	}
	return o
}

// geometry draws a point most often, as hospitals have them, near the edges too.
func (a *artist) geometry() any {
	at := func() []any {
		return []any{pick(a, []any{108.3, 180, -180, 0, 108.3 + a.Float64()}), pick(a, []any{22.8, 90, -90, 0, 22 + a.Float64()})}
	}
	ring := []any{at(), at(), at()}
	ring = append(ring, ring[0])
	return pick(a, []any{
		object{"type": "Point", "coordinates": at()}, object{"type": "Point", "coordinates": at()}, object{"type": "Point", "coordinates": at()}, nil,
		object{"type": "Point", "coordinates": append(at(), 5)}, object{"type": "Point", "coordinates": []any{}}, object{"type": "LineString", "coordinates": []any{at(), at()}},
		object{"type": "Polygon", "coordinates": []any{ring}}, object{"type": "MultiPolygon", "coordinates": []any{[]any{ring}, []any{ring}}}, object{"type": "MultiPoint", "coordinates": []any{at()}},
		object{"type": "GeometryCollection", "geometries": []any{object{"type": "Point", "coordinates": at()}}}, object{"type": "Point", "coordinates": []any{1e300, -1e300}},
	})
}

// anything draws a value of no schema.
func (a *artist) anything(depth int) any {
	if depth > 4 {
		return nil
	}
	switch a.IntN(8) {
	case 0:
		return object{pick(a, hostile): a.anything(depth + 1), "type": a.anything(depth + 1)}
	case 1:
		return []any{a.anything(depth + 1), a.anything(depth + 1)}
	default:
		return pick(a, []any{nil, true, 0, -1, 1e300, -1e-300, json.Number("9223372036854775808"), json.Number("1e999"), pick(a, hostile)})
	}
}
