// The base map: outline, divisions, rivers, coast and names, drawn from layers
// like any other. Nothing here is drawn as a state border, and nothing outside
// the region is drawn but names.

import type { FilterSpecification, LayerSpecification, SourceSpecification } from 'maplibre-gl'
import type { BasePart, BBox, Layer } from '../api'
import type { Lang } from '../i18n'
import { byZoom, fonts, nameExpression } from './expressions'
import type { Theme } from './theme'

export interface BaseInput {
  layers: readonly Layer[]
  theme: Theme
  lang: Lang
  /** Factor on every length: 1 on a desk, 2 on a 4K wall. */
  scale: number
}

/** The id of the tile source that holds all base layers together. */
export const baseSource = 'base'

/** The id of the source with the edge of the drawn part of the world. */
export const frameSource = 'frame'

/** The edge of what is drawn, as a source. */
export function frame([west, south, east, north]: BBox): SourceSpecification {
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ]
  return {
    type: 'geojson',
    data: { type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: ring } },
  }
}

/** Lets rivers and coasts fade where the data end, instead of breaking off. */
export function frameLayer(theme: Theme, scale: number): LayerSpecification {
  const width = byZoom([5, 60, 9, 260], scale)
  const blur = byZoom([5, 30, 9, 130], scale)
  return {
    id: 'frame:fade',
    type: 'line',
    source: frameSource,
    layout: { 'line-join': 'round' },
    paint: { 'line-color': theme.background, 'line-width': width, 'line-blur': blur },
  }
}

/** Fills, then lines: what lies below all data. */
export function baseGround({ layers, theme, scale }: BaseInput): LayerSpecification[] {
  const of = (part: BasePart) => layers.filter(l => l.display?.base === part)
  const out: LayerSpecification[] = [
    { id: 'base:background', type: 'background', paint: { 'background-color': theme.background } },
  ]
  for (const { id } of of('outline')) {
    const glow = byZoom([5, 5, 9, 12], scale)
    out.push(line(`${id}:glow`, id, theme.glow, glow, { 'line-blur': glow, 'line-opacity': 0.55 }), {
      id: `${id}:land`,
      type: 'fill',
      source: baseSource,
      'source-layer': id,
      paint: { 'fill-color': theme.land, 'fill-antialias': false }, // a line lies over the edge
    })
  }
  return out
}

/** Lines of the base map, which lie above a choropleth. */
export function baseLines({ layers, theme, scale }: BaseInput): LayerSpecification[] {
  const of = (part: BasePart) => layers.filter(l => l.display?.base === part)
  const out: LayerSpecification[] = []
  for (const layer of of('township')) out.push(area(layer, townshipZoom, 24))
  for (const layer of of('division')) {
    out.push({ ...area(layer, countyZoom, townshipZoom, 'county-area'), filter: ['==', ['get', 'level'], 3] })
    out.push({ ...area(layer, 0, countyZoom, 'city-area'), filter: ['==', ['get', 'level'], 2] })
  }
  for (const { id } of of('river')) {
    const width = (n: number) => byZoom([5, n * 0.45, 8, n, 12, n * 2.4, 15, n * 4], scale)
    out.push(
      {
        ...line(`${id}:minor`, id, theme.river, width(0.7), { 'line-opacity': 0.6 }),
        minzoom: 7.5,
        filter: rank('>=', 3),
      },
      { ...line(`${id}:middle`, id, theme.river, width(1.1), { 'line-opacity': 0.75 }), filter: rank('==', 2) },
      { ...line(`${id}:major`, id, theme.river, width(2), { 'line-opacity': 0.95 }), filter: rank('<=', 1) },
    )
  }
  for (const { id } of of('coast')) out.push(line(`${id}:line`, id, theme.coast, byZoom([5, 0.6, 10, 1.2], scale)))
  for (const { id } of of('township')) {
    out.push({
      ...line(`${id}:line`, id, theme.townshipLine, byZoom([9, 0.5, 13, 1], scale), {
        'line-opacity': byZoom([9, 0, 10, 1]),
      }),
      minzoom: 9,
    })
  }
  for (const { id } of of('division')) {
    out.push(
      {
        ...line(`${id}:county`, id, theme.countyLine, byZoom([6, 0.4, 9, 1, 13, 1.6], scale), {
          'line-opacity': byZoom([6, 0.35, 7.5, 0.8, 9, 1]),
        }),
        filter: ['==', ['get', 'level'], 3],
      },
      {
        ...line(`${id}:city`, id, theme.cityLine, byZoom([5, 0.7, 9, 1.6, 13, 2.4], scale)),
        filter: ['==', ['get', 'level'], 2],
      },
    )
  }
  for (const { id } of of('outline')) {
    out.push(line(`${id}:line`, id, theme.outline, byZoom([5, 1, 9, 1.8, 13, 2.4], scale)))
  }
  return out
}

interface LabelKind {
  kind: string
  /** Zoom, then pixels, and so on. */
  size: number[]
  minzoom: number
  maxzoom?: number
  bold?: boolean
  spacing?: number
  color: 'text' | 'minor' | 'water' | 'neighbour'
  /** May stand beside its place where another name is in the way. */
  yields?: boolean
}

// Least important first: MapLibre places the last layer's labels first.
const labelKinds: LabelKind[] = [
  {
    kind: 'township',
    size: [10.5, 11, 14, 14],
    minzoom: 10.5,
    color: 'minor',
  },
  {
    kind: 'river',
    size: [6, 10.5, 10, 13],
    minzoom: 6.6,
    color: 'water',
    spacing: 0.15,
  },
  {
    kind: 'county',
    size: [7, 11, 10, 14.5, 13, 18],
    minzoom: 7.6,
    color: 'minor',
  },
  {
    kind: 'island',
    size: [6, 10.5, 11, 14],
    minzoom: 7,
    color: 'minor',
  },
  {
    kind: 'neighbour',
    size: [5, 13, 9, 20],
    minzoom: 0,
    color: 'neighbour',
    spacing: 0.35,
  },
  {
    kind: 'sea',
    size: [5, 14, 9, 24],
    minzoom: 0,
    color: 'water',
    spacing: 0.4,
  },
  {
    kind: 'city',
    size: [5, 12, 8, 16.5, 11, 22],
    minzoom: 0,
    maxzoom: 13,
    bold: true,
    yields: true,
    color: 'text',
  },
]

/** Names, the most important last; they lie above all data. */
export function baseLabels({ layers, theme, lang, scale }: BaseInput): LayerSpecification[] {
  return layers
    .filter(l => l.display?.base === 'label')
    .flatMap(layer => {
      const name = nameExpression(layer, lang)
      if (!name) return []
      return labelKinds.map(
        (k): LayerSpecification => ({
          id: `${layer.id}:${k.kind}`,
          type: 'symbol',
          source: baseSource,
          'source-layer': layer.id,
          minzoom: k.minzoom,
          ...(k.maxzoom ? { maxzoom: k.maxzoom } : {}),
          filter: ['==', ['get', 'kind'], k.kind],
          layout: {
            'text-field': name,
            'text-font': [k.bold ? fonts.bold : fonts.regular],
            'text-size': byZoom(k.size, scale),
            'text-letter-spacing': lang === 'en' ? 0.02 : (k.spacing ?? 0.06),
            'text-max-width': 8,
            'text-padding': 2 * scale,
            ...(k.yields
              ? { 'text-variable-anchor': ['center', 'bottom', 'top', 'left', 'right'], 'text-radial-offset': 0.5 }
              : {}),
            'symbol-sort-key': ['coalesce', ['get', 'rank'], 9],
          },
          paint: {
            'text-color': theme.label[k.color],
            'text-halo-color': theme.label.halo,
            'text-halo-width': (k.color === 'neighbour' ? 0.8 : 1.6) * scale,
            'text-halo-blur': 0.4 * scale,
          },
        }),
      )
    })
}

function rank(op: '<=' | '==' | '>=', n: number): FilterSpecification {
  return [op, ['coalesce', ['get', 'rank'], 9], n] as unknown as FilterSpecification
}

// From these zooms on a place is looked up by county and by township.
const countyZoom = 8.2
const townshipZoom = 10.6

/** Drawn with nothing, but hit by a pointer: which division is here. */
function area(layer: Layer, minzoom: number, maxzoom: number, part = 'area'): FillLayer {
  return {
    id: `${layer.id}:${part}`,
    type: 'fill',
    source: baseSource,
    'source-layer': layer.id,
    minzoom,
    maxzoom,
    paint: { 'fill-color': '#000000', 'fill-opacity': 0 },
  }
}

type FillLayer = Extract<LayerSpecification, { type: 'fill' }>
type LineLayer = Extract<LayerSpecification, { type: 'line' }>

function line(
  id: string,
  sourceLayer: string,
  color: string,
  width: LineLayer['paint'] extends infer P ? (P extends { 'line-width'?: infer W } ? W : never) : never,
  paint: LineLayer['paint'] = {},
): LineLayer {
  return {
    id,
    type: 'line',
    source: baseSource,
    'source-layer': sourceLayer,
    layout: { 'line-join': 'round', 'line-cap': 'round' },
    paint: { 'line-color': color, 'line-width': width, ...paint },
  }
}
