// The explorer's style, moved to eight metres: pure functions over a MapSpec.

import type { LayerSpecification } from 'maplibre-gl'
import { layerOfStyle, type MapSpec } from '../style'

export type Emphasis = 'context' | 'focus' | undefined

/** Lifts a scene's layers out or pushes them back: larger, or small and without symbols. */
export function emphasised(spec: MapSpec, emphasis: ReadonlyMap<string, Emphasis>): MapSpec {
  return {
    ...spec,
    layers: spec.layers.flatMap(l => {
      const e = emphasis.get(layerOfStyle(l.id))
      if (!e) return [l]
      if (e === 'context' && (l.id.endsWith(':glyph') || l.id.endsWith(':label'))) return []
      return [resized(l, e === 'focus' ? 1.35 : 0.75)]
    }),
  }
}

/**
 * A spec that was composed with a scale shows everything that many times larger. Seen so, the map is a desk's map of a
 * smaller zoom; therefore all that depends on the zoom is shifted by as much, and the wall of any size shows what a desk
 * would. No text is smaller than the least size, in pixels.
 */
export function legible(spec: MapSpec, scale: number, leastText: number): MapSpec {
  const shift = Math.log2(scale)
  return { ...spec, layers: spec.layers.map(l => moved(l, shift, leastText)) }
}

type Loose = { minzoom?: number; maxzoom?: number; layout?: object; paint?: object }

const lengths = new Set(['circle-radius', 'icon-size', 'line-width'])

function resized(l: LayerSpecification, factor: number): LayerSpecification {
  const each = (properties: object | undefined) =>
    Object.fromEntries(Object.entries(properties ?? {}).map(([k, v]) => [k, lengths.has(k) ? times(v, factor) : v]))
  return { ...l, layout: each(l.layout), paint: each(l.paint) } as LayerSpecification
}

// Zoom has to stay outermost in an expression, so what is multiplied are the stops' values.
function times(value: unknown, factor: number): unknown {
  if (typeof value === 'number') return value * factor
  if (!isByZoom(value)) return value
  return value.map((v, i) => (i > 2 && i % 2 === 0 ? (typeof v === 'number' ? v * factor : ['*', factor, v]) : v))
}

function moved(original: LayerSpecification, shift: number, leastText: number): LayerSpecification {
  const l: Loose = original
  const layout = shifted(l.layout ?? {}, shift)
  if ('text-size' in layout) layout['text-size'] = atLeast(layout['text-size'], leastText)
  return {
    ...original,
    ...(l.minzoom ? { minzoom: clamp(l.minzoom + shift) } : {}),
    ...(l.maxzoom ? { maxzoom: clamp(l.maxzoom + shift) } : {}),
    layout,
    paint: shifted(l.paint ?? {}, shift),
  } as LayerSpecification
}

/** Moves the stops of everything that is interpolated by zoom. */
function shifted(properties: object, shift: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([k, v]) => [
      k,
      isByZoom(v) ? v.map((x, i) => (i > 2 && i % 2 === 1 ? clamp((x as number) + shift) : x)) : v,
    ]),
  )
}

function atLeast(size: unknown, least: number): unknown {
  if (typeof size === 'number') return Math.max(size, least)
  if (!isByZoom(size)) return size
  return size.map((v, i) => (i > 2 && i % 2 === 0 && typeof v === 'number' ? Math.max(v, least) : v))
}

function isByZoom(value: unknown): value is unknown[] {
  return Array.isArray(value) && value[0] === 'interpolate' && Array.isArray(value[2]) && value[2][0] === 'zoom'
}

const clamp = (zoom: number) => Math.min(24, Math.max(0, zoom))
