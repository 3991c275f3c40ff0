import { createExpression, validateStyleMin } from '@maplibre/maplibre-gl-style-spec'
import { describe, expect, it } from 'vitest'
import type { BBox, Display, Entry, Freshness } from '../api'
import { type ComposeInput, compose } from './compose'
import { canBeDense, type Density, densityColors, gridBreaks } from './density'
import { themes } from './theme'

const bounds: BBox = [104, 20, 112.5, 26.8]

function entry(count: number, display: Display = {}, geometry = 'Point', freshness: Freshness = 'fresh'): Entry {
  const schema = [{ name: 'name', type: 'string', role: 'name' }]
  return { layer: { id: 'shops', geometry, display, schema, themes: [] }, status: { count, freshness } } as never
}

function drawn(e: Entry, density?: Density, more: Partial<ComposeInput> = {}) {
  return compose({
    entries: [e],
    shown: [{ id: 'shops', opacity: 1, ...(density ? { density } : {}) }],
    theme: themes.night,
    lang: 'zh',
    scale: 1,
    origin: 'http://x',
    bounds,
    ...more,
  })
}

/** What MapLibre makes of a paint property. */
function paint(spec: ReturnType<typeof drawn>, layer: string, name: string) {
  const value = (spec.layers.find(l => l.id === layer)?.paint as Record<string, unknown> | undefined)?.[name]
  const parsed = createExpression(value, 'layers[0].paint')
  if (parsed.result !== 'success') throw new Error(JSON.stringify(parsed.value))
  return (zoom: number, properties: Record<string, unknown> = {}) =>
    parsed.value.evaluate({ zoom }, { type: 3, properties } as never)
}

describe('A layer that is drawn as a surface', () => {
  it('comes in cells, has neither points nor names, and is a valid style in both themes', () => {
    for (const density of ['heat', 'grid'] as const) {
      for (const theme of [themes.night, themes.day]) {
        const { layers, sources } = drawn(entry(52_000, { minZoom: 8.5 }), density, { theme })
        const source = sources['tiles:shops'] as { tiles: string[]; minzoom: number }
        expect(source.tiles).toEqual([
          `http://x/tiles/shops/{z}/{x}/{y}?agg=${density}&cell=${density === 'heat' ? 64 : 32}`,
        ])
        expect(source.minzoom).toBe(0) // seen from afar most of all
        expect(layers.filter(l => l.id.startsWith('shops:')).map(l => l.id)).toEqual([
          density === 'heat' ? 'shops:heat' : 'shops:cell',
        ])
        expect(validateStyleMin({ version: 8, sources, layers, glyphs: 'x/{fontstack}/{range}' } as never)).toEqual([])
      }
    }
    expect(drawn(entry(10)).sources['tiles:shops']).toMatchObject({ tiles: ['http://x/tiles/shops/{z}/{x}/{y}'] })
  })

  it('can be pressed on where it has squares', () => {
    expect(drawn(entry(10), 'grid').pickable).toEqual(['shops:cell'])
    expect(drawn(entry(10), 'heat').pickable).toEqual([])
  })

  it('is one of points alone that are not live', () => {
    expect(canBeDense(entry(1))).toBe(true)
    expect(canBeDense(entry(1, { live: true }))).toBe(false)
    expect(canBeDense(entry(1, {}, 'MultiPolygon'))).toBe(false)
    expect(canBeDense(entry(1, {}, 'Geometry'))).toBe(false)
    expect(drawn(entry(1, {}, 'MultiPolygon'), 'heat').layers.map(l => l.id)).toContain('shops:fill')
  })

  it('colours a square by the class that the legend names at the zoom', () => {
    for (const count of [500, 20_000, 1_000_000]) {
      for (const scale of [1, 2]) {
        const e = entry(count)
        const color = paint(drawn(e, 'grid', { scale }), 'shops:cell', 'fill-color')
        const colors = densityColors({ entry: e, theme: themes.night })
        for (const zoom of [0, 5.9, 7, 9.5, 14, 17]) {
          const starts = [1, ...gridBreaks({ entry: e, bounds, scale }, zoom)]
          expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b))
          expect(starts.length).toBe(colors.length)
          const shown = starts.map(n => String(color(zoom, { point_count: n })))
          expect(new Set(shown).size).toBe(colors.length)
          for (const [i, start] of starts.slice(1).entries()) {
            expect(String(color(zoom, { point_count: start - 1 }))).toBe(shown[i])
          }
        }
      }
    }
  })

  it('has smaller classes where squares are smaller', () => {
    const last = (count: number, zoom: number, scale = 1) => gridBreaks({ entry: entry(count), bounds, scale }, zoom)[5]
    expect([5, 7, 8, 10, 14, 18].map(zoom => last(52_000, zoom))).toEqual([3000, 1000, 100, 50, 50, 50])
    expect(last(4 * 52_000, 8)).toBe(last(52_000, 7))
    expect(last(52_000, 8, 2)).toBe(last(52_000, 7)) // a wall's squares have twice the side
  })

  it('is as warm with many features as with few where a map shows them all, and never hides single ones nearby', () => {
    const at = (count: number, scale = 1) =>
      paint(drawn(entry(count), 'heat', { scale }), 'shops:heat', 'heatmap-intensity')
    expect(Number(at(10_000)(6)) * 10_000).toBeCloseTo(Number(at(1_000_000)(6)) * 1_000_000, 6)
    for (const count of [0, 1, 400, 52_000, 10_000_000]) {
      expect(Number(at(count)(22))).toBeCloseTo(0.5)
      const zooms = [0, 3, 6, 9, 12, 15].map(z => Number(at(count)(z)))
      expect(zooms).toEqual([...zooms].sort((a, b) => a - b))
    }
    const worldwide = drawn(entry(1), 'heat', { bounds: [-180, -85, 180, 85] })
    expect(Number(paint(worldwide, 'shops:heat', 'heatmap-intensity')(0))).toBeLessThanOrEqual(0.5)
    // A wall of twice the pixels shows the same map one zoom nearer.
    expect(Number(at(52_000, 2)(7))).toBeCloseTo(Number(at(52_000)(6)))
  })

  it('fades when its data are late, and stays a scale', () => {
    const late = densityColors({ entry: entry(1, {}, 'Point', 'late'), theme: themes.night })
    const lost = densityColors({ entry: entry(1, {}, 'Point', 'lost'), theme: themes.night })
    expect(late).not.toEqual(densityColors({ entry: entry(1), theme: themes.night }))
    expect(new Set(lost).size).toBe(7)
  })
})
