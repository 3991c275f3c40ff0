package access

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"onemap/layers"
)

func open(t *testing.T) *Tokens {
	t.Helper()
	tokens, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestTheFirstStartMakesTokensAndTheSecondFindsThem(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, FileName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file has mode %v (%v)", info.Mode(), err)
	}
	second, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if first.secrets != second.secrets || len(first.Writer()) < 40 {
		t.Errorf("%+v, then %+v", first.secrets, second.secrets)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 {
		t.Errorf("temporary files were left behind: %v", entries)
	}
}

func TestProcessesThatStartTogetherHaveTheSameTokens(t *testing.T) {
	dir := t.TempDir()
	got := make([]secrets, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			if tokens, err := Open(dir); err != nil {
				t.Error(err)
			} else {
				got[i] = tokens.secrets
			}
		})
	}
	wg.Wait()
	for _, s := range got {
		if s != got[0] {
			t.Fatalf("%v differs from %v", s, got[0])
		}
	}
}

func TestAFileThatOthersMayReadOrThatIsBrokenIsRefused(t *testing.T) {
	const good = `{"official":"aaaaaaaaaaaaaaaaaaaaaaaa","writer":"bbbbbbbbbbbbbbbbbbbbbbbb","wall":"cccccccccccccccccccccccc"}`
	for _, c := range []struct {
		body string
		mode os.FileMode
		want string
	}{
		{good, 0o600, ""},
		{good, 0o400, ""},
		{good, 0o644, "chmod 600"},
		{good, 0o640, "chmod 600"},
		{"", 0o600, "not of the form"},
		{strings.Replace(good, "wall", "wand", 1), 0o600, "not of the form"},
		{strings.Replace(good, "cccccccccccccccccccccccc", "short", 1), 0o600, `"wall" has 5 characters`},
		{strings.Replace(good, "cccccccccccccccccccccccc", "bbbbbbbbbbbbbbbbbbbbbbbb", 1), 0o600, "the same token"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, FileName)
		if err := os.WriteFile(path, []byte(c.body), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("mode %v: %v", c.mode, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("mode %v, %s: %v, want %q", c.mode, c.body, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "aaaa") || strings.Contains(err.Error(), "bbbb")) {
			t.Errorf("the error tells a token: %v", err)
		}
	}
}

func TestARequestHasTheIdentityOfItsToken(t *testing.T) {
	tokens := open(t)
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	cookie := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: CookieName, Value: value}) }
	}
	for _, c := range []struct {
		name   string
		with   []func(*http.Request)
		view   string
		wall   bool
		cookie bool
		write  bool
		fails  bool
	}{
		{name: "no token", view: "public"},
		{name: "official", with: []func(*http.Request){bearer(tokens.Official())}, view: "official"},
		{name: "writer", with: []func(*http.Request){bearer(tokens.Writer())}, view: "writer", write: true},
		{name: "wall", with: []func(*http.Request){bearer(tokens.Wall())}, view: "official", wall: true},
		{name: "writer's cookie", with: []func(*http.Request){cookie(tokens.Writer())}, view: "writer", write: true, cookie: true},
		{name: "wall's cookie", with: []func(*http.Request){cookie(tokens.Wall())}, view: "official", wall: true, cookie: true},
		{name: "an old cookie", with: []func(*http.Request){cookie("gone")}, view: "public"},
		{name: "an old cookie before a good one", with: []func(*http.Request){cookie("gone"), cookie(tokens.Official())}, view: "official", cookie: true},
		{name: "the header wins", with: []func(*http.Request){bearer(tokens.Official()), cookie(tokens.Writer())}, view: "official"},
		{name: "lower-case scheme", with: []func(*http.Request){func(r *http.Request) { r.Header.Set("Authorization", "bearer "+tokens.Official()) }}, view: "official"},
		{name: "wrong token", with: []func(*http.Request){bearer("wrong")}, fails: true},
		{name: "wrong token with a good cookie", with: []func(*http.Request){bearer("wrong"), cookie(tokens.Writer())}, fails: true},
		{name: "empty token", with: []func(*http.Request){bearer("")}, fails: true},
		{name: "Basic", with: []func(*http.Request){func(r *http.Request) { r.SetBasicAuth("writer", tokens.Writer()) }}, fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/api", nil)
			for _, with := range c.with {
				with(r)
			}
			id, err := tokens.Identify(r)
			if c.fails {
				if layers.CodeOf(err) != layers.Unauthorized {
					t.Fatalf("got %+v, %v", id, err)
				}
				if id.View.Sees(&layers.Layer{Open: true, Sharing: layers.Unconditional}) {
					t.Error("an identity that comes with an error sees something")
				}
				return
			}
			if err != nil || id.View.Name() != c.view || id.Wall != c.wall || id.ByCookie != c.cookie || id.View.CanWrite() != c.write {
				t.Errorf("got %s %+v, %v", id.View.Name(), id, err)
			}
		})
	}
}

func TestAContextWithoutAnIdentitySeesNothing(t *testing.T) {
	if From(t.Context()).View.Sees(&layers.Layer{Open: true}) {
		t.Error("it sees an open layer")
	}
	if id := From(With(t.Context(), &Identity{View: layers.Official, Wall: true})); id.Name() != "wall" || !id.SignedIn() {
		t.Errorf("got %+v", id)
	}
}
