package dispatch

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func scenes(t *testing.T) []Scene {
	t.Helper()
	s, err := Scenes()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheThreeScenesAreThere(t *testing.T) {
	var ids []string
	for _, s := range scenes(t) {
		ids = append(ids, s.ID)
	}
	if !slices.Equal(ids, []string{"overview", "flood", "livelihood"}) {
		t.Errorf("got %v", ids)
	}
}

// The camera is held to this box until an approved base map is configured.
func TestNoCameraLooksBeyondTheAllowedBounds(t *testing.T) {
	for _, s := range scenes(t) {
		b := s.Camera.Bounds
		if b == nil || b[0] < 103.5 || b[1] < 20.2 || b[2] > 113 || b[3] > 27 || b[0] >= b[2] || b[1] >= b[3] {
			t.Errorf("%s looks at %v", s.ID, b)
		}
	}
}

func TestScenesThatCannotBeShownAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Scene){
		"no id":             func(s *Scene) { s.ID = "" },
		"too short":         func(s *Scene) { s.Seconds = 1 },
		"no camera":         func(s *Scene) { s.Camera = Camera{} },
		"two cameras":       func(s *Scene) { s.Camera.Center = &[2]float64{108, 22} },
		"a layer twice":     func(s *Scene) { s.Layers = append(s.Layers, s.Layers[0]) },
		"invisible layer":   func(s *Scene) { s.Layers[0].Opacity = 0 },
		"unknown furniture": func(s *Scene) { s.Furniture[0].Kind = "fountain" },
		"bars of nothing":   func(s *Scene) { s.Furniture[0] = Furniture{Kind: Bars, Layer: "x"} },
		"the same twice":    func(s *Scene) { s.ID = "flood" },
	} {
		all := scenes(t)
		spoil(&all[0])
		if Check(all) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if Check(nil) == nil {
		t.Error("no scenes at all: accepted")
	}
}

func TestTheSceneFollowsFromTheTimeAlone(t *testing.T) {
	r := New(scenes(t), nil, time.Now)
	start := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC) // a whole number of cycles since 1970
	for _, c := range []struct {
		after time.Duration
		scene string
		since time.Duration
	}{
		{0, "overview", 0}, {29999 * time.Millisecond, "overview", 0}, {30 * time.Second, "flood", 30 * time.Second},
		{75 * time.Second, "livelihood", 60 * time.Second}, {90 * time.Second, "overview", 90 * time.Second},
	} {
		n := r.At(start.Add(c.after))
		if n.Scene != c.scene || !n.Started.Equal(start.Add(c.since)) || n.Until.Sub(n.Started) != 30*time.Second || n.Count != 3 {
			t.Errorf("after %v: %+v", c.after, n)
		}
	}
	b, err := json.Marshal(r.At(start))
	want := `{"type":"scene","scene":"overview","index":0,"count":3,"started":"2026-07-01T00:00:00Z","until":"2026-07-01T00:00:30Z","time":"2026-07-01T00:00:00Z"}`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
}

func TestEachSceneIsAnnouncedWhenItBeginsAndEveryTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []Notice
		r := New(scenes(t), func(n any) { got = append(got, n.(Notice)) }, time.Now)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		time.Sleep(7 * time.Second) // in the middle of a scene: synctest starts at a whole day
		go func() { done <- r.Run(ctx) }()
		time.Sleep(84 * time.Second)
		synctest.Wait()
		stop()
		if err := <-done; err != context.Canceled {
			t.Error(err)
		}
		var began []string
		for i, n := range got {
			if n.Time.Equal(n.Started) {
				began = append(began, n.Scene)
			}
			if i > 0 && n.Time.Sub(got[i-1].Time) > 10*time.Second {
				t.Errorf("silence between %v and %v", got[i-1].Time, n.Time)
			}
		}
		if !slices.Equal(began, []string{"flood", "livelihood", "overview"}) {
			t.Errorf("scenes began in the order %v", began)
		}
	})
}
