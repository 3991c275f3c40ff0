package live

import (
	"sync"

	"github.com/paulmach/orb"

	"onemap/internal/cql2"
	"onemap/internal/geojson"
	"onemap/layers"
)

// What a delta does to a feature on the screen.
type op string

const (
	opPut    op = "put"
	opDelete op = "delete"
	opLeave  op = "leave" // it exists, but outside the subscribed bbox or filter
)

// change is what sessions keep of a change until they have sent it. It is shared
// by all of them.
type change struct {
	layer   *layers.Layer
	id      string
	version layers.Position
	before  layers.Position // everything up to here is complete without the change's commit
	feature *layers.Feature // nil when deleted

	mu      sync.Mutex
	encoded map[string][]byte // by class, and by what is shown
}

// json returns the feature as a class of views sees it, with what is shown of it,
// encoded once for all sessions that get the same.
func (c *change) json(class string, shown *properties) []byte {
	class = shown.class(class)
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.encoded[class]
	if !ok {
		b = geojson.AppendFeature(make([]byte, 0, 512), shown.of(c.layer.Schema), c.feature)
		if c.encoded == nil {
			c.encoded = make(map[string][]byte, 1)
		}
		c.encoded[class] = b
	}
	return b
}

// event is a change on its way to the subscriptions, together with where the
// feature was and is. It belongs to one goroutine.
type event struct {
	*change
	old, new *layers.Feature
	bounded  bool
	oldBound orb.Bound
	newBound orb.Bound
	hasOld   bool
	hasNew   bool
	oldRow   *layers.Row // as filters see them; nil until one looks
	newRow   *layers.Row
}

// newEvent returns the event of a put or a delete. before is the position of the
// commit before.
func newEvent(layer *layers.Layer, c *layers.Change, before layers.Position) *event {
	return &event{
		change: &change{layer: layer, id: c.ID, version: c.Position, before: before, feature: c.New},
		old:    c.Old, new: c.New,
	}
}

// bounds computes where the feature was and is, when somebody asks.
func (e *event) bounds() {
	if e.bounded {
		return
	}
	e.bounded = true
	if e.old != nil {
		e.oldBound, e.hasOld = layers.BoundOf(e.old.Geometry)
	}
	if e.new != nil {
		e.newBound, e.hasNew = layers.BoundOf(e.new.Geometry)
	}
}

// within says what the change means to somebody who looks at a box and at what a filter
// chooses; false if nothing. What was counts as well as what is: what leaves either must
// leave the screen.
func (e *event) within(box *orb.Bound, where *cql2.Filter) (op, bool) {
	was, is := e.old != nil, e.new != nil
	if box != nil {
		e.bounds()
		was = was && e.hasOld && box.Intersects(e.oldBound)
		is = is && e.hasNew && box.Intersects(e.newBound)
	}
	if where != nil {
		was = was && where.Match(row(&e.oldRow, e.old))
		is = is && where.Match(row(&e.newRow, e.new))
	}
	switch {
	case is:
		return opPut, true
	case box == nil && where == nil:
		return opDelete, true // also of what nobody knew
	case !was:
		return "", false
	case e.new != nil:
		return opLeave, true
	}
	return opDelete, true
}

// row returns a feature as filters see it, made once for all of them.
func row(kept **layers.Row, f *layers.Feature) *layers.Row {
	if *kept == nil {
		*kept = f.Row()
	}
	return *kept
}
