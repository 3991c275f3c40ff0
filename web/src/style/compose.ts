// The whole map as data: which sources, and which style layers in which order.

import type { LayerSpecification, SourceSpecification } from 'maplibre-gl'
import type { BBox, Entry } from '../api'
import type { Lang } from '../i18n'
import { baseGround, baseLabels, baseLines, baseSource, frame, frameLayer, frameSource } from './base'
import { type Choropleth, choroplethLayers } from './choropleth'
import { type DataInput, dataLabels, dataLayers, kindsOf } from './data'
import { canBeDense, type Density, densityLayers, densityMaxZoom, densityQuery } from './density'
import { selectionLayers, selectionSource } from './selection'
import type { Theme } from './theme'

/** A layer that is on. */
export interface Shown {
  id: string
  /** 0 to 1; 0 keeps it loaded and hidden. */
  opacity: number
  labelZoom?: number
  /** Drawn as a surface instead of points. */
  density?: Density
}

export interface ComposeInput {
  /** The catalogue as the reader may see it. */
  entries: readonly Entry[]
  shown: readonly Shown[]
  theme: Theme
  lang: Lang
  /** Factor on every length: 1 on a desk, 2 on a 4K wall. */
  scale: number
  /** Where the tiles come from, e.g. location.origin: MapLibre wants absolute addresses. */
  origin: string
  /** Nothing is fetched outside. */
  bounds: BBox
  choropleth?: (Choropleth & { opacity?: number }) | null
}

export interface MapSpec {
  sources: Record<string, SourceSpecification>
  layers: LayerSpecification[]
  /** Style layers that a pointer can hit, topmost last. */
  pickable: string[]
  /** Invisible style layers whose features are whole divisions, smallest first. */
  areas: string[]
}

export function compose(input: ComposeInput): MapSpec {
  const { entries, theme, lang, scale } = input
  const byId = new Map(entries.map(e => [e.layer.id, e]))
  const baseEntries = entries
    .filter(e => e.layer.display?.base)
    .sort((a, b) => (a.layer.display?.order ?? 0) - (b.layer.display?.order ?? 0) || compare(a.layer.id, b.layer.id))
  const base = { layers: baseEntries.map(e => e.layer), theme, lang, scale }

  const sources: Record<string, SourceSpecification> = {
    [selectionSource]: empty(),
    [frameSource]: frame(input.bounds),
  }
  if (base.layers.length > 0) sources[baseSource] = tiles(input, baseEntries, 0)

  const data: (DataInput & { density?: Density })[] = input.shown
    .flatMap(shown => {
      const entry = byId.get(shown.id)
      return entry && !entry.layer.display?.base ? [{ entry, shown }] : []
    })
    .sort(
      (a, b) =>
        (a.entry.layer.display?.order ?? 0) - (b.entry.layer.display?.order ?? 0) || compare(a.shown.id, b.shown.id),
    )
    .map(({ entry, shown }) => {
      const live = entry.layer.display?.live === true
      return {
        entry,
        theme,
        lang,
        scale,
        opacity: shown.opacity,
        labelZoom: shown.labelZoom,
        source: sourceOf(entry),
        ...(shown.density && canBeDense(entry) ? { density: shown.density } : {}),
        ...(live ? {} : { sourceLayer: shown.id }),
      }
    })
  for (const { entry, source, density } of data) {
    if (entry.layer.display?.live) sources[source] = empty()
    else if (density) sources[source] = cells(input, entry, density)
    else sources[source] = tiles(input, [entry], Math.floor(entry.layer.display?.minZoom ?? 0))
  }

  const single = data.filter(d => !d.density)
  const drawn = (['polygon', 'line', 'point'] as const).flatMap(kind =>
    single.filter(d => kindsOf(d.entry).includes(kind)).flatMap(d => dataLayers(d, kind)),
  )
  const surfaces = data.flatMap(d => (d.density ? densityLayers(d, d.density, input.bounds) : []))
  const layers = [
    ...baseGround(base),
    ...(input.choropleth ? choroplethLayers(input.choropleth, theme, input.choropleth.opacity) : []),
    ...surfaces, // under the borders, so that one sees where it is
    ...(base.layers.length > 0 ? baseLines(base) : []),
    frameLayer(theme, scale),
    ...drawn,
    ...selectionLayers(theme, scale),
    ...single.flatMap(dataLabels),
    ...baseLabels(base),
  ]
  const areas = layers.filter(l => /[:-]area$/.test(l.id)).map(l => l.id)
  // Of a heat map there is nothing to press on.
  const pickable = [...surfaces.filter(l => l.type === 'fill'), ...drawn].map(l => l.id)
  return { sources, layers, pickable, areas }
}

/** The id of the source that a layer is drawn from. */
export function sourceOf(entry: Entry): string {
  if (entry.layer.display?.base) return baseSource
  return entry.layer.display?.live ? `live:${entry.layer.id}` : `tiles:${entry.layer.id}`
}

/** The layer that a style layer draws. */
export function layerOfStyle(styleLayer: string): string {
  return styleLayer.slice(0, styleLayer.lastIndexOf(':'))
}

/** The map enlarges the tiles of the deepest zoom beyond it. */
function tiles({ origin, bounds }: ComposeInput, entries: readonly Entry[], minzoom: number): SourceSpecification {
  const ids = entries.map(e => e.layer.id).join(',')
  const maxzoom = Math.max(...entries.map(e => e.tilesMaxZoom))
  return { type: 'vector', tiles: [`${origin}/tiles/${ids}/{z}/{x}/{y}`], minzoom, maxzoom, bounds }
}

/** Cells are as many at every zoom, so their tiles are asked for only as deep as there is something to see. */
function cells({ origin, bounds, scale }: ComposeInput, entry: Entry, density: Density): SourceSpecification {
  const address = `${origin}/tiles/${entry.layer.id}/{z}/{x}/{y}${densityQuery(density, scale)}`
  return { type: 'vector', tiles: [address], minzoom: 0, maxzoom: densityMaxZoom, bounds }
}

function empty(): SourceSpecification {
  return { type: 'geojson', data: { type: 'FeatureCollection', features: [] } }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
