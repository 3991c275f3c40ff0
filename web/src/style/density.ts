// How a layer's points look as a surface: as a heat map, or as squares with how many are in each. The server adds the
// features of each cell up (?agg=heat, ?agg=grid), so that a million cost as little as a thousand.

import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl'
import type { BBox, Entry } from '../api'
import { countKey } from './clusters'
import { type DataInput, faded, kindsOf } from './data'
import { rampColors } from './theme'

/** What is drawn instead of a layer's points. */
export type Density = 'heat' | 'grid'

/** Deepest zoom of cells; the map enlarges them beyond it. */
export const densityMaxZoom = 14

/** Live layers are drawn feature by feature, and lines and areas have a shape of their own to show. */
export function canBeDense(entry: Entry): boolean {
  const kinds = kindsOf(entry)
  return !entry.layer.display?.live && kinds.length === 1 && kinds[0] === 'point'
}

/** What to ask of the tiles: cells of 8 pixels are finer than a heat map's blur, and one of a grid must be seen. */
export function densityQuery(density: Density, scale: number): string {
  return density === 'heat' ? '?agg=heat&cell=64' : `?agg=grid&cell=${gridCells(scale)}`
}

/** Squares along the side of a tile, which is 512 pixels. */
const gridCells = (scale: number) => (scale > 1.5 ? 16 : 32)

/** What a density is measured by: the layer, the region that it covers, and how large a screen is. */
export interface Crowd extends Pick<DataInput, 'entry' | 'scale'> {
  bounds: BBox
}

/** How far a point's heat reaches, in pixels. */
const radius = 20

/** The colours of a scale from few to many. */
export function densityColors({ entry, theme }: Pick<DataInput, 'entry' | 'theme'>): string[] {
  return rampColors(theme, 7).map(color => faded(entry, theme, color))
}

/**
 * The least number of each class of a grid but the first, which begins at 1. A square is a quarter as large with each zoom,
 * so the classes go by how many the mean square of the zoom's tiles would hold: towns stand out from afar and nearby.
 */
export function gridBreaks({ entry, bounds, scale }: Crowd, zoom: number): number[] {
  const z = Math.min(Math.floor(zoom), densityMaxZoom)
  const mean = entry.status.count * (512 / gridCells(scale) / (side(bounds) * 2 ** z)) ** 2
  if (mean >= 25) return [10, 30, 100, 300, 1000, 3000]
  if (mean >= 4) return [3, 10, 30, 100, 300, 1000]
  return mean >= 0.8 ? [2, 5, 10, 20, 50, 100] : [2, 3, 5, 10, 20, 50]
}

/** The colour of a square by its count; MapLibre asks for the one of its tile's zoom. */
function gridColor(crowd: Crowd, colors: readonly string[]): ExpressionSpecification {
  const by = (zoom: number) => {
    const steps = gridBreaks(crowd, zoom).flatMap((b, i) => [b, colors[i + 1]])
    return ['step', ['get', countKey], colors[0], ...steps]
  }
  const zooms = Array.from({ length: densityMaxZoom }, (_, i) => i + 1)
  return ['step', ['zoom'], by(0), ...zooms.flatMap(z => [z, by(z)])] as unknown as ExpressionSpecification
}

export function densityLayers(input: DataInput, density: Density, bounds: BBox): LayerSpecification[] {
  const { entry, theme, source, sourceLayer, opacity, scale } = input
  const from = { source, 'source-layer': sourceLayer ?? entry.layer.id }
  const colors = densityColors(input)
  if (density === 'grid') {
    return [
      {
        id: `${entry.layer.id}:cell`,
        type: 'fill',
        ...from,
        paint: {
          'fill-color': gridColor({ entry, bounds, scale }, colors),
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
        'heatmap-weight': ['get', countKey] as unknown as ExpressionSpecification,
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
function intensity(count: number, bounds: BBox, scale: number): ExpressionSpecification {
  const view = 800 * scale
  const home = Math.log2(view / side(bounds))
  const kernel = 0.28 * (radius * scale) ** 2 // what MapLibre's adds up to
  const [mean, spot, nearer] = [0.03, 0.5, 2.8]
  const at = (zoom: number) =>
    Math.min(spot, ((mean * view ** 2) / (kernel * Math.max(1, count))) * nearer ** (zoom - home))
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

/** The side of a region, in pixels at zoom 0. */
function side([west, south, east, north]: BBox): number {
  const y = (lat: number) => Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI)
  return 512 * Math.sqrt(((east - west) / 360) * (y(north) - y(south)))
}
