package api

import (
	"bytes"
	"crypto/rand"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"onemap/layers"
)

// A page for people is the JSON document of the same address, made readable: whatever a
// resource says to programs it says to people, and a new resource has its page.

//go:embed html
var htmlFiles embed.FS

var (
	pageTemplate = template.Must(template.ParseFS(htmlFiles, "html/page.tmpl"))
	pageStyle    = func() template.CSS {
		b, _ := htmlFiles.ReadFile("html/page.css") // it is there, or the program would not build
		return template.CSS(b)
	}()
)

var offerHTML = offer{name: "html", media: "text/html", title: "HTML"}

// htmlPage is what the template shows.
type htmlPage struct {
	Site, Title, Subtitle, Notice string
	Nonce                         string
	CSS                           template.CSS
	Trail, Paging, Links          []link
	Drawing                       *drawing
	LinksFirst                    bool
	Sections                      []htmlSection
	Curl                          string
	Captions                      []string
}

type htmlSection struct {
	Title string
	Body  htmlValue
}

// htmlValue is a text, a link, or a table.
type htmlValue struct {
	Text, Link string
	Number     bool
	Items      []htmlValue // in a line
	Columns    []string
	Rows       []htmlRow
}

type htmlRow struct {
	Name  string
	Cells []htmlValue
}

// mostReadable is the largest document, in bytes, of which a page is made.
const mostReadable = 4 << 20

// wantsHTML reports whether somebody reads with a browser: f=html, or an Accept that
// names text/html and likes nothing that we have more.
func wantsHTML(r *http.Request) bool {
	path := r.URL.Path
	if r.Method != http.MethodGet && r.Method != http.MethodHead || path != "/api" && !strings.HasPrefix(path, "/api/") ||
		path == "/api/reference" || strings.HasPrefix(path, "/api/openapi") || ofTile(path) {
		return false
	}
	if f, sent := r.URL.Query()["f"]; sent {
		return len(f) == 1 && f[0] == offerHTML.name
	}
	accepted := r.Header.Values("Accept")
	if !strings.Contains(strings.Join(accepted, ","), offerHTML.media) {
		return false // */* is a program's
	}
	p := params{}
	return p.negotiate(&http.Request{Header: r.Header}, offerJSON, offerGeoJSON, offerHTML).name == offerHTML.name
}

// readable answers people with pages. What is no JSON, and every error, they get as it is.
func (a *api) readable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !wantsHTML(r) {
			next.ServeHTTP(w, r)
			return
		}
		plain := r.Clone(r.Context())
		plain.Method = http.MethodGet
		q := plain.URL.Query()
		q.Del("f")
		plain.URL.RawQuery = q.Encode()
		plain.Header.Set("Accept", mediaJSON)
		plain.Header.Del("If-None-Match")
		got := &readWriter{ResponseWriter: w}
		next.ServeHTTP(got, plain)
		if !got.holding {
			return
		}
		doc, err := parseOrdered(got.body.Bytes())
		if err != nil {
			a.fail(w, r, fmt.Errorf("a page of %s: %w", r.URL.Path, err))
			return
		}
		h := w.Header()
		etag := h.Get("ETag")
		h.Del("Content-Length")
		if etag != "" && notModified(w, r, strings.TrimSuffix(etag, `"`)+`-html"`) {
			return
		}
		page := a.page(r, plain.URL, doc)
		page.Nonce = rand.Text()
		h.Set("Content-Type", offerHTML.media+"; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+page.Nonce+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		var b bytes.Buffer
		if err := pageTemplate.Execute(&b, page); err != nil {
			a.fail(w, r, fmt.Errorf("a page of %s: %w", r.URL.Path, err))
			return
		}
		w.WriteHeader(http.StatusOK)
		if r.Method != http.MethodHead {
			_, _ = w.Write(b.Bytes())
		}
	})
}

// readWriter holds a JSON answer back to make a page of it; everything else passes.
type readWriter struct {
	http.ResponseWriter
	body           bytes.Buffer
	began, holding bool
}

func (w *readWriter) WriteHeader(status int) {
	w.began = true
	media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	if status == http.StatusOK && (strings.HasSuffix(media, "json")) {
		w.holding = true
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *readWriter) Write(b []byte) (int, error) {
	if !w.began {
		w.WriteHeader(http.StatusOK)
	}
	if !w.holding {
		return w.ResponseWriter.Write(b)
	}
	if w.body.Len()+len(b) > mostReadable {
		return 0, layers.Errorf(layers.TooLarge, "too much for a page; ask for f=json or a smaller limit")
	}
	return w.body.Write(b)
}

func (w *readWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// page makes a page of a document.
func (a *api) page(r *http.Request, address *url.URL, doc document) htmlPage {
	p := htmlPage{
		Site: a.Settings.Title.Zh, CSS: pageStyle, Trail: trail(r.URL.Path), Notice: doc.text("notice"),
		Curl: "curl '" + strings.ReplaceAll(a.base(r)+address.RequestURI(), "'", "%27") + "'",
	}
	p.Captions = append(p.Captions, a.reviewCaption())
	p.Title = cmpOr(doc.text("title"), doc.text("id"), pageTitles[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]], strings.TrimPrefix(r.URL.Path, "/api/"))
	p.Subtitle = doc.text("description")
	title := func(name string) string { return name }
	if parts := strings.Split(r.URL.Path, "/"); len(parts) > 3 && parts[2] == "collections" {
		if l, err := a.reader(r).Definition(r.Context(), parts[3]); err == nil {
			p.Notice = a.noticeOf(l)
			title = titlesOf(l)
			if doc.text("type") == "FeatureCollection" || doc.text("type") == "Feature" {
				p.Title = first(l.Title)
			}
		}
	}
	for _, l := range linksOf(doc) {
		switch l.Rel {
		case "next", "prev", "first":
			l.Title = map[string]string{"next": "下一页 Next ›", "prev": "‹ 上一页 Previous", "first": "« 第一页 First"}[l.Rel]
			p.Paging = append(p.Paging, l)
		case "self":
		default:
			p.Links = append(p.Links, l)
		}
	}
	switch doc.text("type") {
	case "FeatureCollection":
		features := objectsOf(doc.get("features"))
		p.Subtitle = cmpOr(p.Subtitle, fmt.Sprintf("共 %s 条，本页 %d 条 (%[2]d of %[1]s)", cmpOr(fmt.Sprint(doc.get("numberMatched")), "?"), len(features)))
		p.Drawing = draw(features)
		p.Sections = []htmlSection{{Title: "", Body: featureTable(r.URL.Path, features, title)}}
	case "Feature":
		p.Title += " · " + doc.text("id")
		p.Drawing = draw([]document{doc})
		properties, _ := doc.get("properties").(document)
		p.Sections = []htmlSection{{Title: "属性 Attributes", Body: members(properties, title)}}
	default:
		p.LinksFirst = true
		var rest document
		for _, m := range doc {
			switch m.name {
			case "links", "title", "description", "notice":
			case "crs":
				if doc.get("collections") == nil { // there it is each layer's
					rest = append(rest, m)
				}
			default:
				rest = append(rest, m)
			}
		}
		if len(rest) == 1 {
			p.Sections = []htmlSection{{Body: valueOf(rest[0].value, title)}}
		} else if len(rest) > 1 {
			p.Sections = []htmlSection{{Body: members(rest, title)}}
		}
	}
	return p
}

// pageTitles are for documents that have no title of their own, by the end of the path.
var pageTitles = map[string]string{
	"collections": "图层 Layers", "conformance": "符合的标准 Conformance", "styles": "样式 Styles", "tiles": "矢量瓦片 Vector tiles", "tileMatrixSets": "瓦片网格 Tile matrix sets",
	"items": "目录记录 Records", "themes": "主题 Themes", "stats": "数量与时效 Counts and freshness", "aggregate": "汇总 Groups", "settings": "设置 Settings", "session": "当前身份 Session", "scenes": "大屏场景 Scenes",
}

// trail is the way to a path.
func trail(path string) []link {
	var all []link
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i := range parts[:max(0, len(parts)-1)] {
		href := "/" + strings.Join(parts[:i+1], "/")
		if title := map[string]string{"api": "API", "collections": "图层 Layers", "items": "要素 Features", "tiles": "瓦片 Tiles", "styles": "样式 Styles"}[parts[i]]; title != "" {
			all = append(all, link{Href: href, Title: title})
		} else if i > 0 && parts[i-1] == "collections" {
			all = append(all, link{Href: href, Title: parts[i]})
		}
	}
	return all
}

// titlesOf names attributes as people do.
func titlesOf(l *layers.Layer) func(string) string {
	return func(name string) string {
		a, ok := l.Schema.Attribute(name)
		if !ok || first(a.Title) == "" {
			return name
		}
		if a.Unit != "" {
			return first(a.Title) + " (" + a.Unit + ")"
		}
		return first(a.Title)
	}
}

// describePages adds to the API definition that documents come as pages too.
func describePages(doc map[string]any) {
	page := func(parameters any) {
		list, _ := parameters.([]any)
		if named, ok := parameters.(map[string]any); ok {
			for _, p := range named {
				list = append(list, p)
			}
		}
		for _, p := range list {
			p, _ := p.(map[string]any)
			schema, _ := p["schema"].(map[string]any)
			if formats, ok := schema["enum"].([]any); ok && p["name"] == "f" {
				schema["enum"] = append(formats, offerHTML.name)
			}
		}
	}
	components, _ := doc["components"].(map[string]any)
	page(components["parameters"])
	paths, _ := doc["paths"].(map[string]any)
	for path, item := range paths {
		get, _ := item.(map[string]any)["get"].(map[string]any)
		answers, _ := get["responses"].(map[string]any)
		ok, _ := answers["200"].(map[string]any)
		content, _ := ok["content"].(map[string]any)
		if !strings.HasPrefix(path, "/api") || strings.HasPrefix(path, "/api/openapi") || content == nil {
			continue
		}
		for media := range content {
			if strings.HasSuffix(media, "json") {
				content[offerHTML.media] = map[string]any{"schema": map[string]any{"type": "string"}}
				page(get["parameters"])
				break
			}
		}
	}
}
