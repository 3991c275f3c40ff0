package access

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func pages(t *testing.T) (*Tokens, *httptest.Server, *http.Client) {
	t.Helper()
	tokens := open(t)
	p, err := NewPages(tokens, nil)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/signin", p.SignIn)
	mux.HandleFunc("POST /signout", p.SignOut)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return tokens, srv, client
}

func do(t *testing.T, c *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("%s: Referrer-Policy %q", r.URL.Path, got)
	}
	if got := resp.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("%s: Cache-Control %q", r.URL.Path, got)
	}
	return resp, string(body)
}

func request(t *testing.T, method, address string, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func TestTheSignInPageSaysThatTheSystemIsNotClassified(t *testing.T) {
	_, srv, c := pages(t)
	resp, body := do(t, c, request(t, "GET", srv.URL+"/signin?next=/wall%3Fa=%22%3E%3Cb%3E", nil))
	if resp.StatusCode != 200 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	zh := strings.Index(body, "本系统为非涉密系统，严禁存储、处理国家秘密和工作秘密")
	en := strings.Index(body, "This system is not classified")
	if zh < 0 || en < zh {
		t.Errorf("the sentence stands at %d, its English at %d", zh, en)
	}
	if strings.Contains(body, `"><b>`) {
		t.Error("next is not escaped")
	}
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("Content-Security-Policy %q", csp)
	}
}

func TestASignInLinkAndTheFormSetAStrictCookie(t *testing.T) {
	tokens, srv, c := pages(t)
	for name, r := range map[string]*http.Request{
		"link": request(t, "GET", srv.URL+SignInPath(tokens.Wall(), "/wall?scene=flood"), nil),
		"form": request(t, "POST", srv.URL+"/signin", url.Values{"token": {" " + tokens.Wall() + "\n"}, "next": {"/wall?scene=flood"}}),
	} {
		resp, _ := do(t, c, r)
		if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/wall?scene=flood" {
			t.Fatalf("%s: %d to %q", name, resp.StatusCode, resp.Header.Get("Location"))
		}
		cookies := resp.Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%s: cookies %v", name, cookies)
		}
		k := cookies[0]
		if k.Name != CookieName || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.Path != "/" || k.Secure || k.MaxAge <= 0 {
			t.Errorf("%s: %+v", name, k)
		}
		check := httptest.NewRequest("GET", "/api", nil)
		check.AddCookie(k)
		if id, err := tokens.Identify(check); err != nil || !id.Wall {
			t.Errorf("%s: the cookie is %+v, %v", name, id, err)
		}
	}
}

func TestAWrongTokenSetsNoCookieAndIsNotShownAgain(t *testing.T) {
	_, srv, c := pages(t)
	for _, r := range []*http.Request{
		request(t, "GET", srv.URL+SignInPath("wrong-token-value", "/"), nil),
		request(t, "POST", srv.URL+"/signin", url.Values{"token": {"wrong-token-value"}}),
	} {
		resp, body := do(t, c, r)
		if resp.StatusCode != http.StatusUnauthorized || len(resp.Cookies()) != 0 {
			t.Errorf("%s: %d, cookies %v", r.Method, resp.StatusCode, resp.Cookies())
		}
		if strings.Contains(body, "wrong-token-value") || !strings.Contains(body, "令牌无效") {
			t.Errorf("%s: %s", r.Method, body)
		}
	}
}

func TestAnotherSitesFormSignsNobodyInOrOut(t *testing.T) {
	tokens, srv, c := pages(t)
	for _, path := range []string{"/signin", "/signout"} {
		r := request(t, "POST", srv.URL+path, url.Values{"token": {tokens.Official()}})
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://elsewhere.example")
		if resp, _ := do(t, c, r); resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) != 0 {
			t.Errorf("%s: %d, cookies %v", path, resp.StatusCode, resp.Cookies())
		}
	}
	resp, _ := do(t, c, request(t, "POST", srv.URL+"/signout", url.Values{}))
	if k := resp.Cookies(); resp.StatusCode != http.StatusSeeOther || len(k) != 1 || k[0].MaxAge >= 0 {
		t.Errorf("signing out: %d, %v", resp.StatusCode, k)
	}
}

func TestSignInLeadsOnlyToPathsOfThisServer(t *testing.T) {
	for next, want := range map[string]string{
		"":                          "/",
		"/":                         "/",
		"/wall":                     "/wall",
		"/?layers=a,b#6.2/23.6/108": "/?layers=a,b#6.2/23.6/108",
		"/wall?scene=防汛":            "/wall?scene=防汛",
		"wall":                      "/",
		"//evil.example":            "/",
		"///evil.example":           "/",
		`/\evil.example`:            "/",
		`\\evil.example`:            "/",
		"/\t/evil.example":          "/",
		"/\n/evil.example":          "/",
		" //evil.example":           "/",
		"/%2F/evil.example":         "/",
		"https://evil.example/":     "/",
		"javascript:alert(1)":       "/",
		"/signin?next=/signin":      "/",
		"/signout":                  "/",
		"/%zz":                      "/",
	} {
		if got := Local(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

func FuzzLocal(f *testing.F) {
	for _, s := range []string{"/", "//a", `/\a`, "/a?b#c", "/\t/a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, next string) {
		base, _ := url.Parse("http://here.example/signin")
		u, err := url.Parse(Local(next))
		if err != nil {
			t.Fatalf("%q became no address: %v", next, err)
		}
		if got := base.ResolveReference(u); got.Host != base.Host || got.Scheme != base.Scheme {
			t.Errorf("%q leads to %v", next, got)
		}
	})
}
