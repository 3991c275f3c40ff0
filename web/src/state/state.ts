// The map-state document: everything that one view of the map is made of. It is
// the share link and the bookmark, and a scene of the wall is one.

import type { LonLat } from '../api'
import type { Lang } from '../i18n'
import type { Density, ThemeName } from '../style'

export interface LayerState {
  id: string
  /** 0.1 to 1. */
  opacity: number
  /** Missing: its points. */
  density?: Density
}

export type Selection =
  | { kind: 'feature'; layer: string; id: string }
  | { kind: 'division'; code: string }
  | { kind: 'enterprise'; code: string }

export interface MapState {
  /** null is the whole region. */
  camera: { center: LonLat; zoom: number } | null
  theme: ThemeName
  lang: Lang
  /** null is what the layers themselves ask for. */
  layers: LayerState[] | null
  /** The number that colours the divisions, as "layer.attribute", or null. */
  choropleth: string | null
  selection: Selection | null
}

export const initialState: MapState = {
  camera: null,
  theme: 'night',
  lang: 'zh',
  layers: null,
  choropleth: null,
  selection: null,
}
