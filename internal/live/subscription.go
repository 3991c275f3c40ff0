package live

import (
	"slices"
	"time"

	"github.com/paulmach/orb"

	"onemap/internal/cql2"
	"onemap/layers"
)

// mode is how a layer is followed.
type mode string

const (
	features mode = "features"
	tiles    mode = "tiles"
)

// state is how far a subscription has come.
type state int

const (
	reading  state = iota // a snapshot is to be sent or is being sent; changes wait
	resuming              // the log is being read up to the head; changes are not taken, they are in the log
	current               // changes are sent as they come
)

// Why a layer is reset.
const (
	reasonEpoch    = "epoch"    // the position is of another lineage
	reasonExpired  = "expired"  // older than the log
	reasonAhead    = "ahead"    // the log has not come so far
	reasonBehind   = "behind"   // too much to replay
	reasonOverflow = "overflow" // the screen is too slow
	reasonReplaced = "replaced" // the layer was overwritten or its attributes changed
	reasonLost     = "lost"     // the server lost its place in the log
)

// subscription is one session's following of one layer, guarded by the session's
// mu. A subscription that is replaced or restarted gets a new generation, so that
// a read begun before is thrown away.
type subscription struct {
	layer      *layers.Layer // newest definition
	mode       mode
	bbox       *orb.Bound   // CRS84; nil means everywhere
	filter     cql2.Expr    // as it was asked for; nil: all features
	where      *cql2.Filter // and what it means to the layer
	shown      *properties
	state      state
	generation uint64

	since layers.Cursor   // resuming: read up to here
	from  layers.Cursor   // resuming: where the screen was
	after layers.Position // what the screen knows of this layer up to here needs no telling

	begun  bool     // reading: the first page was read
	page   string   // reading: Query.After of the next page
	view   *view    // reading: what came into view; nil if everything is read
	moved  [][]byte // frames of another view, to be told before anything else
	reason string   // and a reset, before these

	queue   queue     // features mode
	boxes   boxes     // tiles mode
	noticed time.Time // tiles mode: when the last notice was sent
}

// offer takes note of a change. It returns by how much the queue grew.
func (sub *subscription) offer(e *event) int {
	if e.version <= sub.after {
		return 0
	}
	if sub.mode == tiles {
		sub.boxes.event(e)
		return 0
	}
	if o, ok := e.within(sub.bbox, sub.where); ok {
		return sub.queue.put(e.change, o)
	}
	return 0
}

// restart begins anew: a reset with the reason and, in features mode, a snapshot.
func (sub *subscription) restart(reason string, generation uint64) {
	sub.generation = generation
	sub.since, sub.after, sub.reason = layers.Cursor{}, 0, reason
	sub.begun, sub.page, sub.view = false, "", nil
	sub.moved = sub.moved[:min(1, len(sub.moved))] // that it looks elsewhere stays true
	sub.queue, sub.boxes = queue{}, boxes{}
	sub.state = reading
	if sub.mode == tiles {
		sub.state = current // the screen reloads its tiles by itself
	}
}

// waits returns the position up to which nothing waits to be sent, if something
// does.
func (sub *subscription) waits() (layers.Position, bool) {
	switch {
	case sub.state != current:
		return 0, false // the answer to the subscription says where it stands
	case sub.queue.front != nil:
		return sub.queue.front.before, true
	case !sub.boxes.empty():
		return sub.boxes.before, true
	}
	return 0, false
}

// follows makes the subscription one of a definition of its layer. It fails if the
// filter or the properties do not fit that.
func (sub *subscription) follows(l *layers.Layer) (err error) {
	if sub.layer = l; sub.filter != nil {
		if sub.where, err = l.Filter(sub.filter); err != nil {
			return err
		}
	}
	return sub.shown.fits(l)
}

// sameColumns reports whether features look the same under two schemas.
func sameColumns(a, b layers.Schema) bool {
	return slices.EqualFunc(a, b, func(x, y layers.Attribute) bool { return x.Name == y.Name && x.Type == y.Type })
}
