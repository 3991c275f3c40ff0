// How a layer's points look as a surface: as a heat map, or as squares with how many are in each. The server adds the
// features of each cell up (?agg=heat, ?agg=grid), so that a million cost as little as a thousand.

import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl'
import type { BBox, Entry } from '../api'
import { countKey } from './clusters'
import { type DataInput, faded, kindsOf } from './data'
import { rampColors } from './theme'

/** What is drawn instead of a layer's points. */
export type Density = 'heat' | 'grid'

/** Live layers are drawn feature by feature, and lines and areas have a shape of their own to show. */
export function canBeDense(entry: Entry): boolean {
  const kinds = kindsOf(entry)
  return !entry.layer.display?.live && kinds.length === 1 && kinds[0] === 'point'
}

/** What to ask of the tiles: cells of 8 pixels are finer than a heat map's blur, and one of a grid must be seen. */
export function densityQuery(density: Density, scale: number): string {
  return density === 'heat' ? '?agg=heat&cell=64' : `?agg=grid&cell=${scale > 1.5 ? 16 : 32}`
}

/** How far a point's heat reaches, in pixels. */
const radius = 20

/** The colours of a scale from few to many. */
export function densityColors({ entry, theme }: Pick<DataInput, 'entry' | 'theme'>): string[] {
  return rampColors(theme, 7).map(color => faded(entry, theme, color))
}

/** The least number of each class of a grid but the first, which begins at 1: the same at every zoom. */
export function gridBreaks(entry: Entry): number[] {
  const { count } = entry.status
  if (count <= 2000) return [2, 3, 5, 10, 20, 50]
  return count <= 50_000 ? [2, 5, 10, 20, 50, 100] : [3, 10, 30, 100, 300, 1000]
}

export function densityLayers(input: DataInput, density: Density, bounds: BBox): LayerSpecification[] {
  const { entry, theme, source, sourceLayer, opacity, scale } = input
  const from = { source, 'source-layer': sourceLayer ?? entry.layer.id }
  const colors = densityColors(input)
  const count = ['get', countKey]
  if (density === 'grid') {
    const steps = gridBreaks(entry).flatMap((b, i) => [b, colors[i + 1] as string])
    return [
      {
        id: `${entry.layer.id}:cell`,
        type: 'fill',
        ...from,
        paint: {
          'fill-color': ['step', count, colors[0], ...steps] as unknown as ExpressionSpecification,
          'fill-outline-color': theme.land,
          'fill-opacity': 0.92 * opacity,
        },
      },
    ]
  }
  // Few must be seen beside many, so the first colours come early.
  const at = [0.04, 0.1, 0.2, 0.34, 0.52, 0.75, 1]
  return [
    {
      id: `${entry.layer.id}:heat`,
      type: 'heatmap',
      ...from,
      paint: {
        'heatmap-weight': count as unknown as ExpressionSpecification,
        'heatmap-radius': radius * scale,
        'heatmap-intensity': intensity(entry.status.count, bounds, scale),
        'heatmap-color': [
          'interpolate',
          ['linear'],
          ['heatmap-density'],
          0,
          `${colors[0]}00`,
          ...at.flatMap((d, i) => [d, colors[i] as string]),
        ] as unknown as ExpressionSpecification,
        'heatmap-opacity': 0.85 * opacity,
      },
    },
  ]
}

/**
 * Gives the layer's mean the same shade however many features it has, where a map shows the whole region, with room for
 * places that have many times as much. Nearer, what a kernel gathers shrinks to a quarter with each zoom; making good a
 * part of that keeps towns from becoming one bright area. Where single features are far apart each is a faint spot.
 */
function intensity(count: number, [west, south, east, north]: BBox, scale: number): ExpressionSpecification {
  const y = (lat: number) => Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI)
  const world = 512 * Math.sqrt(((east - west) / 360) * (y(north) - y(south))) // the region's side in pixels at zoom 0
  const side = 800 * scale
  const home = Math.log2(side / world)
  const kernel = 0.28 * (radius * scale) ** 2 // what MapLibre's adds up to
  const [mean, spot, nearer] = [0.03, 0.5, 2.8]
  const at = (zoom: number) =>
    Math.min(spot, ((mean * side ** 2) / (kernel * Math.max(1, count))) * nearer ** (zoom - home))
  const last = home + Math.log(spot / at(home)) / Math.log(nearer)
  return [
    'interpolate',
    ['exponential', nearer],
    ['zoom'],
    0,
    at(0),
    last,
    at(last),
  ] as unknown as ExpressionSpecification
}
