// Package layers is the core of onemap: what a layer, a feature and a change
// are, and the contract that every store keeps.
//
// A department publishes a Layer. Its data are Features, changed by Edits. A
// Store commits edits and numbers what happened: each Change carries a gapless
// Position, and the log of changes in the order of their positions is the one
// truth that tiles, live sessions and caches follow.
//
// Every read goes through a Reader that Store.As hands out for a View, so that
// what a reader may see is a parameter of the contract and never a filter
// bolted on behind it.
//
// All coordinates are CRS84: longitude, latitude in degrees, optionally height
// in metres and a measure. Stored geometries are go-geom values and are
// immutable once handed over, in either direction; Planar gives a private orb
// copy for drawing and computing.
//
// The package knows no HTTP, no SQL and no socket. Everything may import it; it
// imports nothing of onemap but internal/cql2.
package layers
