package api

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onemap/layers"
)

// idsOf reads the ids of a sequence.
func idsOf(t testing.TB, body string) string {
	t.Helper()
	var ids []string
	for line := range strings.Lines(body) {
		var f struct{ ID, Notice string }
		if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "\x1e")), &f); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if f.Notice != "演示数据，非真实情况" {
			t.Errorf("%s does not say that it is invented: %q", f.ID, f.Notice)
		}
		ids = append(ids, f.ID)
	}
	return strings.Join(ids, " ")
}

func TestADownloadHasEverythingThatIsChosenAndAPageWhenItIsAskedFor(t *testing.T) {
	s := start(t)
	for _, c := range []struct{ query, want string }{
		{"", "h01 h02 h03 h04 h05"},
		{"bbox=108,22,109,23", "h01 h02 h03"},
		{"bbox=109,20,108.4,30", "h01 h02 h04 h05"}, // round the world the other way
		{"division=450100&open=true", "h02"},
		{"q=hospital+0&datetime=2026-07-01T02:00:00Z/..", "h02 h03 h04 h05"},
		{"limit=2", "h01 h02"},
		{"sortby=-beds", "h05 h04 h03 h02 h01"},
		{"sortby=-beds&limit=2", "h05 h04"},
		{"sortby=-beds&bbox=109,20,108.4,30", "h05 h04 h02 h01"},
		{"status=full&open=true", ""},
	} {
		for _, f := range []string{"geojsonseq", "ndjson"} {
			got := idsOf(t, s.get(hospitals+"?f="+f+"&"+c.query).want(t, 200).body)
			if !strings.Contains(c.query, "sortby") { // without an order
				ids := strings.Fields(got)
				slices.Sort(ids)
				got = strings.Join(ids, " ")
			}
			if got != c.want {
				t.Errorf("%s, %s: got %q, want %q", f, c.query, got, c.want)
			}
		}
	}
	if body := s.get(hospitals + "?f=geojsonseq&limit=1").body; !strings.HasPrefix(body, "\x1e{") || !strings.HasSuffix(body, "}\n") {
		t.Errorf("not a text sequence: %q", body)
	}
}

func TestAPageInAnotherFormatLeadsToTheNextByItsLinkHeader(t *testing.T) {
	s := start(t)
	path, all := hospitals+"?f=ndjson&limit=2&sortby=-beds", []string{}
	for path != "" {
		a := s.get(path).want(t, 200)
		all = append(all, idsOf(t, a.body))
		path = ""
		for _, l := range a.Header.Values("Link") {
			if href, ok := strings.CutSuffix(l, `>; rel="next"; type="application/x-ndjson"`); ok {
				path = strings.TrimPrefix(href, "<"+s.URL)
			}
		}
	}
	if got := strings.Join(all, "|"); got != "h05 h04|h03 h02|h01" {
		t.Errorf("got %s", got)
	}
}

func TestADownloadIsAFileWithTheLayersNameAndHEADTellsWithoutReading(t *testing.T) {
	s := start(t)
	for f, want := range map[string]string{"csv": "text/csv; charset=utf-8", "gpkg": "application/geopackage+sqlite3", "shp": "application/zip", "ndjson": "application/x-ndjson"} {
		for _, method := range []string{"GET", "HEAD"} {
			a := s.send(method, hospitals+"?f="+f, "").want(t, 200)
			suffix := map[string]string{"shp": "zip"}[f]
			if suffix == "" {
				suffix = f
			}
			name := `attachment; filename=hospitals.` + suffix + `; filename*=UTF-8''%E7%A4%BA%E4%BE%8B%E5%8C%BB%E9%99%A2.` + suffix
			if a.Header.Get("Content-Type") != want || a.Header.Get("Content-Disposition") != name || a.Header.Get(positionHeader) == "" {
				t.Errorf("%s %s: %v", method, f, a.Header)
			}
			if (a.body == "") != (method == "HEAD") {
				t.Errorf("%s %s: %d bytes", method, f, len(a.body))
			}
		}
	}
}

func TestHEADOfAFileThatCantBeWrittenIsTheProblemThatGETIs(t *testing.T) {
	s := start(t)
	for _, method := range []string{"GET", "HEAD"} {
		a := s.send(method, "/api/collections/townships/items?f=csv&csv-geometry=lonlat", "").want(t, 400)
		if a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v", method, a.Header)
		}
	}
}

func TestItemsAndCollectionsLeadToEveryFormatAndEveryLinkAnswers(t *testing.T) {
	s := start(t)
	var c struct{ Links []link }
	s.get("/api/collections/hospitals").want(t, 200).into(t, &c)
	p := s.page(hospitals + "?limit=3&bbox=108,22,110,25")
	for _, o := range itemOffers(testFormats)[1:] {
		inPage, inCollection := false, false
		for _, l := range p.Links {
			if l.Rel == "alternate" && l.Type == o.media {
				inPage = true
				if a := s.get(strings.TrimPrefix(l.Href, s.URL)).want(t, 200); !strings.HasPrefix(a.Header.Get("Content-Type"), o.media) {
					t.Errorf("%s is %s", l.Href, a.Header.Get("Content-Type"))
				}
			}
		}
		for _, l := range c.Links {
			inCollection = inCollection || (l.Rel == "enclosure" || l.Rel == "items") && l.Type == o.media
		}
		if !inPage || !inCollection {
			t.Errorf("no link to %s: of the page %t, of the collection %t", o.name, inPage, inCollection)
		}
	}
}

func TestDownloadsAreCompressedUnlessTheyAreAlready(t *testing.T) {
	many := &faulty{times: 100}
	s := start(t, func(d *Deps) { many.Store = d.Store; d.Store = many })
	for f, want := range map[string]string{"csv": "gzip", "ndjson": "gzip", "geojsonseq": "gzip", "gpkg": "gzip", "shp": ""} {
		a := s.get(hospitals+"?f="+f, header("Accept-Encoding", "gzip")).want(t, 200)
		if got := a.Header.Get("Content-Encoding"); got != want {
			t.Errorf("%s: %q", f, got)
		}
	}
}

// faulty is a store whose scans have each feature several times, and end with an
// error, or wait, after so many.
type faulty struct {
	layers.Store
	times int
	after int
	fail  func(context.Context) error
}

func (f *faulty) As(v layers.View) layers.Reader { return faultyReader{f.Store.As(v), f} }

type faultyReader struct {
	layers.Reader
	f *faulty
}

func (r faultyReader) Scan(ctx context.Context, layer string, rg layers.Range) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		n := 0
		for f, err := range r.Reader.Scan(ctx, layer, rg) {
			for range r.f.times {
				if n++; n == r.f.after {
					if err := r.f.fail(ctx); err != nil {
						yield(nil, err)
						return
					}
				}
				if !yield(f, err) {
					return
				}
			}
		}
	}
}

func TestAnErrorBeforeTheFirstByteIsAProblemAndLaterItCutsTheAnswer(t *testing.T) {
	begun := make(chan struct{}, 1) // has one when the client has the answer's beginning
	f := &faulty{times: 1000}
	f.fail = func(ctx context.Context) error {
		if f.after > 100 {
			select {
			case <-begun:
			case <-ctx.Done():
			}
		}
		return layers.Errorf(layers.Internal, "read the store: %w", errors.New("SELECT 1"))
	}
	s := start(t, func(d *Deps) { f.Store = d.Store; d.Store = f })
	for _, format := range []string{"ndjson", "csv", "gpkg", "shp"} {
		f.after = 3
		a := s.get(hospitals+"?f="+format).want(t, 500)
		if a.fields(t); a.Header.Get("Content-Disposition") != "" || strings.Contains(a.body, "SELECT") {
			t.Errorf("%s: %v %s", format, a.Header, a.body)
		}
	}
	f.after = 4500
	for _, encoding := range []string{"identity", "gzip"} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+hospitals+"?f=ndjson", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", encoding)
		answer, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		begun <- struct{}{}
		b, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != 200 || len(b) == 0 || err == nil {
			t.Errorf("%s: %d, %d bytes: %v", encoding, answer.StatusCode, len(b), err)
		}
	}
}

func TestAClientThatGoesAwayEndsTheReading(t *testing.T) {
	ended, begun := make(chan error, 1), make(chan bool)
	f := &faulty{times: 1, after: 1, fail: func(ctx context.Context) error {
		close(begun)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}}
	s := start(t, func(d *Deps) { f.Store = d.Store; d.Store = f })
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+hospitals+"?f=csv", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-begun
		cancel()
	}()
	if _, err := s.Client().Do(r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the reading ended with %v", err)
	}
}

func TestASlowClientGetsEverythingAndHoldsUpNobody(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	read := make(chan bool)
	f := &faulty{times: 20_000, after: 100_000, fail: func(ctx context.Context) error {
		time.Sleep(time.Second) // the store is slow too
		close(read)
		return ctx.Err()
	}}
	const bound = 300 * time.Millisecond // of a request as a whole
	s := start(t, func(d *Deps) { f.Store = d.Store; d.Store, d.Timeout = f, bound })
	strict := httptest.NewUnstartedServer(s.Config.Handler)
	strict.Config.ReadTimeout, strict.Config.WriteTimeout = bound, bound
	strict.Start()
	defer strict.Close()
	strict.Client().Transport.(*http.Transport).DisableCompression = true // 50 MB don't fit into the sockets
	answer, err := strict.Client().Get(strict.URL + hospitals + "?f=ndjson")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	<-read // the store is done though nothing has been taken
	time.Sleep(time.Second)
	n := 0
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		n++
	}
	if lines.Err() != nil || n != 100_000 {
		t.Errorf("%d features, %v", n, lines.Err())
	}
	answer.Body.Close()
	strict.Close()
	left, err := filepath.Glob(filepath.Join(temporary, "onemap-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

func TestWhatHasComeIsSentBeforeTheRestIsThere(t *testing.T) {
	goOn := make(chan bool)
	f := &faulty{times: 300, after: 1200, fail: func(context.Context) error { <-goOn; return nil }}
	s := start(t, func(d *Deps) { f.Store = d.Store; d.Store = f })
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+hospitals+"?f=ndjson", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	z, err := gzip.NewReader(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(z).ReadString('\n'); err != nil {
		t.Errorf("the first line: %v", err)
	}
	close(goOn)
}
