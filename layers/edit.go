package layers

import (
	"time"

	"github.com/twpayne/go-geom"
)

// Op is what an Edit does.
type Op string

const (
	Put     Op = "put"     // create or replace
	Create  Op = "create"  // must not exist yet
	Replace Op = "replace" // must exist
	Patch   Op = "patch"   // must exist; changes what it names, a nil property becomes null
	Delete  Op = "delete"  // must exist
)

// Edit is one change that somebody asks for.
type Edit struct {
	Op           Op
	ID           string // empty with Create or Put: the store gives one
	Geometry     geom.T // nil is a null geometry, but see KeepGeometry
	KeepGeometry bool   // Patch: leave the geometry as it is
	Properties   map[string]any
	IfVersion    Position // if not 0, the version that the feature must have
}

// Actor is who edits, and as of when their data hold.
type Actor struct {
	Name string
	AsOf time.Time // when the source says the data were true; zero means at commit
}

// Receipt tells what Apply did. Everything in it is durable and visible.
type Receipt struct {
	Cursor  Cursor       // position of the last change
	Results []EditResult // one for each edit, in order
}

// EditResult is the outcome of one edit.
type EditResult struct {
	ID      string
	Version Position
	Created bool
}
