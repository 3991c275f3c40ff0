package api

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"onemap/internal/catalogue"
	"onemap/internal/crs"
	"onemap/internal/geojson"
	"onemap/layers"
)

// The catalogue of the layers as OGC API Records has it (20-004r1): a collection of
// records, one for each layer that the view sees. Its id is none that a layer can have.
const (
	catalogueID   = "_records"
	relCatalogue  = "http://www.opengis.net/def/rel/ogc/1.0/ogc-catalog"
	recordCore    = "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf/record-core"
	recordType    = "dataset"
	themeScheme   = "/api/themes"
	codeScheme    = "信息资源代码"
	recordsAtMost = 1000
)

type catalogueRecord struct {
	ID         string           `json:"id"`
	Type       string           `json:"type"`
	ConformsTo []string         `json:"conformsTo"`
	Time       *recordTime      `json:"time"`
	Geometry   *recordPolygon   `json:"geometry"`
	Properties recordProperties `json:"properties"`
	Links      []link           `json:"links"`
}

type recordTime struct {
	Interval   [2]string `json:"interval"`
	Resolution string    `json:"resolution,omitempty"`
}

type recordPolygon struct {
	Type        string           `json:"type"`
	Coordinates [1][5][2]float64 `json:"coordinates"`
}

type recordProperties struct {
	Type        string             `json:"type"`
	Title       string             `json:"title"`
	TitleEn     string             `json:"titleEn,omitempty"`
	Description string             `json:"description,omitempty"`
	Keywords    []string           `json:"keywords"`
	Language    recordLanguage     `json:"language"`
	Created     string             `json:"created,omitempty"`
	Updated     string             `json:"updated,omitempty"`
	Themes      []recordThemes     `json:"themes"`
	Contacts    []recordContact    `json:"contacts"`
	Formats     []recordFormat     `json:"formats"`
	ExternalIDs []recordExternal   `json:"externalIds,omitempty"`
	License     string             `json:"license,omitempty"`
	Rights      string             `json:"rights"`
	UpdateCycle layers.UpdateCycle `json:"updateCycle"`
	Freshness   layers.Freshness   `json:"freshness"`
	Count       int64              `json:"count"`
	Notice      string             `json:"notice,omitempty"`
}

type recordLanguage struct {
	Code string `json:"code"`
}

type recordThemes struct {
	Concepts []recordConcept `json:"concepts"`
	Scheme   string          `json:"scheme"`
}

type recordConcept struct {
	ID    string `json:"id"`
	Title string `json:"title,omitempty"`
}

type recordContact struct {
	Name         string        `json:"name,omitempty"`
	Organization string        `json:"organization,omitempty"`
	Phones       []recordPhone `json:"phones,omitempty"`
	Roles        []string      `json:"roles"`
}

type recordPhone struct {
	Value string `json:"value"`
}

type recordFormat struct {
	Name      string `json:"name"`
	MediaType string `json:"mediaType"`
}

type recordExternal struct {
	Scheme string `json:"scheme,omitempty"`
	Value  string `json:"value"`
}

// rightsOf says who may have the layer, in the words of the resource catalogue.
var rightsOf = map[layers.Sharing]string{layers.Unconditional: "无条件共享", layers.Conditional: "有条件共享", layers.NotShared: "不予共享"}

func (a *api) recordOf(r *http.Request, e layers.Entry) catalogueRecord {
	own := a.layerURL(r, e.ID)
	p := recordProperties{
		Type: recordType, Title: first(e.Title), TitleEn: e.Title.En, Description: first(e.Abstract), Keywords: []string{}, Language: recordLanguage{"zh"}, Created: e.Published,
		Themes: []recordThemes{}, License: first(e.Source), Rights: rightsOf[e.Sharing], UpdateCycle: e.UpdateCycle, Freshness: e.Freshness(a.Now()), Count: e.Status.Count, Notice: a.noticeOf(e.Layer),
	}
	if e.Open {
		p.Rights += "，向社会开放"
	}
	for _, one := range e.Schema {
		p.Keywords = append(p.Keywords, cmp.Or(first(one.Title), one.Name))
	}
	if len(e.Themes) > 0 {
		titles := themeTitles(catalogue.Themes())
		concepts := []recordConcept{}
		for _, id := range e.Themes {
			concepts = append(concepts, recordConcept{id, titles[id]})
		}
		p.Themes = append(p.Themes, recordThemes{concepts, a.base(r) + themeScheme})
	}
	p.Contacts = []recordContact{{Organization: first(e.Department.Name), Roles: []string{"publisher"}}}
	for role, person := range map[string]layers.Person{"custodian": e.Chief, "pointOfContact": e.Steward} {
		if person.Name != (layers.Text{}) {
			c := recordContact{Name: first(person.Name), Organization: first(e.Department.Name), Roles: []string{role}}
			if person.Phone != "" {
				c.Phones = []recordPhone{{person.Phone}}
			}
			p.Contacts = append(p.Contacts, c)
		}
	}
	slices.SortFunc(p.Contacts[1:], func(x, y recordContact) int { return strings.Compare(x.Roles[0], y.Roles[0]) })
	if e.Code != "" {
		p.ExternalIDs = []recordExternal{{codeScheme, e.Code}}
	}
	out := catalogueRecord{ID: e.ID, Type: "Feature", ConformsTo: []string{recordCore}, Links: []link{
		{Href: a.recordURL(r, e.ID), Rel: "self", Type: mediaGeoJSON, Title: "this record"},
		{Href: a.base(r) + "/api/collections/" + catalogueID, Rel: "collection", Type: mediaJSON, Title: "the catalogue"},
		{Href: own, Rel: "item", Type: mediaJSON, Title: "the layer"},
		{Href: own + "/items", Rel: "items", Type: mediaGeoJSON, Title: "the features"},
		{Href: own + "/schema", Rel: relSchema, Type: mediaSchema, Title: "what features have"},
		{Href: a.styleURL(r, e.ID), Rel: relStylesheet, Type: mediaStyle, Title: "how it wants to be drawn"},
		{Href: a.base(r) + "/tiles/" + url.PathEscape(e.ID) + ".json", Rel: "tiles", Type: mediaJSON, Title: "vector tiles"},
	}}
	for _, o := range a.itemOffers {
		p.Formats = append(p.Formats, recordFormat{o.title, o.media})
	}
	if !e.Status.Updated.IsZero() {
		p.Updated = geojson.Time(e.Status.Updated)
		out.Time = &recordTime{Interval: [2]string{"..", p.Updated}}
	}
	if b := e.Status.Extent; b != nil {
		w, s, e, n := b.Min[0], b.Min[1], b.Max[0], b.Max[1]
		out.Geometry = &recordPolygon{"Polygon", [1][5][2]float64{{{w, s}, {e, s}, {e, n}, {w, n}, {w, s}}}}
	}
	out.Properties = p
	return out
}

// noticeOf is what must stand beside a layer's data.
func (a *api) noticeOf(l *layers.Layer) string {
	var all []string
	if l.Synthetic {
		all = append(all, a.Settings.SyntheticCaption.Zh)
	}
	if l.Schematic {
		all = append(all, a.Settings.SchematicCaption.Zh)
	}
	return strings.Join(all, "；")
}

func themeTitles(themes []catalogue.Theme) map[string]string {
	titles := map[string]string{}
	for _, t := range themes {
		titles[t.ID] = first(t.Title)
		for id, title := range themeTitles(t.Children) {
			titles[id] = title
		}
	}
	return titles
}

func (a *api) recordURL(r *http.Request, id string) string {
	return a.base(r) + "/api/collections/" + catalogueID + "/items/" + url.PathEscape(id)
}

// recordCollection describes the catalogue.
func (a *api) recordCollection(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	own := a.base(r) + "/api/collections/" + catalogueID
	return writeJSON(w, http.StatusOK, struct {
		ID          string `json:"id"`
		Title       string `json:"title"`
		Description string `json:"description"`
		ItemType    string `json:"itemType"`
		RecordType  string `json:"type"`
		Links       []link `json:"links"`
	}{catalogueID, "政务信息资源目录", "A record of each layer. 每个图层一条目录记录。", "record", "Collection", []link{
		{Href: own, Rel: "self", Type: mediaJSON, Title: "this document"},
		{Href: own + "/items", Rel: "items", Type: mediaGeoJSON, Title: "the records"},
		{Href: a.base(r) + themeScheme, Rel: "related", Type: mediaJSON, Title: "the theme tree"},
	}})
}

// recordQuery is what a search of the catalogue asks for.
type recordQuery struct {
	words      []string // any of them
	ids, codes []string
	theme      string
	department string
	boxes      []orb.Bound
	time       *layers.Interval
}

func (p *params) recordQuery() (q recordQuery) {
	list := func(name string) (all []string) {
		v, _ := p.one(name)
		for one := range strings.SplitSeq(v, ",") {
			if one = strings.TrimSpace(one); one != "" {
				all = append(all, one)
			}
		}
		return all
	}
	q.words, q.ids, q.codes = list("q"), list("ids"), list("externalIds")
	if kind, sent := p.one("type"); sent && kind != recordType {
		q.ids = []string{""} // there are no others
	}
	q.theme, _ = p.one("theme")
	q.department, _ = p.one("department")
	if v, sent := p.one("bbox"); sent {
		boxes, err := parseBBox(v, crs.CRS84)
		if q.boxes = boxes; err != nil {
			p.addErr("bbox", v, err)
		}
	}
	if v, sent := p.one("datetime"); sent {
		interval, err := parseDatetime(v)
		if q.time = interval; err != nil {
			p.addErr("datetime", v, err)
		}
	}
	return q
}

func (q recordQuery) has(e layers.Entry) bool {
	switch {
	case len(q.ids) > 0 && !slices.Contains(q.ids, e.ID), len(q.codes) > 0 && !slices.Contains(q.codes, e.Code):
		return false
	case q.theme != "" && !slices.ContainsFunc(e.Themes, func(id string) bool { return id == q.theme || strings.HasPrefix(id, q.theme+"/") }):
		return false
	case q.department != "" && q.department != e.Department.ID && q.department != e.Department.Name.Zh && q.department != e.Department.Name.En:
		return false
	case q.time != nil && !q.time.Has(e.Status.Updated):
		return false
	}
	if q.boxes != nil && (e.Status.Extent == nil || !slices.ContainsFunc(q.boxes, e.Status.Extent.Intersects)) {
		return false
	}
	return len(q.words) == 0 || slices.ContainsFunc(q.words, func(word string) bool { return mentions(e, strings.ToLower(word)) })
}

// mentions reports whether a word is part of what a layer says of itself.
func mentions(e layers.Entry, word string) bool {
	said := []string{e.ID, e.Code, e.Title.Zh, e.Title.En, e.Abstract.Zh, e.Abstract.En, e.Department.Name.Zh, e.Department.Name.En}
	for _, a := range e.Schema {
		said = append(said, a.Name, a.Title.Zh, a.Title.En)
	}
	return slices.ContainsFunc(said, func(s string) bool { return strings.Contains(strings.ToLower(s), word) })
}

// records searches the catalogue (/req/record-core-query-parameters).
func (a *api) records(w http.ResponseWriter, r *http.Request) error {
	p := newParams(r)
	p.negotiate(r, offerGeoJSON)
	q, limit, offset := p.recordQuery(), p.limit(standardLimit, recordsAtMost), 0
	if v, sent := p.one("offset"); sent {
		n, err := strconv.Atoi(v)
		if offset = n; err != nil || n < 0 {
			p.add("offset", v, "not a number from 0 upwards", "how many records to skip")
		}
	}
	by, _ := p.one("sortby")
	if !slices.Contains([]string{"", "title", "-title", "updated", "-updated"}, strings.TrimLeft(by, "+ ")) {
		p.add("sortby", by, "not something that records are sorted by", "title, -title, updated or -updated")
	}
	if err := p.err(); err != nil {
		return err
	}
	head, err := a.Store.Head(r.Context())
	if err != nil {
		return err
	}
	entries, _, err := a.reader(r).Layers(r.Context())
	if err != nil {
		return err
	}
	if notModified(w, r, a.catalogueTag(head, entries...)) {
		return nil
	}
	entries = slices.DeleteFunc(entries, func(e layers.Entry) bool { return !q.has(e) })
	slices.SortStableFunc(entries, func(x, y layers.Entry) int {
		switch strings.TrimLeft(by, "+ ") {
		case "title":
			return strings.Compare(first(x.Title), first(y.Title))
		case "-title":
			return strings.Compare(first(y.Title), first(x.Title))
		case "updated":
			return x.Status.Updated.Compare(y.Status.Updated)
		case "-updated":
			return y.Status.Updated.Compare(x.Status.Updated)
		}
		return 0
	})
	matched := len(entries)
	entries = entries[min(offset, matched):min(offset+limit, matched)]
	page := func(offset int) string {
		v := url.Values{}
		for name, value := range p.values {
			v[name] = value
		}
		v.Set("offset", strconv.Itoa(offset))
		return a.base(r) + "/api/collections/" + catalogueID + "/items?" + v.Encode()
	}
	links := []link{{Href: self(a.base(r)+"/api/collections/"+catalogueID+"/items", p.values, ""), Rel: "self", Type: mediaGeoJSON, Title: "this document"}}
	if offset+limit < matched {
		links = append(links, link{Href: page(offset + limit), Rel: "next", Type: mediaGeoJSON, Title: "the next page"})
	}
	if offset > 0 {
		links = append(links, link{Href: page(max(0, offset-limit)), Rel: "prev", Type: mediaGeoJSON, Title: "the page before"})
	}
	found := make([]catalogueRecord, len(entries))
	for i, e := range entries {
		found[i] = a.recordOf(r, e)
	}
	return writeAs(w, http.StatusOK, mediaGeoJSON, struct {
		Type           string            `json:"type"`
		TimeStamp      string            `json:"timeStamp"`
		NumberMatched  int               `json:"numberMatched"`
		NumberReturned int               `json:"numberReturned"`
		Features       []catalogueRecord `json:"features"`
		Links          []link            `json:"links"`
	}{"FeatureCollection", geojson.Time(a.Now()), matched, len(found), found, links})
}

// record is the record of one layer.
func (a *api) record(w http.ResponseWriter, r *http.Request) error {
	head, err := a.Store.Head(r.Context())
	if err != nil {
		return err
	}
	e, err := a.reader(r).Layer(r.Context(), pathParam(r, "record"))
	if err != nil {
		return err
	}
	p := newParams(r)
	p.negotiate(r, offerGeoJSON)
	if err := p.err(); err != nil {
		return err
	}
	if notModified(w, r, a.catalogueTag(head, e)) {
		return nil
	}
	return writeAs(w, http.StatusOK, mediaGeoJSON, a.recordOf(r, e))
}
