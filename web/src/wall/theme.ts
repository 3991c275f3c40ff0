// The night theme as the wall uses it, and layers as they look from eight metres.

import type { Entry } from '../api'
import { type Theme, themes } from '../style'

/** What is normal or at rest recedes, so that a room full of stations shows the few that are not. */
export const wallTheme: Theme = {
  ...themes.night,
  palette: { ...themes.night.palette, grey: '#5b6c7f' },
}

/**
 * A layer as the wall draws it. Red is for alarms: a layer keeps its classes only where they tell a state (or where the
 * scene is about the layer), and has no red of its own. The zoom from which an explorer draws it is not asked: the scene
 * decides what is shown.
 */
export function asSeen(entry: Entry, focus: boolean): Entry {
  const { layer } = entry
  const { display } = layer
  if (!display) return entry
  const by = layer.schema.find(a => a.name === display.colorBy)
  const tells = focus || by?.role === 'status' || display.classes?.some(c => c.min !== undefined)
  return {
    ...entry,
    layer: {
      ...layer,
      display: {
        ...display,
        minZoom: 0,
        ...(tells
          ? {}
          : { colorBy: undefined, classes: undefined, color: display.color === 'red' ? 'pink' : display.color }),
      },
    },
  }
}
