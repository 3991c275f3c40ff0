package api

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"onemap/layers"
)

func TestAnAnswerThatTheClientHasIsNotSentAgain(t *testing.T) {
	s := start(t)
	s.enlargeTile(t)
	for _, path := range []string{"/api/collections", "/api/collections/hospitals", hospitals + "/h01", "/tiles/hospitals/0/0/0", "/tiles/divisions,hospitals/5/25/13"} {
		for _, accept := range []string{"", "gzip", "br", "zstd"} {
			a := s.get(path, header("Accept-Encoding", accept)).want(t, 200)
			tag := a.Header.Get("ETag")
			if tag == "" {
				t.Fatalf("%s: no ETag", path)
			}
			if accept != "" && strings.Contains(path, "tiles") && !strings.HasSuffix(tag, "-"+accept+`"`) {
				t.Errorf("%s: ETag %s of the compressed form", path, tag)
			}
			for _, match := range []string{tag, `"other", ` + tag, "W/" + strings.TrimPrefix(tag, "W/"), "*"} {
				b := s.get(path, header("If-None-Match", match), header("Accept-Encoding", accept)).want(t, 304)
				if b.body != "" || b.Header.Get("ETag") == "" || b.Header.Get("Cache-Control") != "no-cache" || b.Header.Get("Vary") == "" || b.Header.Get("Content-Type") != "" {
					t.Errorf("%s: 304 with %v %q", path, b.Header, b.body)
				}
			}
			s.get(path, header("If-None-Match", `"other"`)).want(t, 200)
		}
	}
	tags := map[string]string{}
	for _, path := range []string{"/api/collections", "/api/collections/hospitals", hospitals + "/h01", "/tiles/hospitals/0/0/0"} {
		tags[path] = s.get(path).Header.Get("ETag")
	}
	s.write("PATCH", hospitals+"/h01", `{"properties":{"beds":7}}`).want(t, 200)
	for path, tag := range tags {
		s.get(path, header("If-None-Match", tag)).want(t, 200)
	}
}

func TestAFeaturesTagChangesWithTheSchemaItIsWrittenBy(t *testing.T) {
	s := start(t)
	tag := s.get(hospitals + "/h01").Header.Get("ETag")
	l := hospitalLayer()
	l.Schema = append(l.Schema, layers.Attribute{Name: "beds_free", Type: layers.Integer})
	if _, err := s.store.DefineLayer(t.Context(), layers.Actor{}, l); err != nil {
		t.Fatal(err)
	}
	a := s.get(hospitals+"/h01", header("If-None-Match", tag)).want(t, 200)
	if !strings.Contains(a.body, `"beds_free":null`) {
		t.Errorf("got %s", a.body)
	}
}

func TestCachesMayKeepPublicAnswersOnlyAndAskEveryTime(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/api", "/api/collections", hospitals, hospitals + "/h01", "/tiles/hospitals/0/0/0", "/tiles/hospitals.json", "/tiles/hospitals/10/0/0", "/api/stats"} {
		public, official := s.get(path), s.get(path, bearer(s.tokens.Official()))
		if got := public.Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: public Cache-Control %q", path, got)
		}
		if got := official.Header.Get("Cache-Control"); got != "private, no-cache" {
			t.Errorf("%s: official Cache-Control %q", path, got)
		}
		for _, a := range []answer{public, official} {
			if got := strings.Join(a.Header.Values("Vary"), ", "); got != "Authorization, Cookie, Accept, Accept-Encoding" && (!ofTile(path) || got != "Authorization, Cookie, Accept-Encoding") {
				t.Errorf("%s: Vary %q", path, got)
			}
			if a.Header.Get("X-Request-Id") == "" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: headers %v", path, a.Header)
			}
		}
		if public.Header.Get("Access-Control-Allow-Origin") != "*" || official.Header.Get("Access-Control-Allow-Origin") != "" || public.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: CORS %q, %q", path, public.Header.Get("Access-Control-Allow-Origin"), official.Header.Get("Access-Control-Allow-Origin"))
		}
	}
	if got := s.get("/api/collections/nothing").Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("a problem has Cache-Control %q", got)
	}
}

func TestAnswersAreCompressedForThoseWhoReadIt(t *testing.T) {
	s := start(t)
	s.enlargeTile(t)
	for _, path := range []string{"/api/collections", hospitals, "/api/openapi.json", "/tiles/hospitals/0/0/0"} {
		plain := s.get(path).want(t, 200)
		packed := s.get(path, header("Accept-Encoding", "deflate, gzip")).want(t, 200)
		if plain.Header.Get("Content-Encoding") != "" || packed.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: encodings %q and %q", path, plain.Header.Get("Content-Encoding"), packed.Header.Get("Content-Encoding"))
			continue
		}
		z, err := gzip.NewReader(strings.NewReader(packed.body))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		if path != hospitals && path != "/api/collections" && string(b) != plain.body { // these have the time in them
			t.Errorf("%s differs when compressed", path)
		}
		for name := range packed.Header {
			if strings.Contains(name, "Gzip") {
				t.Errorf("%s: header %s got out", path, name)
			}
		}
		for name := range plain.Header {
			if strings.Contains(name, "Gzip") {
				t.Errorf("%s: header %s got out", path, name)
			}
		}
	}
}

func TestLinksNameTheServerAsTheClientKnowsIt(t *testing.T) {
	forwarded := []with{header("X-Forwarded-Proto", "https, http"), header("X-Forwarded-Host", "map.example.cn, inner")}
	self := func(s *server) string {
		var doc struct{ Links []link }
		s.get("/api", forwarded...).want(t, 200).into(t, &doc)
		return doc.Links[0].Href
	}
	direct := start(t)
	if got := self(direct); got != direct.URL+"/api" {
		t.Errorf("without a proxy: %s", got)
	}
	behind := start(t, func(d *Deps) { d.TrustProxy = true })
	if got := self(behind); got != "https://map.example.cn/api" {
		t.Errorf("behind a proxy: %s", got)
	}
	if c := behind.get("/signin?token="+behind.tokens.Official(), forwarded...).want(t, 303).Cookies(); len(c) != 1 || !c[0].Secure {
		t.Errorf("the cookie behind HTTPS: %v", c)
	}
}

func TestHeadAnswersLikeGetWithoutABody(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/api", "/api/collections", hospitals, hospitals + "/h01", "/tiles/hospitals/0/0/0"} {
		get, head := s.get(path), s.send("HEAD", path, "").want(t, 200)
		if head.body != "" || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") || head.Header.Get("ETag") != get.Header.Get("ETag") {
			t.Errorf("%s: %v, GET %v", path, head.Header, get.Header)
		}
	}
	s.send("HEAD", "/api/collections/nothing", "").want(t, 404)
}

func TestAnotherMethodIsAProblemThatNamesTheAllowedOnes(t *testing.T) {
	s := start(t)
	for _, c := range []struct{ method, path, allow string }{
		{"POST", "/api", "GET, HEAD, OPTIONS"},
		{"DELETE", hospitals, "GET, HEAD, POST, OPTIONS"},
		{"POST", hospitals + "/h01", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
		{"PUT", "/tiles/hospitals/0/0/0", "GET, HEAD, OPTIONS"},
		{"GET", "/signout", "POST, OPTIONS"},
		{"BREW", "/api", "GET, HEAD, OPTIONS"},
	} {
		a := s.send(c.method, c.path, "").want(t, 405)
		a.fields(t)
		if got := a.Header.Get("Allow"); got != c.allow {
			t.Errorf("%s %s: Allow %q, want %q", c.method, c.path, got, c.allow)
		}
		if a := s.send("OPTIONS", c.path, "").want(t, 204); a.Header.Get("Allow") != c.allow {
			t.Errorf("OPTIONS %s: Allow %q", c.path, a.Header.Get("Allow"))
		}
	}
	a := s.send("OPTIONS", hospitals, "", header("Origin", "https://elsewhere.example"), header("Access-Control-Request-Method", "GET"), header("Access-Control-Request-Headers", "if-none-match")).want(t, 204)
	if a.Header.Get("Access-Control-Allow-Origin") != "*" || a.Header.Get("Access-Control-Allow-Methods") != "GET, HEAD" || strings.Contains(a.Header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("preflight: %v", a.Header)
	}
	for _, path := range []string{"/api/nothing", "/tiles", "/api/collections/hospitals/nothing", "/else"} {
		s.get(path).want(t, 404).fields(t)
		s.send("OPTIONS", path, "").want(t, 404)
	}
}

// broken is a store that fails as asked.
type broken struct {
	layers.Store
	fail func() error
}

func (b broken) As(v layers.View) layers.Reader { return brokenReader{b.Store.As(v), b.fail} }

func (b broken) Apply(context.Context, layers.Actor, string, []layers.Edit) (layers.Receipt, error) {
	return layers.Receipt{}, b.fail()
}

type brokenReader struct {
	layers.Reader
	fail func() error
}

func (b brokenReader) Query(context.Context, layers.Query) (layers.Page, error) {
	return layers.Page{}, b.fail()
}

func (b brokenReader) Scan(context.Context, string, layers.Range) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) { yield(nil, b.fail()) }
}

func TestAFailureInsideIsAProblemThatTellsNothingAndALogThatTellsAll(t *testing.T) {
	const secret = `SQL logic error: no such column "geom" in SELECT fid FROM "hospitals" (/var/lib/onemap/data/onemap.gpkg)`
	for _, c := range []struct {
		name   string
		fail   func() error
		status int
	}{
		{"a plain error", func() error { return errors.New(secret) }, 500},
		{"an internal error", func() error { return layers.Errorf(layers.Internal, "query: %w", errors.New(secret)) }, 500},
		{"an error of an unknown code", func() error { return layers.Errorf("strange", "query: %w", errors.New(secret)) }, 500},
		{"a busy store", func() error { return layers.Errorf(layers.Unavailable, "locked: %w", errors.New(secret)) }, 503},
		{"a slow store", func() error { return fmt.Errorf("%s: %w", secret, context.DeadlineExceeded) }, 503},
		{"a panic", func() error { panic(secret) }, 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, func(d *Deps) { d.Store = broken{d.Store, c.fail} })
			for _, a := range []answer{s.get(hospitals), s.write("PATCH", hospitals+"/h01", `{"properties":{"beds":1}}`)} {
				a.want(t, c.status).fields(t)
				id := a.Header.Get("X-Request-Id")
				for _, word := range []string{"SQL", "SELECT", "/var", "gpkg", "geom"} {
					if strings.Contains(strings.ReplaceAll(a.body, id, ""), word) { // an id's letters may be any
						t.Errorf("the answer tells %q: %s", word, a.body)
					}
				}
				if !strings.Contains(a.body, id) {
					t.Errorf("the problem does not name the request %s: %s", id, a.body)
				}
				if (a.Header.Get("Retry-After") != "") != (c.status == 503) {
					t.Errorf("headers %v", a.Header)
				}
				log := s.log.String()
				if !strings.Contains(log, id) || !strings.Contains(log, "no such column") {
					t.Errorf("the log does not tell: %s", log)
				}
			}
		})
	}
}

func TestTheLogTellsWhoAskedWhatAndNoTokens(t *testing.T) {
	s := start(t)
	s.get("/signin?token="+s.tokens.Writer()+"&next=/").want(t, 303)
	s.get("/signin?token=some-wrong-token-12345").want(t, 401)
	s.get(hospitals, bearer(s.tokens.Official())).want(t, 200)
	s.get(hospitals, bearer("another-wrong-token-12345")).want(t, 401)
	s.write("PATCH", hospitals+"/h01", `{"properties":{"beds":1}}`, cookie(s.tokens.Wall())).want(t, 200)
	log := s.log.String()
	for _, token := range []string{s.tokens.Official(), s.tokens.Writer(), s.tokens.Wall(), "some-wrong-token-12345", "another-wrong-token-12345"} {
		if strings.Contains(log, token) {
			t.Errorf("the log tells the token %s", token)
		}
	}
	for _, want := range []string{`"route":"/api/collections/{layer}/items"`, `"view":"official"`, `"status":200`, `"msg":"edited","layer":"hospitals"`, `"by":"writer"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s: %s", want, log)
		}
	}
}

func TestTheRoutesPatternIsLeftForWhoeverMeasures(t *testing.T) {
	s := start(t)
	var pattern string
	inner := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r)
		pattern = r.Pattern
	})
	s.get(hospitals+"/h01").want(t, 200)
	if pattern != "/api/collections/{layer}/items/{feature}" {
		t.Errorf("got %q", pattern)
	}
}

func TestWhoHasGoneGetsNothingAndWhoWaitedTooLongIsToldSo(t *testing.T) {
	a := &api{Deps: Deps{Log: slog.New(slog.DiscardHandler)}}
	h := a.handle(func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return layers.Errorf(layers.Internal, "query: interrupted (9)")
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler {
				t.Errorf("recovered %v", p)
			}
		}()
		h(httptest.NewRecorder(), httptest.NewRequest("GET", "/api", nil).WithContext(gone))
	}()
	late, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	w := httptest.NewRecorder()
	h(w, httptest.NewRequest("GET", "/api", nil).WithContext(late))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestErrorsNameWhatWasSentAndNotWhatWeMadeOfIt(t *testing.T) {
	err := &layers.Error{Code: layers.Conflict, Message: "edits[3]: it exists", Violations: []layers.Violation{{Field: "edits[3].properties.level"}, {Field: "edits[12]"}}}
	for list, want := range map[string]string{"": "it exists|properties.level|", "features": "features[3]: it exists|features[3].properties.level|features[12]"} {
		var got *layers.Error
		if !errors.As(inBody(err, list), &got) || got.Message+"|"+got.Violations[0].Field+"|"+got.Violations[1].Field != want {
			t.Errorf("%q: got %+v", list, got)
		}
	}
	if err.Violations[0].Field != "edits[3].properties.level" {
		t.Error("the store's error was changed")
	}
}
