// Package api is the server's HTTP API: the OGC API Features building blocks
// under /api, the vector tiles under /tiles and the sign-in pages. There is a
// file for each building block, named as in the standard.
//
// A handler works with the reader of the asking identity's view and with no
// other; a layer that the view does not see is 404 everywhere, so that nobody
// learns that it exists. Errors are RFC 9457 problems, mapped in problem.go alone.
//
// The files in openapi describe every route; a test compares the two.
//
// Only cmd imports it. It imports tiles, internal/access, internal/catalogue,
// internal/formats, internal/geojson and layers, and knows no store's implementation.
package api
