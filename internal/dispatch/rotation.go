package dispatch

import (
	"context"
	"slices"
	"time"
)

// repeat is how often a running scene is announced again, so that a wall's
// countdown and clock stay true.
const repeat = 10 * time.Second

// Notice tells which scene is on, as the live protocol writes it.
type Notice struct {
	Type    string    `json:"type"` // "scene"
	Scene   string    `json:"scene"`
	Index   int       `json:"index"`
	Count   int       `json:"count"`
	Started time.Time `json:"started"`
	Until   time.Time `json:"until"`
	Time    time.Time `json:"time"`
}

// Rotation turns the scenes. Which scene is on follows from the time of day
// alone: a restarted server goes on where it was, and two servers agree.
type Rotation struct {
	scenes   []Scene
	cycle    time.Duration
	announce func(any)
	now      func() time.Time
}

// New returns a rotation through scenes that Check accepts, announced by a Notice
// each.
func New(scenes []Scene, announce func(any), now func() time.Time) *Rotation {
	r := &Rotation{scenes: slices.Clone(scenes), announce: announce, now: now}
	for _, s := range scenes {
		r.cycle += s.stays()
	}
	return r
}

func (s *Scene) stays() time.Duration { return time.Duration(s.Seconds) * time.Second }

// Scenes returns the scenes in their order. The caller must not change them.
func (r *Rotation) Scenes() []Scene { return r.scenes }

// At returns what is on at a time; the zero Notice if there are no scenes.
func (r *Rotation) At(t time.Time) Notice {
	if r.cycle <= 0 {
		return Notice{}
	}
	t = t.UTC().Truncate(time.Millisecond)
	into := time.Duration(t.UnixMilli()) * time.Millisecond % r.cycle
	if into < 0 { // before 1970
		into += r.cycle
	}
	i := 0
	for ; into >= r.scenes[i].stays(); i++ {
		into -= r.scenes[i].stays()
	}
	started := t.Add(-into)
	return Notice{
		Type: "scene", Scene: r.scenes[i].ID, Index: i, Count: len(r.scenes),
		Started: started, Until: started.Add(r.scenes[i].stays()), Time: t,
	}
}

// Run announces each scene when it begins, and again every ten seconds, until
// ctx ends.
func (r *Rotation) Run(ctx context.Context) error {
	if r.cycle <= 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		n := r.At(r.now())
		r.announce(n)
		// Never beyond the scene's end, and not sooner than a clock that was set
		// back could make us spin.
		timer.Reset(max(time.Millisecond, min(repeat, n.Until.Sub(r.now()))))
	}
}
