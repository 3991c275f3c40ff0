package layers

import (
	"strconv"
	"strings"
	"time"
)

// Position numbers changes: gapless, from 1, the same on every node. It is also
// the version of the feature that the change made.
type Position int64

// Cursor is a place in the log: a position within an epoch. A store starts a
// new epoch when its history forks (restore, failover, overflow); positions of
// another epoch mean nothing.
type Cursor struct {
	Epoch    string
	Position Position
}

// String formats the cursor as "epoch:position", its form in every protocol.
func (c Cursor) String() string {
	return c.Epoch + ":" + strconv.FormatInt(int64(c.Position), 10)
}

// MarshalText implements encoding.TextMarshaler.
func (c Cursor) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Cursor) UnmarshalText(b []byte) (err error) {
	*c, err = ParseCursor(string(b))
	return err
}

// ParseCursor reads "epoch:position".
func ParseCursor(s string) (Cursor, error) {
	epoch, pos, ok := strings.Cut(s, ":")
	n, err := strconv.ParseInt(pos, 10, 64)
	if !ok || epoch == "" || err != nil || n < 0 {
		return Cursor{}, &Error{Code: Invalid, Message: "not a position", Violations: []Violation{{
			Field: "since", Value: s, Reason: "not of the form epoch:position", Remedy: "use a position that this server sent"}}}
	}
	return Cursor{Epoch: epoch, Position: Position(n)}, nil
}

// ChangeKind is what a Change did.
type ChangeKind string

const (
	ChangePut    ChangeKind = "put"    // a feature appeared or became another
	ChangeDelete ChangeKind = "delete" // a feature is gone
	ChangeReset  ChangeKind = "reset"  // the layer's content was replaced below us: read it again
	ChangeDefine ChangeKind = "define" // the layer was defined or its definition changed
	ChangeDrop   ChangeKind = "drop"   // the layer is gone
)

// Change is one entry of the log. Changes are immutable.
type Change struct {
	Position Position
	Layer    string
	Kind     ChangeKind
	ID       string   // feature id; empty unless put or delete
	Old      *Feature // image before; nil if it did not exist
	New      *Feature // image after; nil if it does not exist any more
}

// Commit is a set of changes that became visible together. Its changes have
// consecutive positions.
type Commit struct {
	Time    time.Time
	Actor   string // who, as far as known; empty for edits made below us
	Changes []Change
}

// Position returns the position of the commit's last change.
func (c *Commit) Position() Position { return c.Changes[len(c.Changes)-1].Position }
