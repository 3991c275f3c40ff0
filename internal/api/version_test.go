package api

import (
	"context"
	"errors"
	"testing"

	"onemap/layers"
)

func TestATileOfAVersionHasItsChangesAndMayBeKept(t *testing.T) {
	s := start(t)
	for n, path := range []string{"/tiles/hospitals/0/0/0", "/tiles/divisions,hospitals/5/25/13", "/api/collections/hospitals/tiles/WebMercatorQuad/0/0/0", "/api/tiles/WebMercatorQuad/0/0/0"} {
		before := s.get(path).want(t, 200)
		// Past the API, which would wait for the tiles before it acknowledges.
		e := hospital(1, 108.35, 22.75+float64(n+1), "450103001")
		receipt, err := s.store.Apply(t.Context(), layers.Actor{Name: "test"}, "hospitals", []layers.Edit{e})
		if err != nil {
			t.Fatal(err)
		}
		v := receipt.Cursor.String()
		a := s.get(path+"?v="+v).want(t, 200)
		if a.body == before.body {
			t.Errorf("%s: the change is not in it", path)
		}
		if got := a.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: public Cache-Control %q", path, got)
		}
		for who, with := range map[string]with{"an official": bearer(s.tokens.Official()), "the wall": cookie(s.tokens.Wall()), "an old cookie": cookie("gone")} {
			if got := s.get(path+"?v="+v, with).want(t, 200).Header.Get("Cache-Control"); got != "private, max-age=31536000, immutable" {
				t.Errorf("%s, %s: Cache-Control %q", path, who, got)
			}
		}
		b := s.get(path+"?v="+v, header("If-None-Match", a.Header.Get("ETag"))).want(t, 304)
		if b.Header.Get("Cache-Control") != a.Header.Get("Cache-Control") {
			t.Errorf("%s: 304 with %q", path, b.Header.Get("Cache-Control"))
		}
		if got := s.get(path).Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s without v: %q", path, got)
		}
	}
}

func TestATileOfAVersionThatThisServerDoesNotHaveIsAProblem(t *testing.T) {
	var fail error
	bounded := false
	s := start(t, func(d *Deps) {
		real := d.Reach
		d.Reach = func(ctx context.Context, c layers.Cursor) error {
			if fail != nil {
				_, bounded = ctx.Deadline()
				return fail
			}
			return real(ctx, c)
		}
	})
	const path = "/tiles/hospitals/0/0/0"
	for _, v := range []string{"", "1", "e:", ":1", "e:-1", "e:x"} {
		if a := s.get(path+"?v="+v).want(t, 400); a.fields(t) != "v" {
			t.Errorf("%q: %s", v, a.body)
		}
	}
	if a := s.get(path+"?v=elsewhere:1").want(t, 410); a.fields(t) != "v" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("another epoch: %v %s", a.Header, a.body)
	}
	fail = context.DeadlineExceeded
	if a := s.get(path+"?v=e:99").want(t, 503); a.fields(t) != "v" || a.Header.Get("Retry-After") == "" || a.Header.Get("Cache-Control") != "no-store" || !bounded {
		t.Errorf("ahead of the feed, bounded %v: %v %s", bounded, a.Header, a.body)
	}
	fail = errors.New("SELECT position FROM secret")
	if a := s.get(path+"?v=e:99").want(t, 500); a.fields(t) != "" {
		t.Errorf("a store that fails: %s", a.body)
	}
}
