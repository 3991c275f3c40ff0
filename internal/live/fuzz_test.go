package live

import (
	"encoding/json"
	"testing"
)

func FuzzEveryMessageIsCarriedOutOrAnswered(f *testing.F) {
	for _, m := range []string{
		`{"type":"subscribe","layer":"gauges","mode":"features","since":"e:1","bbox":[107,22,110,24]}`, `{"type":"subscribe","layer":"gauges","mode":"tiles"}`,
		`{"type":"unsubscribe","layer":"gauges"}`, `{"type":"join","topic":"wall"}`, `{"type":"leave","topic":"wall"}`, `{"type":"ping"}`, `[`, `{"type":{}}`,
	} {
		f.Add([]byte(m))
	}
	store := openStore(f)
	define(f, store, layer("gauges", true))
	define(f, store, layer("reservoirs", false))
	h := NewHub(Options{Store: store})
	f.Cleanup(h.cancel)
	if err := h.load(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := newSession(h, idPublic)
		defer s.cancel()
		if answer := s.handle(raw); answer != nil && !json.Valid(answer) {
			t.Errorf("%s was answered with %s", raw, answer)
		}
		for _, frame := range s.take(true, true).frames {
			if !json.Valid(frame) {
				t.Errorf("%s led to %s", raw, frame)
			}
		}
		if s.subs["reservoirs"] != nil {
			t.Errorf("%s subscribes the public to a closed layer", raw)
		}
		for id := range s.subs {
			s.unsubscribe(id)
		}
	})
}
