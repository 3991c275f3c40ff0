package live

import (
	"strings"
	"testing"
)

func TestASubscriptionGetsTheAttributesThatItAsksFor(t *testing.T) {
	store := openStore(t)
	l := layer("gauges", true)
	define(t, store, l)
	apply(t, store, l.ID, put("a", 108, 22, 9))
	s := serve(t, store, fast)
	whole, part, bare := s.connect(t, "public"), s.connect(t, "public"), s.connect(t, "public")
	part.shown, bare.shown = newProperties([]string{"level", "level"}), newProperties([]string{})
	for _, c := range []*client{whole, part, bare} {
		c.subscribe(l.ID, "features", "")
		c.await("snapshot")
		c.equals(store, l, nil)
	}
	at := apply(t, store, l.ID, put("a", 108, 22, 3), put("b", 109, 23, 4))
	for _, c := range []*client{whole, part, bare} {
		c.complete(at)
		c.equals(store, l, nil)
	}
	if got := part.mirror[l.ID].features["a"].json; !strings.Contains(got, `"properties":{"level":3}`) {
		t.Errorf("got %s", got)
	}
	if got := bare.mirror[l.ID].features["a"].json; !strings.Contains(got, `"properties":{}`) {
		t.Errorf("got %s", got)
	}
	bare.send(`{"type":"subscribe","layer":"gauges","properties":["depth"]}`)
	if f := bare.await("error"); f.Code != "invalid" || !strings.Contains(f.Message, "depth") || !strings.Contains(f.Message, "level") {
		t.Errorf("got %s", f.raw)
	}
	if answer := s.getEvents(t, "public", "layers=gauges&properties=depth", ""); answer.StatusCode != 400 {
		t.Errorf("%v", answer)
	}
	if answer := s.getEvents(t, "public", "layers=gauges&properties=level,name", ""); answer.StatusCode != 200 {
		t.Errorf("%v", answer)
	}
	without := *l
	without.Schema = l.Schema[:1]
	define(t, store, &without)
	if f := part.await("error"); f.Layer != l.ID || !strings.Contains(f.Message, "level") {
		t.Errorf("got %s", f.raw)
	}
}
