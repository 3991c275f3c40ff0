package layers

import (
	"context"
	"iter"
	"time"

	"github.com/paulmach/orb"
)

// Store keeps layers and their features and numbers what changes. Every
// implementation passes layers/layerstest. All methods may be called
// concurrently.
type Store interface {
	// As returns a reader that sees what the view may see.
	As(View) Reader

	// Apply commits edits to one layer: all or nothing, durable and visible on
	// return. The edits are checked against the layer's schema; violations name
	// the edit by its index ("edits[3].properties.level").
	Apply(ctx context.Context, actor Actor, layer string, edits []Edit) (Receipt, error)

	// DefineLayer creates the layer or changes its definition. Attributes may be
	// added and dropped; a type may change only where it loses nothing.
	DefineLayer(ctx context.Context, actor Actor, layer *Layer) (Cursor, error)

	// DropLayer removes the layer and its features.
	DropLayer(ctx context.Context, actor Actor, layer string) (Cursor, error)

	Log

	// Close flushes and releases everything. Reads and writes after it fail.
	Close() error
}

// Reader answers what one view may see. Each answer contains every change up to
// its position; later ones may show early, which harms nobody because deltas
// are idempotent. A layer that the view does not see is NotFound.
type Reader interface {
	// Layers lists the catalogue in the order of layer ids.
	Layers(ctx context.Context) ([]Entry, Position, error)
	Layer(ctx context.Context, layer string) (Entry, error)
	// Definition returns a layer as this process knows it, in nanoseconds: exactly
	// what its own calls made of it, and of other processes' what the log's last
	// reader could see.
	Definition(ctx context.Context, layer string) (*Layer, error)
	Feature(ctx context.Context, layer, id string) (*Feature, Position, error)
	Query(ctx context.Context, q Query) (Page, error)
	// Scan streams features in no particular order. The caller may stop early.
	Scan(ctx context.Context, layer string, r Range) iter.Seq2[*Feature, error]
	Aggregate(ctx context.Context, q AggregateQuery) ([]Bucket, error)
}

// Log is the change log.
type Log interface {
	// Head returns the position of the newest change.
	Head(ctx context.Context) (Cursor, error)
	// Changes returns whole commits after the cursor, oldest first, about limit
	// changes at most (never less than one commit, if there is one). The error
	// code is Expired if the cursor is of another epoch, ahead of the head, or
	// behind what the log still holds.
	Changes(ctx context.Context, after Cursor, limit int) ([]Commit, error)
	// Wait returns as soon as the log holds a change after the position.
	Wait(ctx context.Context, after Position) error
}

// Entry is a layer as the catalogue lists it: the definition and its state.
type Entry struct {
	*Layer
	Status Status
}

// Status is what the store knows of a layer's content.
type Status struct {
	Count   int64
	Updated time.Time  // newest data, by Actor.AsOf; zero if never
	Extent  *orb.Bound // CRS84; nil if no feature has a geometry
}
