// The explorer's style, moved to eight metres: pure functions over a MapSpec.

import type { LayerSpecification } from 'maplibre-gl'
import type { Entry } from '../api'
import { layerOfStyle, type MapSpec } from '../style'
import type { LayerRef } from './scenes'

/** How a layer is lifted out of a scene or pushed back. */
export interface Look {
  /** Factor on its symbols and lines. */
  size: number
  /** Symbols: as the explorer has them, none, or at every zoom. */
  icons: 'own' | 'none' | 'always'
  /** Which features' names are written; all if not given. */
  named?: { attribute: string; values: (string | number | boolean)[] }
}

/** So many features of a layer may carry their symbol. */
const fewEnough = 200

/** The look of a layer by the hints of a scene. */
export function lookOf(ref: LayerRef, entry: Entry | undefined): Look {
  const display = entry?.layer.display
  const emphasis = ref.style?.emphasis
  // Names are for the few that are not normal; where nothing tells which those are, for all.
  const worrying = (display?.classes ?? []).flatMap(c =>
    (c.color === 'red' || c.color === 'orange') && c.value !== undefined ? [c.value] : [],
  )
  const named = display?.colorBy && worrying.length > 0 ? { attribute: display.colorBy, values: worrying } : undefined
  if (emphasis === 'context') return { size: 0.6, icons: 'none', named }
  if (emphasis !== 'focus') return { size: 0.85, icons: 'own', named }
  const few = (entry?.status.count ?? 0) <= fewEnough
  return { size: few ? 1.8 : 1.25, icons: few ? 'always' : 'own', named }
}

/** Lifts a scene's layers out or pushes them back. */
export function emphasised(spec: MapSpec, looks: ReadonlyMap<string, Look>): MapSpec {
  const opacity = new Map<string, number>()
  return {
    ...spec,
    layers: spec.layers.flatMap(l => {
      const layer = layerOfStyle(l.id)
      const look = looks.get(layer)
      if (!look) return [l]
      const part = l.id.slice(layer.length + 1)
      if (look.icons === 'none' && (part === 'glyph' || part === 'label')) return []
      const out = resized(l, look.size)
      if (out.type === 'circle') opacity.set(layer, Number(out.paint?.['circle-opacity'] ?? 1))
      if (part === 'glyph' && look.icons === 'always') return [withGlyph(out, opacity.get(layer) ?? 1)]
      if (part === 'label' && look.named) return [namedOnly(out, look.named)]
      return [hushed(out)]
    }),
  }
}

// The explorer shows glyphs from a zoom on at which their circles are large enough; here the circles are.
function withGlyph(glyph: LayerSpecification, opacity: number): LayerSpecification {
  return { ...glyph, minzoom: 0, paint: { ...glyph.paint, 'icon-opacity': opacity } } as LayerSpecification
}

// A lost layer is hatched, and a hatch over half a wall must not drown what lies on it.
function hushed(area: LayerSpecification): LayerSpecification {
  const paint = area.paint as Record<string, unknown> | undefined
  if (area.type === 'fill' && paint?.['fill-pattern']) {
    return {
      ...area,
      paint: { ...paint, 'fill-opacity': 0.5 * Number(paint['fill-opacity'] ?? 1) },
    } as LayerSpecification
  }
  return area
}

function namedOnly(label: LayerSpecification, { attribute, values }: NonNullable<Look['named']>): LayerSpecification {
  const own = 'filter' in label && label.filter ? [label.filter] : []
  return { ...label, filter: ['all', ...own, ['in', ['get', attribute], ['literal', values]]] } as LayerSpecification
}

/**
 * A spec that was composed with a scale shows everything that many times larger. Seen so, the map is a desk's map of a
 * smaller zoom; therefore all that depends on the zoom is shifted by as much, and the wall of any size shows what a desk
 * would. No text is smaller than the least size, in pixels; numbers of merged points, which then have no room in their
 * circles, are left out.
 */
export function legible(spec: MapSpec, scale: number, leastText: number): MapSpec {
  const shift = Math.log2(scale)
  const layers = spec.layers.filter(l => !l.id.endsWith(':count'))
  return { ...spec, layers: layers.map(l => moved(l, shift, leastText)) }
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
