// What is selected, drawn above all data.

import type { LayerSpecification } from 'maplibre-gl'
import { byZoom } from './expressions'
import type { Theme } from './theme'

export const selectionSource = 'selection'

export function selectionLayers(theme: Theme, scale: number): LayerSpecification[] {
  const source = selectionSource
  return [
    {
      id: 'selection:fill',
      type: 'fill',
      source,
      filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'fill-color': theme.selection, 'fill-opacity': 0.07 },
    },
    {
      id: 'selection:line',
      type: 'line',
      source,
      filter: ['!=', ['geometry-type'], 'Point'],
      layout: { 'line-join': 'round', 'line-cap': 'round' },
      paint: { 'line-color': theme.selection, 'line-width': 2.4 * scale, 'line-opacity': 0.9 },
    },
    {
      id: 'selection:ring',
      type: 'circle',
      source,
      filter: ['==', ['geometry-type'], 'Point'],
      paint: {
        'circle-radius': byZoom([5, 9, 9, 13, 14, 19], scale),
        'circle-color': theme.selection,
        'circle-opacity': 0.12,
        'circle-stroke-color': theme.selection,
        'circle-stroke-width': 2.4 * scale,
      },
    },
  ]
}
