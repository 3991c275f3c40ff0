package live

import "sync/atomic"

// Stats are a hub's numbers: the first three are now, the others since the start.
type Stats struct {
	Sessions      int
	Subscriptions int
	Pending       int // features that wait to be sent, over all sessions

	Frames    int64 // messages sent
	Bytes     int64
	Changes   int64 // changes of features sent
	Snapshots int64 // snapshots completed
	Recovered int64 // subscriptions resumed without loss
	Resets    int64 // subscriptions that had to be read anew
	Slow      int64 // sessions closed because their socket took nothing
	Refused   int64 // connections refused because the hub was full
}

type counters struct {
	frames, bytes, changes, snapshots, recovered, resets, slow, refused atomic.Int64
}

// Sessions returns how many sessions are open.
func (h *Hub) Sessions() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sessions)
}

// Stats returns the hub's numbers.
func (h *Hub) Stats() Stats {
	c := &h.stats
	st := Stats{
		Frames: c.frames.Load(), Bytes: c.bytes.Load(), Changes: c.changes.Load(), Snapshots: c.snapshots.Load(),
		Recovered: c.recovered.Load(), Resets: c.resets.Load(), Slow: c.slow.Load(), Refused: c.refused.Load(),
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	st.Sessions = len(h.sessions)
	for s := range h.sessions {
		s.mu.Lock()
		st.Subscriptions += len(s.subs)
		st.Pending += s.pending
		s.mu.Unlock()
	}
	return st
}
