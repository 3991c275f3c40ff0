// Package coverage makes outlines smaller without moving neighbours apart.
//
// Grade says of each vertex of many rings and lines the lowest zoom at which it
// matters, so that drawing at a zoom is leaving out what has a higher grade. A
// vertex has one grade, whichever ring asks: a border that is shared in the data
// is shared at every zoom.
//
// Repairer makes valid again what leaving out vertices and rounding to a tile's
// grid made cross or touch itself.
//
// It knows nothing of features, tiles or stores. tiles may import it; it imports
// only the standard library.
package coverage
