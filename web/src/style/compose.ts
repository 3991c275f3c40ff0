// The whole map as data: which sources, and which style layers in which order.

import type { LayerSpecification, SourceSpecification } from 'maplibre-gl'
import type { BBox, Entry } from '../api'
import type { Lang } from '../i18n'
import { baseGround, baseLabels, baseLines, baseSource, frame, frameLayer, frameSource } from './base'
import { type Choropleth, choroplethLayers } from './choropleth'
import { type DataInput, dataLabels, dataLayers, kindsOf } from './data'
import { selectionLayers, selectionSource } from './selection'
import type { Theme } from './theme'

/** A layer that is on. */
export interface Shown {
  id: string
  /** 0 to 1; 0 keeps it loaded and hidden. */
  opacity: number
  labelZoom?: number
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

/** Deepest zoom of tiles; the map enlarges them beyond it. */
const tileMaxZoom = 14

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
  if (base.layers.length > 0) sources[baseSource] = tiles(input, base.layers.map(l => l.id).join(','), 0)

  const data: DataInput[] = input.shown
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
        ...(live ? {} : { sourceLayer: shown.id }),
      }
    })
  for (const { entry, source } of data) {
    sources[source] = entry.layer.display?.live
      ? empty()
      : tiles(input, entry.layer.id, Math.floor(entry.layer.display?.minZoom ?? 0))
  }

  const drawn = (['polygon', 'line', 'point'] as const).flatMap(kind =>
    data.filter(d => kindsOf(d.entry).includes(kind)).flatMap(d => dataLayers(d, kind)),
  )
  const layers = [
    ...baseGround(base),
    ...(input.choropleth ? choroplethLayers(input.choropleth, theme, input.choropleth.opacity) : []),
    ...(base.layers.length > 0 ? baseLines(base) : []),
    frameLayer(theme, scale),
    ...drawn,
    ...selectionLayers(theme, scale),
    ...data.flatMap(dataLabels),
    ...baseLabels(base),
  ]
  const areas = layers.filter(l => /[:-]area$/.test(l.id)).map(l => l.id)
  return { sources, layers, pickable: drawn.map(l => l.id), areas }
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

function tiles({ origin, bounds }: ComposeInput, ids: string, minzoom: number): SourceSpecification {
  return { type: 'vector', tiles: [`${origin}/tiles/${ids}/{z}/{x}/{y}`], minzoom, maxzoom: tileMaxZoom, bounds }
}

function empty(): SourceSpecification {
  return { type: 'geojson', data: { type: 'FeatureCollection', features: [] } }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
