package layers

import "time"

// Freshness says whether a layer keeps the update cycle that its department
// promised.
type Freshness string

const (
	Fresh  Freshness = "fresh"  // within its cycle, or no cycle promised
	Late   Freshness = "late"   // over its cycle: shown grey, with its age
	Lost   Freshness = "lost"   // over three cycles: 数据中断
	Zombie Freshness = "zombie" // lost, and nothing new for a year
)

const (
	lostAfter   = 3 // update cycles
	zombieAfter = 365 * 24 * time.Hour
)

// Freshness judges the layer's state at a time. A layer that never got data is
// lost, unless its cycle is irregular.
func (e Entry) Freshness(now time.Time) Freshness {
	cycle := e.UpdateCycle.Duration()
	if cycle == 0 {
		return Fresh
	}
	switch age := now.Sub(e.Status.Updated); {
	case age <= cycle:
		return Fresh
	case age <= lostAfter*cycle:
		return Late
	case age <= zombieAfter || e.Status.Updated.IsZero():
		return Lost
	default:
		return Zombie
	}
}
