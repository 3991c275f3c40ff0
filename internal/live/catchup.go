package live

import (
	"errors"
	"fmt"
	"time"

	"onemap/internal/geojson"
	"onemap/layers"
)

const (
	snapshotPage = 500  // features read at once
	replayPage   = 1000 // changes read at once
)

// retrySoon is how long a session waits when too many read the store.
const retrySoon = 10 * time.Millisecond

// catchUp does one step of what the session still has to read from the store: a
// page of the log for those who resume, or else a page of one snapshot. Between
// the steps the writer sends what is new. busy: there is more to do; retry: try
// again after.
func (s *session) catchUp() (busy bool, retry time.Duration, err error) {
	if !s.behind() {
		return false, 0, nil
	}
	select {
	case s.h.reads <- struct{}{}:
	default:
		return false, retrySoon, nil
	}
	release := func() { <-s.h.reads }
	busy, err = s.resume()
	if busy || err != nil {
		release()
		return busy, 0, s.failure("the log can't be replayed", err)
	}
	frames, busy, err := s.snapshot()
	release() // before writing: a slow screen must not keep others from reading
	if errors.Is(err, errUnannounced) {
		return false, retrySoon, nil
	}
	if err != nil {
		return false, 0, s.failure("a snapshot can't be read", err)
	}
	for _, frame := range frames {
		if err := s.send(frame); err != nil {
			return false, 0, err
		}
	}
	return busy, 0, nil
}

// failure logs what the screen's people can't mend, unless the session is ending.
func (s *session) failure(what string, err error) error {
	if err != nil && s.ctx.Err() == nil {
		s.h.o.Log.Error(what, "who", s.identity.Name(), "error", err)
	}
	return err
}

// behind reports whether a subscription has something to read.
func (s *session) behind() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.subs {
		if sub.state != current {
			return true
		}
	}
	return false
}

// resume replays a page of the log for all subscriptions that resume, the
// furthest behind first. Those that reach the announced head become current.
func (s *session) resume() (busy bool, err error) {
	head := *s.h.head.Load()
	from, ahead, any := s.resuming(head)
	if !any {
		return false, nil
	}
	limit := head.Position // of what is known to exist
	if ahead {             // a snapshot may contain what the hub has not announced yet
		newest, err := s.h.o.Store.Head(s.ctx)
		if err != nil {
			return false, err
		}
		if newest.Epoch == head.Epoch {
			limit = max(limit, newest.Position)
		}
	}
	if from < head.Position {
		commits, err := s.h.o.Store.Changes(s.ctx, layers.Cursor{Epoch: head.Epoch, Position: from}, replayPage)
		switch {
		case layers.CodeOf(err) == layers.Expired:
			s.expired(from)
			return true, nil
		case err != nil:
			return false, err
		case len(commits) == 0:
			return false, fmt.Errorf("the log is empty after %d, but its head is %v", from, head)
		}
		s.replay(commits, from, head)
	}
	s.arrive(limit)
	return true, nil
}

// resuming looks at the subscriptions that resume. It resets those that can't,
// and returns where the furthest behind is and whether one is ahead of the head.
func (s *session) resuming(head layers.Cursor) (from layers.Position, ahead, any bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.subs {
		if sub.state != resuming {
			continue
		}
		switch at := sub.since; {
		case at.Epoch != head.Epoch:
			s.restart(sub, reasonEpoch)
		case head.Position-at.Position > layers.Position(s.h.o.MaxReplay):
			s.restart(sub, reasonBehind)
		default:
			if !any || at.Position < from {
				from = at.Position
			}
			any, ahead = true, ahead || at.Position > head.Position
		}
	}
	return from, ahead, any
}

// expired resets those whose position the log does not hold any more.
func (s *session) expired(from layers.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range s.subs {
		if sub.state == resuming && sub.since.Position <= from {
			s.restart(sub, reasonExpired)
		}
	}
}

// replay offers what the log says after from to those who resume, up to the head:
// what comes after it is not announced yet. A subscription that came while the log
// was read and is further behind takes no part: the commits begin after it.
func (s *session) replay(commits []layers.Commit, from layers.Position, head layers.Cursor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	takesPart := func(sub *subscription) bool {
		return sub.state == resuming && sub.since.Epoch == head.Epoch && sub.since.Position >= from
	}
	for i := range commits {
		c := &commits[i]
		if c.Position() > head.Position {
			return
		}
		before := c.Changes[0].Position - 1
		for j := range c.Changes {
			ch := &c.Changes[j]
			if sub := s.subs[ch.Layer]; sub != nil && takesPart(sub) && ch.Position > sub.since.Position {
				s.replayOne(sub, ch, before)
			}
		}
		for _, sub := range s.subs {
			if takesPart(sub) && sub.since.Position < c.Position() {
				sub.since.Position = c.Position()
			}
		}
	}
}

func (s *session) replayOne(sub *subscription, c *layers.Change, before layers.Position) {
	switch c.Kind {
	case layers.ChangePut, layers.ChangeDelete:
		s.pending += sub.offer(newEvent(sub.layer, c, before))
		if s.pending > s.h.o.MaxPending {
			s.restart(sub, reasonBehind)
		}
	default:
		// What the layer looked like before is not known any more.
		s.restart(sub, reasonReplaced)
	}
}

// arrive makes those current that have come to the head, which stands still
// meanwhile because the hub's mu is held.
func (s *session) arrive(limit layers.Position) {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	head := *s.h.head.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, sub := range s.subs {
		if sub.state != resuming || sub.since.Epoch != head.Epoch || sub.since.Position < head.Position {
			continue
		}
		if sub.since.Position > max(limit, head.Position) {
			s.restart(sub, reasonAhead)
			continue
		}
		sub.state, sub.after = current, sub.since.Position
		s.control = append(s.control, control{frame: recoveredFrame(id, sub.from)})
		s.h.stats.recovered.Add(1)
	}
}

// snapshot reads the next page of a layer that is being read and returns its
// frames. Changes since the subscription wait in its queue, so what happens
// between two pages is not lost.
func (s *session) snapshot() (frames [][]byte, busy bool, err error) {
	q, read, found := s.nextPage()
	if !found {
		return nil, s.behind(), nil
	}
	page, err := s.h.o.Store.As(s.identity.View).Query(s.ctx, q)
	switch code := layers.CodeOf(err); {
	case err == nil:
	case code == layers.NotFound: // gone or closed; the hub is about to hear of it
		s.lost(q.Layer)
		return nil, true, nil
	case code == layers.Invalid && q.After != "": // the layer became another in mid-read
		s.reset(q.Layer, reasonReplaced)
		return nil, true, nil
	default:
		return nil, false, err
	}
	if err := s.announced(q.Layer); err != nil {
		return nil, false, err
	}
	part, ok := s.turnPage(q.Layer, read, page)
	if !ok {
		return nil, true, nil
	}
	return part.frames(), true, nil
}

// errUnannounced says that the store has a definition that the hub has not heard
// of yet.
var errUnannounced = errors.New("a definition is not announced yet")

// announced reports errUnannounced if a page just read may be of a newer
// definition than the session knows. Such a page must not be sent: its position
// lies behind the definition, so a screen that resumed from it would never hear
// of the new columns.
func (s *session) announced(id string) error {
	entry, err := s.h.o.Store.As(s.identity.View).Layer(s.ctx, id)
	if layers.CodeOf(err) == layers.NotFound && err != nil {
		return nil // the next page finds out
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub := s.subs[id]; sub != nil && !sameColumns(sub.layer.Schema, entry.Schema) {
		return errUnannounced
	}
	return nil
}

// nextPage says what to read for a snapshot: the one whose next page was asked
// for longest ago.
func (s *session) nextPage() (q layers.Query, generation uint64, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var next *subscription
	for _, sub := range s.subs {
		// A reset or a view that was not told comes first.
		if sub.state == reading && sub.reason == "" && len(sub.moved) == 0 && (next == nil || sub.generation < next.generation) {
			next = sub
		}
	}
	if next == nil {
		return q, 0, false
	}
	q = layers.Query{Layer: next.layer.ID, Limit: snapshotPage, After: next.page}
	if q.BBox = next.bbox; next.view != nil {
		q.BBox = next.view.todo[0]
	}
	q.Where = next.where
	return q, next.generation, true
}

// turnPage takes note of a page that was read, unless the subscription became another
// meanwhile, and returns what of it the client gets.
func (s *session) turnPage(id string, generation uint64, page layers.Page) (part, bool) {
	head := *s.h.head.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.subs[id]
	if sub == nil || sub.generation != generation {
		return part{}, false
	}
	if !sub.begun {
		// Later pages contain at least as much as the first.
		sub.begun, sub.after = true, page.Position
		s.pending -= sub.queue.known(page.Position)
	}
	p := part{layer: sub.layer.ID, schema: sub.shown.of(sub.layer.Schema), features: page.Features, cursor: layers.Cursor{Epoch: head.Epoch, Position: sub.after}, more: page.Next != "", added: sub.view != nil}
	sub.page = page.Next
	if v := sub.view; v != nil {
		p.features = v.fresh(p.features)
		if page.Next == "" {
			v.todo = v.todo[1:]
			p.more = len(v.todo) > 0
		}
	}
	if !p.more {
		sub.state, sub.view = current, nil
		s.h.stats.snapshots.Add(1)
	}
	return p, true
}

// part is a page of a snapshot as it is sent.
type part struct {
	layer       string
	schema      layers.Schema // of what is shown
	features    []*layers.Feature
	cursor      layers.Cursor
	more, added bool
}

// frames writes a page, in several frames if it is large.
func (p part) frames() [][]byte {
	var frames [][]byte
	var list []byte
	for i, f := range p.features {
		if len(list) > 0 {
			list = append(list, ',')
		}
		list = geojson.AppendFeature(list, p.schema, f)
		if len(list) >= frameSize && i < len(p.features)-1 {
			frames = append(frames, snapshotFrame(nil, p.layer, list, p.cursor, true, p.added))
			list = list[:0]
		}
	}
	return append(frames, snapshotFrame(nil, p.layer, list, p.cursor, p.more, p.added))
}
