// A choropleth: divisions of one level, coloured by a number.

import type { LayerSpecification } from 'maplibre-gl'
import { baseSource } from './base'
import { rampColors, type Theme } from './theme'

export interface Choropleth {
  /** The layer with the divisions, and its number. */
  layer: string
  attribute: string
  /** 2 is cities, 3 counties. */
  level: number
  /** Lower bounds of all classes but the first, ascending; the same on desk and wall. */
  breaks: readonly number[]
}

export function choroplethLayers(choropleth: Choropleth, theme: Theme, opacity = 1): LayerSpecification[] {
  const { layer, attribute, level, breaks } = choropleth
  const colors = rampColors(theme, breaks.length + 1)
  const value = ['to-number', ['get', attribute], -1]
  const color = breaks.length
    ? ['step', value, colors[0], ...breaks.flatMap((b, i) => [b, colors[i + 1] as string])]
    : colors[0]
  return [
    {
      id: 'choropleth:fill',
      type: 'fill',
      source: baseSource,
      'source-layer': layer,
      filter: ['==', ['get', 'level'], level],
      paint: {
        'fill-color': ['case', ['==', ['get', attribute], null], theme.noData, color] as never,
        'fill-opacity': 0.92 * opacity,
        'fill-antialias': false,
      },
    },
  ]
}
