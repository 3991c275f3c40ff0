// Package tiles turns layers into Mapbox Vector Tiles (version 2.1) and keeps
// them in a cache that is never staler than the change feed.
//
// Encode is the plain encoder: it scans what a tile reaches, snaps it to the
// tile's grid, clips it and writes it, with nothing between it and the store.
// Service adds what a server needs: the view's permission on every call, the
// cache with single flight, exact invalidation, composite tiles and TileJSON.
//
// The tile matrix set is WebMercatorQuad in XYZ order (y grows southwards), zoom
// 0 to MaxZoom. A tile's own coordinates run from 0 to TileExtent, x to the east
// and y to the south, and reach Buffer units beyond each edge.
//
// Features become what a tile can hold without moving apart: every coordinate is
// rounded to the world's grid at that zoom, the same one for all tiles and all
// layers, and nothing else is simplified. So borders that are shared in the data
// are shared in every tile. What is smaller than the grid is drawn one unit
// large, because a thing that vanishes is a lie. Polygons stay valid up to the
// grid: where rounding makes a ring come back to a vertex it is divided there,
// but a vertex that lands on an edge not its own stays, and is within one unit.
//
// cmd and internal may import it; it imports layers and no store.
package tiles
