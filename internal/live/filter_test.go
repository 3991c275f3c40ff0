package live

import (
	"net/url"
	"strings"
	"testing"

	"onemap/layers"
)

func TestAFilteredSubscriptionHearsOfWhatItChooses(t *testing.T) {
	store := openStore(t)
	l := layer("gauges", true)
	define(t, store, l)
	apply(t, store, l.ID, put("high", 108, 22, 9), put("low", 108, 22, 1))
	s := serve(t, store, fast)
	c := s.connect(t, "public")
	c.filter = "level > 5"
	c.subscribe(l.ID, "features", "")
	if f := c.await("snapshot"); len(f.Features) != 1 {
		t.Errorf("got %s", f.raw)
	}
	apply(t, store, l.ID, put("low", 108, 22, 2)) // of which it hears nothing
	apply(t, store, l.ID, put("high", 108, 22, 3))
	if f := c.await("delta"); len(f.Changes) != 1 || f.Changes[0].Op != "leave" || f.Changes[0].ID != "high" {
		t.Errorf("got %s", f.raw)
	}
	apply(t, store, l.ID, put("low", 108, 22, 7))
	if f := c.await("delta"); len(f.Changes) != 1 || f.Changes[0].Op != "put" || f.Changes[0].ID != "low" {
		t.Errorf("got %s", f.raw)
	}
	c.complete(apply(t, store, l.ID, layers.Edit{Op: layers.Delete, ID: "low"}))
	c.equals(store, l, nil)
}

func TestAFilterThatDoesNotFitIsAnErrorThenAndLater(t *testing.T) {
	store := openStore(t)
	l := layer("gauges", true)
	define(t, store, l)
	s := serve(t, store, fast)
	c := s.connect(t, "public")
	for filter, part := range map[string]string{`"depth > 5"`: "depth", `"level >"`: "column", `{"op":"="}`: "filter", `7`: "filter", `"level = 'x'"`: "level"} {
		c.send(`{"type":"subscribe","layer":"gauges","filter":` + filter + `}`)
		if f := c.await("error"); f.Code != "invalid" || !strings.Contains(f.Message, part) {
			t.Errorf("%s: %s", filter, f.raw)
		}
	}
	c.subscribe(l.ID, "features", `,"filter":{"op":">","args":[{"property":"level"},1]}`)
	c.await("snapshot")
	without := *l
	without.Schema = l.Schema[:1]
	define(t, store, &without)
	if f := c.await("error"); f.Layer != l.ID || !strings.Contains(f.Message, "level") {
		t.Errorf("got %s", f.raw)
	}
	if n := s.hub.Stats().Subscriptions; n != 0 {
		t.Errorf("%d subscriptions", n)
	}
	if answer := s.getEvents(t, "public", "layers=gauges&filter="+url.QueryEscape("nothing = 1"), ""); answer.StatusCode != 400 {
		t.Errorf("%v", answer)
	}
	if answer := s.getEvents(t, "public", "layers=gauges&filter="+url.QueryEscape("name LIKE 'a%'"), ""); answer.StatusCode != 200 {
		t.Errorf("%v", answer)
	}
}
