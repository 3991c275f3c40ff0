package live

import "onemap/layers"

// queue keeps the latest change of each feature that was not sent yet, in the
// order in which the features began to wait. A feature that changes again keeps
// its place, so none starves and the front tells up to where all is sent.
type queue struct {
	byID        map[string]*waiting
	front, back *waiting
}

type waiting struct {
	*change
	op         op
	shown      *properties     // of it, when it is sent
	before     layers.Position // complete up to here without what waits here
	next, prev *waiting
}

func (q *queue) len() int { return len(q.byID) }

// put adds a change or replaces an older one of the same feature. It returns by
// how much the queue grew.
func (q *queue) put(c *change, o op) int {
	if w := q.byID[c.id]; w != nil {
		if w.version < c.version {
			w.change, w.op = c, o
		}
		return 0
	}
	w := &waiting{change: c, op: o, before: c.before, prev: q.back}
	if q.byID == nil {
		q.byID = map[string]*waiting{}
	}
	q.byID[c.id] = w
	if q.back == nil {
		q.front = w
	} else {
		q.back.next = w
	}
	q.back = w
	return 1
}

// pop removes what waited longest; nil if nothing does.
func (q *queue) pop() *waiting {
	w := q.front
	if w != nil {
		q.remove(w)
	}
	return w
}

func (q *queue) remove(w *waiting) {
	delete(q.byID, w.id)
	if w.prev == nil {
		q.front = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.back = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.next, w.prev = nil, nil
}

// known drops what a reader who knows everything up to a position need not be
// told. It returns how much that was.
func (q *queue) known(upTo layers.Position) int {
	n := 0
	for w := q.front; w != nil; {
		next := w.next
		if w.version <= upTo {
			q.remove(w)
			n++
		} else {
			w.before = max(w.before, upTo)
		}
		w = next
	}
	return n
}
