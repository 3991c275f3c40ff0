package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"onemap/internal/access"
	"onemap/layers"
)

// waitForVersion bounds how long a tile waits for the changes that its URL names.
const waitForVersion = 5 * time.Second

// version reads the parameter v, a place in the log.
func (p *params) version() (at layers.Cursor, sent bool) {
	v, sent := p.one("v")
	if !sent {
		return at, false
	}
	at, err := layers.ParseCursor(v)
	if err != nil {
		p.add("v", v, "not of the form epoch:position", "a position that this server sent, or leave it out")
	}
	return at, true
}

// reach waits until tiles have every change up to a place.
func (a *api) reach(ctx context.Context, at layers.Cursor) error {
	bounded, cancel := context.WithTimeout(ctx, waitForVersion)
	defer cancel()
	err := a.Reach(bounded, at)
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case layers.CodeOf(err) == layers.Expired:
		return &layers.Error{Code: layers.Expired, Message: "the position is not of this server's log", Violations: []layers.Violation{
			{Field: "v", Value: shorten(at.String()), Reason: "the log has begun anew since", Remedy: "a position that this server sends now, or leave it out"}}}
	case errors.Is(err, context.DeadlineExceeded):
		return &layers.Error{Code: layers.Unavailable, Message: "this server has not seen the changes up to the position v yet", Violations: []layers.Violation{
			{Field: "v", Value: shorten(at.String()), Reason: "ahead of this server", Remedy: "try again in a moment, or leave it out"}}}
	}
	return err
}

// forLong lets whoever asked keep the answer, and everybody else only if no
// credentials came: what the public sees may be in any cache.
func forLong(w http.ResponseWriter, r *http.Request) {
	scope := "private"
	_, noCookie := r.Cookie(access.CookieName)
	if !access.From(r.Context()).SignedIn() && r.Header.Get("Authorization") == "" && noCookie != nil {
		scope = "public"
	}
	w.Header().Set("Cache-Control", scope+", max-age=31536000, immutable")
}
