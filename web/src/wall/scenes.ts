// The wall's scenes as the server defines them (GET /api/scenes).

import type { BBox, LonLat, Text } from '../api'

export interface LayerRef {
  id: string
  opacity: number
  style?: { emphasis?: 'context' | 'focus'; labels?: boolean; colorBy?: string }
}

/** Counts the features of a layer, or those with one value of an attribute. */
export interface Counter {
  layer: string
  label: Text
  where?: { attribute: string; value: string }
}

export interface Furniture {
  kind: 'counters' | 'ticker' | 'levels' | 'bars'
  title: Text
  layer?: string
  attribute?: string
  /** The attribute that the measured one is a share of. */
  of?: string
  limit?: number
  counters?: Counter[]
}

export interface Scene {
  id: string
  title: Text
  seconds: number
  camera: { bounds?: BBox; center?: LonLat; zoom?: number }
  /** Over the base map, lowest first, which is also the legend's order. */
  layers: LayerRef[]
  furniture: Furniture[]
}

/**
 * The layers whose features the furniture needs one by one. Those that it only counts as a whole are not among them:
 * nobody fetches 50,000 enterprises to show their number.
 */
export function measuredLayers(scenes: readonly Scene[]): Set<string> {
  const ids = new Set<string>()
  for (const f of scenes.flatMap(s => s.furniture)) {
    if (f.layer) ids.add(f.layer)
    for (const c of f.counters ?? []) if (c.where) ids.add(c.layer)
  }
  return ids
}
