package api

import (
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/paulmach/orb/encoding/mvt"
)

// requestsOfASeed are few, so that a find is soon understood.
const requestsOfASeed = 100

// FuzzWhateverIsSentIsAnsweredAsTheDefinitionSays draws requests from the API
// definition (see artist), each seed against a server of its own, and looks at what
// comes back. A find names the seed and the request.
func FuzzWhateverIsSentIsAnsweredAsTheDefinitionSays(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		s := start(t)
		doc, definition := openAPI31Of(t, s)
		a := newArtist(seed, doc, []string{s.tokens.Writer(), s.tokens.Writer(), s.tokens.Official(), s.tokens.Wall()}, s.get(hospitals).Header.Get(positionHeader))
		// A path may lead to another route than was meant.
		patterns := make(chan string, 1)
		inner := s.Config.Handler
		s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() { patterns <- r.Pattern }()
			inner.ServeHTTP(w, r)
		})
		send := func(d drawn) (a answer, route string) {
			a = s.send(d.method, d.path, d.body, func(r *http.Request) { r.Header = d.header })
			return inflated(t, a), <-patterns
		}
		good := 0
		for range requestsOfASeed {
			d := a.request(pick(a, a.routes))
			got, route := send(d)
			if got.StatusCode < 400 {
				good++
			}
			for _, wrong := range faults(definition, d.method+" "+route, got) {
				t.Errorf("seed %d: %s\n%s\n%d %s", seed, wrong, d.curl(), got.StatusCode, shorten(got.body))
			}
			if d.method == http.MethodGet && !strings.HasPrefix(d.path, "/sign") {
				head, _ := send(drawn{method: http.MethodHead, path: d.path, header: d.header})
				if head.StatusCode != got.StatusCode || head.body != "" {
					t.Errorf("seed %d: HEAD answers %d with %q\n%s\n%d", seed, head.StatusCode, shorten(head.body), d.curl(), got.StatusCode)
				}
			}
		}
		if good < requestsOfASeed/10 {
			t.Errorf("seed %d: only %d of %d requests are good: what is behind the checks of parameters is not looked at", seed, good, requestsOfASeed)
		}
		if log := s.log.String(); strings.Contains(log, "panicked") || strings.Contains(log, `"level":"ERROR"`) && !strings.Contains(log, `"status":501`) {
			t.Errorf("seed %d: the log tells of a failure:\n%s", seed, log[max(0, strings.Index(log, `"level":"ERROR"`)-200):])
		}
	})
}

// openAPI31Of returns the definition of any server, and its judge. Making it takes longer
// than a dozen requests.
func openAPI31Of(t testing.TB, s *server) (object, *contract) {
	once31.Do(func() {
		a := s.get("/api/openapi-3.1.json")
		a.into(t, &once31.doc)
		once31.judge = contractOf(t, a.body)
	})
	return once31.doc, once31.judge
}

var once31 struct {
	sync.Once
	doc   object
	judge *contract
}

// inflated returns an answer that came as gzip without that.
func inflated(t *testing.T, a answer) answer {
	t.Helper()
	if a.Header.Get("Content-Encoding") != "gzip" || a.body == "" {
		return a
	}
	z, err := gzip.NewReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	a.Header.Del("Content-Encoding")
	return answer{a.Response, string(b)}
}

// insides are words that only our own code, SQL or file names bring into an answer.
var insides = regexp.MustCompile(`SELECT |INSERT |SQLSTATE|SQL logic|sqlite|pgx|\.gpkg|\.go:\d|goroutine |/tmp/|runtime error|strconv\.|json: |Go (value|struct)|%!|0x[0-9a-f]{8}|map\[`)

// faults says what is wrong with an answer, whatever was asked.
func faults(definition *contract, route string, a answer) []string {
	var wrong []string
	problem := a.Header.Get("Content-Type") == "application/problem+json"
	page := strings.Contains(route, " /sign")
	switch {
	case a.StatusCode == http.StatusNotImplemented && strings.Contains(route, "/attachments"): // said so in the definition
	case a.StatusCode >= 500:
		wrong = append(wrong, "a failure")
	case a.StatusCode >= 400 && !problem && !page:
		wrong = append(wrong, "an error that is no problem document")
	}
	if a.StatusCode >= 400 {
		if found := insides.FindString(a.body); found != "" {
			wrong = append(wrong, "the error tells "+found)
		}
	}
	if a.Header.Get("X-Evil") != "" {
		wrong = append(wrong, "a header was smuggled in")
	}
	if a.Header.Get("Content-Encoding") != "" {
		return wrong // a tile as br or zstd, looked at by tests of their own
	}
	if a.Header.Get("Content-Type") == mediaMVT && a.StatusCode == http.StatusOK {
		if _, err := mvt.Unmarshal([]byte(a.body)); err != nil {
			wrong = append(wrong, "the tile can't be read: "+err.Error())
		}
	}
	if _, path, _ := strings.Cut(route, " "); path != "" && a.StatusCode != http.StatusMethodNotAllowed {
		if err := definition.judge(route, a); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	return wrong
}
