package layers

import (
	"context"
	"time"
)

// Attacher is a Store in a database where departments keep tables of their own. It
// publishes them as layers without copying them; nothing is published that was not
// attached. Rows stay the business of whoever writes the table: Apply is Forbidden.
type Attacher interface {
	// Attach publishes a table or a view. Whatever the attachment leaves open is
	// found out from it.
	Attach(ctx context.Context, actor Actor, a Attachment) (Attached, Cursor, error)
	// Survey tells what Attach would do, and does nothing.
	Survey(ctx context.Context, a Attachment) (Attached, error)
	// Detach takes the layer off the map and every trace of it off its table.
	Detach(ctx context.Context, actor Actor, layer string) (Cursor, error)
	// Attachments lists the attached layers in the order of their ids.
	Attachments(ctx context.Context) ([]Attached, error)
}

// Attachment is what somebody wants to have published.
type Attachment struct {
	Table string // as SQL names it: "water.gauges", `"水利"."水位站"`; without a schema it is in public
	// Layer is what is known of the layer. What is empty is proposed: id, titles
	// and attributes from names and comments, conditional sharing, an irregular
	// update cycle. A schema chooses attributes by their names and says more of
	// them; their types are the table's.
	Layer    Layer
	Key      string // column that identifies a row; default the primary key
	Geometry string // column; default the only one
	// Poll makes one node compare the rows with those it saw last, so often, instead
	// of capturing each write. Views and tables of others can't be had otherwise:
	// for them the default is DefaultPoll.
	Poll time.Duration
	// Version is a column that grows with every change of a row. With it, a poll
	// compares what is new by it instead of everything.
	Version string
}

// DefaultPoll is how often what can't be captured is looked at.
const DefaultPoll = 10 * time.Second

// Attached says how a table is published.
type Attached struct {
	Layer    *Layer        `json:"layer"`
	Table    string        `json:"table"`
	Kind     string        `json:"kind"` // table, partitioned table, view, materialized view or foreign table
	Key      string        `json:"key"`
	Geometry string        `json:"geometry"`
	SRID     int           `json:"srid"`
	Poll     time.Duration `json:"-"` // 0: each write is captured
	Version  string        `json:"version,omitempty"`
	Advice   []Advice      `json:"advice"`
}

// Advice is something about a table that could be better, and the SQL statement
// that would make it so, for whoever owns the table.
type Advice struct {
	Reason    string `json:"reason"`
	Statement string `json:"statement,omitempty"`
}
