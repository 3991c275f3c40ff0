package live

import (
	"time"

	"github.com/paulmach/orb"

	"onemap/layers"
)

const (
	mostChanges = 256      // features taken from the queues at once
	frameSize   = 64 << 10 // bytes after which a frame is closed and another begun
)

// batch is what the writer takes to send at one time.
type batch struct {
	frames  [][]byte // answers, notices, resets, topics
	items   []*waiting
	tiles   []tilesNotice
	from    layers.Cursor // complete up to here before the batch is sent
	to      layers.Cursor // and after
	beat    bool
	more    bool          // there is more to send at once
	waiting bool          // changes wait for their time
	again   time.Duration // when something that waits is due; 0 if nothing is
}

// tilesNotice says where a layer's tiles changed.
type tilesNotice struct {
	layer string
	boxes []orb.Bound
	all   bool
}

// write sends what there is to send until the session ends.
func (s *session) write() error {
	o := &s.h.o
	if err := s.send(helloFrame(*s.h.head.Load(), o.Now(), s.identity.View.Name(), o.Heartbeat, o.Build)); err != nil {
		return err
	}
	beats := time.NewTicker(o.Heartbeat)
	defer beats.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var flushed time.Time // when the last delta was sent
	beating, count := false, 0
	for {
		window := o.Window - time.Since(flushed)
		b := s.take(beating || window <= 0, beating)
		if b.waiting && (b.again == 0 || window < b.again) {
			b.again = window
		}
		if len(b.items) > 0 {
			flushed = time.Now()
		}
		if err := s.sendBatch(&b); err != nil {
			return err
		}
		if beating || b.beat {
			if err := s.sendAt(heartbeatFrame(b.to, o.Now()), b.to); err != nil {
				return err
			}
		}
		if beating {
			beating = false
			if count++; count%2 == 0 {
				if err := s.wire.ping(o.WriteTimeout); err != nil {
					return err
				}
			}
		}
		busy, retry, err := s.catchUp()
		if err != nil {
			return s.closing(err)
		}
		if retry > 0 && (b.again == 0 || retry < b.again) {
			b.again = retry
		}
		switch {
		case busy || b.more:
			timer.Reset(0)
		case b.again > 0:
			timer.Reset(b.again)
		default:
			timer.Stop()
		}
		select {
		case <-s.quit:
			return s.closing(nil)
		default:
		}
		select {
		case <-s.quit:
			return s.closing(nil)
		case <-s.readDone:
			return nil
		case <-beats.C:
			beating = true
		case <-s.wakeup:
		case <-timer.C:
		}
	}
}

// take removes from the session what is to be sent now: everything that is
// urgent, and changes if their time has come. all also takes notices of tiles
// whose time has not come.
func (s *session) take(changes, all bool) batch {
	head := *s.h.head.Load() // before looking at what waits: see Hub.head
	s.mu.Lock()
	defer s.mu.Unlock()
	b := batch{from: s.complete(head), beat: s.beat}
	s.beat = false
	for _, c := range s.control {
		if c.frame == nil {
			c.frame = noticeFrame(c.notice)
		}
		if c.slot {
			<-s.slots
		}
		b.frames = append(b.frames, c.frame)
	}
	s.control = nil
	for id, sub := range s.subs {
		if !s.identity.View.Sees(sub.layer) { // the hub has taken it away already; sending is where it counts
			s.drop(id)
			continue
		}
		if sub.reason != "" {
			b.frames = append(b.frames, resetFrame(id, head, sub.reason))
			sub.reason = ""
		}
		b.frames, sub.moved = append(b.frames, sub.moved...), nil
	}
	for topic, frame := range s.topics {
		if frame != nil {
			b.frames = append(b.frames, frame)
			s.topics[topic] = nil
		}
	}
	for id, sub := range s.subs {
		if sub.state != current {
			continue
		}
		if sub.mode == tiles {
			s.takeTiles(&b, id, sub, all)
			continue
		}
		for changes && len(b.items) < mostChanges && sub.queue.front != nil {
			w := sub.queue.pop()
			w.shown = sub.shown
			b.items = append(b.items, w)
			s.pending--
		}
		if sub.queue.front != nil {
			b.more, b.waiting = b.more || changes, b.waiting || !changes
		}
	}
	b.to = s.complete(head)
	return b
}

func (s *session) takeTiles(b *batch, id string, sub *subscription, now bool) {
	if sub.boxes.empty() {
		return
	}
	if wait := s.h.o.TilesEvery - time.Since(sub.noticed); wait > 0 && !now {
		if b.again == 0 || wait < b.again {
			b.again = wait
		}
		return
	}
	sub.noticed = time.Now()
	list, everything := sub.boxes.take()
	b.tiles = append(b.tiles, tilesNotice{layer: id, boxes: list, all: everything})
}

// complete returns the position up to which all that the screen was promised has
// been taken; the caller holds mu.
func (s *session) complete(head layers.Cursor) layers.Cursor {
	for _, sub := range s.subs {
		if p, waits := sub.waits(); waits && p < head.Position {
			head.Position = p
		}
	}
	return head
}

func (s *session) sendBatch(b *batch) error {
	for _, frame := range b.frames {
		if err := s.send(frame); err != nil {
			return err
		}
	}
	for _, n := range b.tiles {
		if err := s.send(tilesFrame(n, b.to)); err != nil {
			return err
		}
	}
	if len(b.items) == 0 {
		return nil
	}
	var list []byte
	now := s.h.o.Now()
	for i, w := range b.items {
		if len(list) > 0 {
			list = append(list, ',')
		}
		list = appendChange(list, w, s.identity.View.Class(w.layer))
		cursor := b.from
		if i == len(b.items)-1 {
			cursor = b.to
		} else if len(list) < frameSize {
			continue
		}
		if err := s.sendAt(deltaFrame(nil, list, cursor, now), cursor); err != nil {
			return err
		}
		list = list[:0]
	}
	s.h.stats.changes.Add(int64(len(b.items)))
	return nil
}

// send writes one frame. A client that does not take it in time is given up.
func (s *session) send(frame []byte) error { return s.sendFrame(frame, "") }

// sendAt is send of a frame after which the client is complete up to a cursor, if it
// has got all that it asked for.
func (s *session) sendAt(frame []byte, c layers.Cursor) error {
	if s.behind() {
		return s.send(frame)
	}
	return s.sendFrame(frame, c.String())
}

func (s *session) sendFrame(frame []byte, cursor string) error {
	if err := s.wire.send(frame, cursor, s.h.o.WriteTimeout); err != nil {
		if tooSlow(err) {
			s.h.stats.slow.Add(1)
		}
		return err
	}
	s.h.stats.frames.Add(1)
	s.h.stats.bytes.Add(int64(len(frame)))
	return nil
}

// closing says goodbye: for a reason of ours, or because of an error.
func (s *session) closing(err error) error {
	if err != nil {
		s.stop(closeInternal, "something went wrong on the server")
	}
	s.mu.Lock()
	code, text := s.code, s.text
	s.mu.Unlock()
	if e := s.wire.bye(code, text, s.readDone); e != nil && err == nil {
		err = e
	}
	return err
}
