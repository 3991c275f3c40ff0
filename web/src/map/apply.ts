// Brings a map from one spec to the next with the fewest calls, so that a switch
// of theme fades and live data stay where they are.

import type { LayerSpecification, SourceSpecification } from 'maplibre-gl'
import type { MapSpec } from '../style'

/** The part of MapLibre's Map that is used here. */
export interface Target {
  addSource(id: string, source: SourceSpecification): unknown
  removeSource(id: string): unknown
  addLayer(layer: LayerSpecification, before?: string): unknown
  removeLayer(id: string): unknown
  moveLayer(id: string, before?: string): unknown
  setPaintProperty(id: string, name: string, value: unknown): unknown
  setLayoutProperty(id: string, name: string, value: unknown): unknown
  setFilter(id: string, filter: unknown): unknown
  setLayerZoomRange(id: string, min: number, max: number): unknown
}

type Loose = LayerSpecification & {
  source?: string
  'source-layer'?: string
  filter?: unknown
  paint?: Record<string, unknown>
  layout?: Record<string, unknown>
}

/** Applies next to a target that shows previous. Returns the sources that were added. */
export function apply(target: Target, previous: MapSpec | null, next: MapSpec): string[] {
  const before = new Map((previous?.layers ?? []).map(l => [l.id, l as Loose]))
  const after = new Map(next.layers.map(l => [l.id, l as Loose]))

  const changedSources = new Set(
    Object.keys(previous?.sources ?? {}).filter(id => !same(previous?.sources[id], next.sources[id])),
  )
  for (const [id, layer] of before) {
    const wanted = after.get(id)
    const sourceGone = layer.source !== undefined && changedSources.has(layer.source)
    if (!wanted || sourceGone || !sameShape(layer, wanted)) {
      target.removeLayer(id)
      before.delete(id)
    }
  }
  for (const id of changedSources) target.removeSource(id)
  const added: string[] = []
  for (const [id, source] of Object.entries(next.sources)) {
    if (previous?.sources[id] && !changedSources.has(id)) continue
    target.addSource(id, source)
    added.push(id)
  }

  // From the top down, each layer goes below the one that was just placed.
  const order = [...before.keys()]
  let above: string | undefined
  for (const layer of [...(next.layers as Loose[])].reverse()) {
    const old = before.get(layer.id)
    if (old) {
      update(target, old, layer)
      const at = order.indexOf(layer.id)
      if (order[at + 1] !== above) {
        target.moveLayer(layer.id, above)
        order.splice(at, 1)
        order.splice(above === undefined ? order.length : order.indexOf(above), 0, layer.id)
      }
    } else {
      target.addLayer(layer, above)
      order.splice(above === undefined ? order.length : order.indexOf(above), 0, layer.id)
    }
    above = layer.id
  }
  return added
}

function update(target: Target, old: Loose, layer: Loose): void {
  if (!same(old.filter, layer.filter)) target.setFilter(layer.id, layer.filter ?? null)
  if (old.minzoom !== layer.minzoom || old.maxzoom !== layer.maxzoom) {
    target.setLayerZoomRange(layer.id, layer.minzoom ?? 0, layer.maxzoom ?? 24)
  }
  each(old.layout, layer.layout, (name, value) => target.setLayoutProperty(layer.id, name, value))
  each(old.paint, layer.paint, (name, value) => target.setPaintProperty(layer.id, name, value))
}

function each(
  old: Record<string, unknown> = {},
  next: Record<string, unknown> = {},
  set: (name: string, value: unknown) => void,
): void {
  for (const name of new Set([...Object.keys(old), ...Object.keys(next)])) {
    if (!same(old[name], next[name])) set(name, next[name])
  }
}

function sameShape(a: Loose, b: Loose): boolean {
  return a.type === b.type && a.source === b.source && a['source-layer'] === b['source-layer']
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
