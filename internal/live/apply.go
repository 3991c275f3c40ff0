package live

import (
	"context"
	"reflect"
	"time"

	"onemap/layers"
)

// Apply offers commits to the sessions, in the order of the log. The feed calls
// it after the tiles are fresh.
func (h *Hub) Apply(commits []layers.Commit) {
	if len(commits) == 0 || !h.loaded() {
		return // whoever connects later begins at the store's head
	}
	defined, err := h.definitions(commits)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.catalogue == nil || h.closed {
		return
	}
	head := *h.head.Load()
	last := commits[len(commits)-1].Position()
	switch first := commits[0].Changes[0].Position; {
	case err != nil:
		h.o.Log.Error("a changed definition can't be read: live sessions begin anew", "error", err)
		h.disperse()
		return
	case first > head.Position+1: // positions have no gaps, so we have missed some
		h.o.Log.Warn("changes are missing: live layers are reset", "after", head, "before", first)
		h.startOver(layers.Cursor{Epoch: head.Epoch, Position: last}, reasonLost)
		return
	}
	touched := map[*session]struct{}{}
	for i := range commits {
		before := commits[i].Changes[0].Position - 1
		for j := range commits[i].Changes {
			h.announce(&commits[i].Changes[j], before, defined, touched)
		}
	}
	h.head.Store(&layers.Cursor{Epoch: head.Epoch, Position: max(head.Position, last)})
	for s := range touched {
		s.wake()
	}
}

// announce offers one change; the caller holds mu.
func (h *Hub) announce(c *layers.Change, before layers.Position, defined map[string]*layers.Layer, touched map[*session]struct{}) {
	switch c.Kind {
	case layers.ChangePut, layers.ChangeDelete:
		followers, layer := h.followers[c.Layer], h.catalogue[c.Layer]
		if len(followers) == 0 || layer == nil {
			return
		}
		e := newEvent(layer, c, before)
		for s := range followers {
			s.offer(e)
			touched[s] = struct{}{}
		}
	case layers.ChangeReset:
		h.redefine(c.Layer, defined[c.Layer], touched)
		for s := range h.followers[c.Layer] {
			s.reset(c.Layer, reasonReplaced)
			touched[s] = struct{}{}
		}
	case layers.ChangeDefine:
		h.redefine(c.Layer, defined[c.Layer], touched)
	case layers.ChangeDrop:
		h.redefine(c.Layer, nil, touched)
	}
}

// redefine takes up a layer's new definition, nil if it is gone, and tells those
// who see the layer, or did so. The caller holds mu.
func (h *Hub) redefine(id string, layer *layers.Layer, touched map[*session]struct{}) {
	old := h.catalogue[id]
	if reflect.DeepEqual(old, layer) {
		return
	}
	if layer == nil {
		delete(h.catalogue, id)
	} else {
		h.catalogue[id] = layer
	}
	for s := range h.sessions {
		view := s.identity.View
		_, follows := h.followers[id][s]
		switch {
		case layer != nil && view.Sees(layer):
			s.redefined(layer)
		case follows || old != nil && view.Sees(old):
			h.unfollow(id, s)
			s.lost(id)
		default:
			continue
		}
		touched[s] = struct{}{}
	}
}

// Reset begins anew at a head: the feed does not know what changed before it.
func (h *Hub) Reset(head layers.Cursor) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.catalogue == nil || h.closed {
		return
	}
	reason := reasonLost
	if head.Epoch != h.head.Load().Epoch {
		reason = reasonEpoch
	}
	h.startOver(head, reason)
}

// startOver resets everything that anybody follows; the caller holds mu.
func (h *Hub) startOver(head layers.Cursor, reason string) {
	fresh, err := h.readCatalogue(h.ctx)
	if err != nil {
		h.o.Log.Error("the catalogue can't be read: live sessions begin anew", "error", err)
		h.disperse()
		return
	}
	touched := map[*session]struct{}{}
	for id := range h.catalogue {
		if fresh[id] == nil {
			h.redefine(id, nil, touched)
		}
	}
	for id, layer := range fresh {
		h.redefine(id, layer, touched)
	}
	for s := range h.sessions {
		s.resetAll(reason)
	}
	// After the resets: whoever loads this head finds them.
	h.head.Store(&head)
	for s := range h.sessions {
		s.wake()
	}
}

// disperse sends everybody away to come back, because what they may see is not
// known; the caller holds mu.
func (h *Hub) disperse() {
	h.catalogue = nil
	for s := range h.sessions {
		s.mu.Lock()
		clear(s.subs)
		s.pending = 0
		s.mu.Unlock()
		s.stop(closeRestart, "the server lost its catalogue, come back")
	}
	clear(h.followers)
}

func (h *Hub) loaded() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.catalogue != nil
}

// load reads the head and the catalogue when the first session comes.
func (h *Hub) load(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.catalogue != nil {
		return nil
	}
	// The head first: the catalogue may be newer, never older.
	head, err := h.o.Store.Head(ctx)
	if err != nil {
		return err
	}
	catalogue, err := h.readCatalogue(ctx)
	if err != nil {
		return err
	}
	h.head.Store(&head)
	h.catalogue = catalogue
	return nil
}

func (h *Hub) readCatalogue(ctx context.Context) (map[string]*layers.Layer, error) {
	ctx, cancel := context.WithTimeout(ctx, catalogueTimeout)
	defer cancel()
	entries, _, err := h.o.Store.As(layers.Owner).Layers(ctx)
	if err != nil {
		return nil, err
	}
	catalogue := make(map[string]*layers.Layer, len(entries))
	for _, e := range entries {
		catalogue[e.ID] = e.Layer
	}
	return catalogue, nil
}

// catalogueTimeout bounds reads that hold up the feed.
const catalogueTimeout = 5 * time.Second

// definitions reads the layers that commits define or replace, as they are now:
// nil for one that is gone meanwhile.
func (h *Hub) definitions(commits []layers.Commit) (map[string]*layers.Layer, error) {
	defined := map[string]*layers.Layer{}
	for i := range commits {
		for j := range commits[i].Changes {
			c := &commits[i].Changes[j]
			if c.Kind != layers.ChangeDefine && c.Kind != layers.ChangeReset {
				continue
			}
			if _, known := defined[c.Layer]; known {
				continue
			}
			ctx, cancel := context.WithTimeout(h.ctx, catalogueTimeout)
			entry, err := h.o.Store.As(layers.Owner).Layer(ctx, c.Layer)
			cancel()
			if err != nil && layers.CodeOf(err) != layers.NotFound {
				return nil, err
			}
			defined[c.Layer] = entry.Layer // nil if not found
		}
	}
	return defined, nil
}
