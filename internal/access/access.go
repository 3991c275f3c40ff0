// Package access knows who asks: it keeps the server's tokens, turns a request
// into an identity with the view it may see, and signs browsers in and out.
//
// Three fixed views exist (public, official, writer); the wall's token is an
// official view that can never write. What a view sees is decided in layers.
//
// internal/api, internal/live and cmd import it; it imports only layers.
package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"onemap/layers"
)

// CookieName is the cookie of a signed-in browser; its value is the token.
const CookieName = "onemap"

// Identity is who sent a request.
type Identity struct {
	View     layers.View
	Wall     bool // the command centre's wall: official, read-only
	ByCookie bool // signed in by cookie: writes must come from our own pages
}

// SignedIn reports whether the request carried a valid token.
func (i Identity) SignedIn() bool { return i.View.Name() != layers.Public.Name() }

// Name says who it is, for logs and for the change log's actor.
func (i Identity) Name() string {
	if i.Wall {
		return "wall"
	}
	return i.View.Name()
}

// Identify returns who sent the request: by the header "Authorization: Bearer",
// else by cookie, else nobody in particular, who sees the public view.
//
// A wrong bearer token is an Unauthorized error: its program must hear of it. A
// cookie that is no token any more is as good as none: it was left by an older
// data directory, and the browser can't do anything about it.
func (t *Tokens) Identify(r *http.Request) (Identity, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return Identity{}, layers.Errorf(layers.Unauthorized, "the Authorization header must be of the form: Bearer TOKEN")
		}
		if id, ok := t.lookup(strings.TrimSpace(token)); ok {
			return id, nil
		}
		return Identity{}, layers.Errorf(layers.Unauthorized, "the token is not one of this server's")
	}
	for _, c := range r.CookiesNamed(CookieName) {
		if id, ok := t.lookup(c.Value); ok {
			id.ByCookie = true
			return id, nil
		}
	}
	return Identity{View: layers.Public}, nil
}

// lookup compares with every token, in a time that tells nothing about any.
func (t *Tokens) lookup(token string) (Identity, bool) {
	sum := sha256.Sum256([]byte(token))
	found := -1
	for i := range t.known {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(sum[:], t.known[i].sum[:]), i, found)
	}
	if found < 0 {
		return Identity{}, false
	}
	return t.known[found].identity, true
}

type identityKey struct{}

// With returns a context that carries the identity. It may be an empty one, whose
// view sees nothing, until Settle says who it is.
func With(ctx context.Context, id *Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// Settle changes the identity that With put in, before others ask for it.
func Settle(ctx context.Context, id Identity) {
	if known, ok := ctx.Value(identityKey{}).(*Identity); ok {
		*known = id
	}
}

// From returns the identity that With put in; without one the view sees nothing.
func From(ctx context.Context) Identity {
	if id, ok := ctx.Value(identityKey{}).(*Identity); ok {
		return *id
	}
	return Identity{}
}
