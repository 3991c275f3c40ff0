// The map-state document and its form in an address. Everything under web/src
// may import it; it imports types only.

export { initialState, type LayerState, type MapState, type Selection } from './state'
export { fromHash, toHash } from './url'
