package access

import (
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"onemap/layers"
)

//go:embed signin.html
var signInHTML string

// maxCookieAge is how long a browser stays signed in. The wall runs for months
// unattended, and 400 days is the longest that browsers keep.
const maxCookieAge = 400 * 24 * time.Hour

// Pages signs browsers in and out.
type Pages struct {
	tokens *Tokens
	page   *template.Template
	secure func(*http.Request) bool
	cross  *http.CrossOriginProtection
}

// NewPages returns the sign-in pages. secure reports whether a request came
// over HTTPS, seen from the browser; nil asks the connection.
func NewPages(t *Tokens, secure func(*http.Request) bool) (*Pages, error) {
	page, err := template.New("signin").Parse(signInHTML)
	if err != nil {
		return nil, err
	}
	if secure == nil {
		secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	return &Pages{tokens: t, page: page, secure: secure, cross: http.NewCrossOriginProtection()}, nil
}

// SignInPath returns the path that signs a browser in with a token and then
// opens a page, such as "/wall".
func SignInPath(token, next string) string {
	return "/signin?" + url.Values{"token": {token}, "next": {next}}.Encode()
}

// SignIn shows the form (GET), or checks a token from a link (GET with token)
// or from the form (POST) and sets the cookie.
func (p *Pages) SignIn(w http.ResponseWriter, r *http.Request) {
	headers(w)
	if err := p.cross.Check(r); err != nil { // nobody else's page signs somebody in
		p.show(w, http.StatusForbidden, "/", "请求来自其他网站，已拒绝。", "The request came from another site and was refused.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	next := Local(r.FormValue("next"))
	token := strings.TrimSpace(r.FormValue("token"))
	if token == "" {
		if r.Method == http.MethodPost {
			p.show(w, http.StatusBadRequest, next, "请输入令牌。", "Enter a token.")
			return
		}
		p.show(w, http.StatusOK, next, "", "")
		return
	}
	if _, ok := p.tokens.lookup(token); !ok {
		p.show(w, http.StatusUnauthorized, next, "令牌无效，请核对后重试。", "This token is not valid. Check it and try again.")
		return
	}
	http.SetCookie(w, p.cookie(r, token, int(maxCookieAge.Seconds())))
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// SignOut forgets the cookie.
func (p *Pages) SignOut(w http.ResponseWriter, r *http.Request) {
	headers(w)
	if err := p.cross.Check(r); err != nil {
		p.show(w, http.StatusForbidden, "/", "请求来自其他网站，已拒绝。", "The request came from another site and was refused.")
		return
	}
	http.SetCookie(w, p.cookie(r, "", -1))
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	http.Redirect(w, r, Local(r.FormValue("next")), http.StatusSeeOther)
}

func (p *Pages) cookie(r *http.Request, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: CookieName, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: p.secure(r),
	}
}

// headers keep the token in the address out of other sites, caches and frames.
func headers(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

func (p *Pages) show(w http.ResponseWriter, status int, next, zh, en string) {
	nonce := rand.Text()
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_ = p.page.Execute(w, struct {
		Nonce, Next string
		Problem     layers.Text
	}{nonce, next, layers.Text{Zh: zh, En: en}})
}

// Local returns next if it is a path on this server, else "/": a sign-in link
// must not lead to somebody else's page.
func Local(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") {
		return "/"
	}
	// Browsers read \ as / and drop tabs and line ends: "/\t/evil" is "//evil".
	if strings.ContainsFunc(next, func(r rune) bool { return r == '\\' || r <= ' ' || r == 0x7f }) {
		return "/"
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") {
		return "/"
	}
	if u.Path == "/signin" || u.Path == "/signout" {
		return "/"
	}
	return u.String()
}
