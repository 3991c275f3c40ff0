import { validateStyleMin } from '@maplibre/maplibre-gl-style-spec'
import { describe, expect, it } from 'vitest'
import type { Display, Entry, Freshness, GeometryType } from '../api'
import { naturalBreaks } from './breaks'
import { type ComposeInput, compose, layerOfStyle, sourceOf } from './compose'
import { classColor } from './data'
import { mix, paletteNames, rampColors, themes } from './theme'

function entry(id: string, geometry: GeometryType, display: Display = {}, freshness: Freshness = 'fresh'): Entry {
  return {
    layer: {
      id,
      title: { zh: id },
      department: { id: 'd', name: { zh: '示例局' }, level: 'region', division: '450000', kind: 'government' },
      themes: [],
      sharing: 'unconditional',
      open: true,
      updateCycle: 'daily',
      geometry,
      schema: [
        { name: 'name', type: 'string', role: 'name' },
        { name: 'name_en', type: 'string', role: 'name_en' },
      ],
      display,
    },
    status: { count: 120, updated: '2026-07-01T00:00:00Z', freshness, ageSeconds: 10 },
    tilesMaxZoom: 14,
  }
}

const levels = [
  { value: 'normal', color: 'green', label: { zh: '正常' } },
  { value: 'danger', color: 'red', label: { zh: '超危险水位' } },
]
const entries = [
  entry('region-outline', 'Polygon', { base: 'outline', order: 1 }),
  entry('divisions', 'MultiPolygon', { base: 'division', order: 2 }),
  entry('townships', 'Polygon', { base: 'township', order: 3 }),
  entry('rivers', 'LineString', { base: 'river', order: 4 }),
  entry('coast', 'LineString', { base: 'coast', order: 5 }),
  entry('place-names', 'Point', { base: 'label', order: 6 }),
  entry('hospitals', 'Point', { symbol: 'hospital', color: 'blue', sizeBy: 'beds' }),
  entry('river-gauges', 'Point', { symbol: 'water', colorBy: 'status', classes: levels, live: true, order: 9 }),
  entry('vehicles', 'Point', { heading: 'heading', color: 'cyan', live: true, order: 8 }),
  entry('roads', 'LineString', { colorBy: 'status', classes: levels }),
  entry('zones', 'Polygon', {
    colorBy: 'depth',
    classes: [
      { color: 'amber', label: { zh: '浅' } },
      { min: 2, color: 'red', label: { zh: '深' } },
    ],
  }),
  entry('prices', 'Point', { color: 'amber', symbol: 'shop' }, 'zombie'),
  entry('index', 'Polygon', { color: 'purple' }, 'lost'),
  entry('enterprises', 'Point', { minZoom: 8.5 }),
]
const all: ComposeInput = {
  entries,
  shown: entries.map(e => ({ id: e.layer.id, opacity: 0.7 })),
  theme: themes.night,
  lang: 'zh',
  scale: 1,
  origin: 'http://localhost:8080',
  bounds: [103.5, 20.2, 113, 27],
  choropleth: { layer: 'divisions', attribute: 'population_2020', level: 2, breaks: [2e6, 4e6] },
}

describe('The composed style', () => {
  it('is valid in every theme, language and size', () => {
    for (const theme of Object.values(themes)) {
      for (const lang of ['zh', 'en'] as const) {
        for (const scale of [1, 2.4]) {
          const { sources, layers } = compose({ ...all, theme, lang, scale })
          const errors = validateStyleMin({
            version: 8,
            sources,
            layers,
            glyphs: 'http://x/{fontstack}/{range}',
          } as never)
          expect(errors.map(e => e.message)).toEqual([])
        }
      }
    }
  })

  it('has no layer twice and names the data layer in each id', () => {
    const { layers, pickable } = compose(all)
    expect(new Set(layers.map(l => l.id)).size).toBe(layers.length)
    for (const id of pickable) expect(entries.map(e => e.layer.id)).toContain(layerOfStyle(id))
  })

  it('draws polygons below lines below points below names, and city names last of all', () => {
    const ids = compose(all).layers.map(l => l.id)
    const order = [
      'choropleth:fill',
      'divisions:city',
      'zones:fill',
      'roads:line',
      'hospitals:circle',
      'hospitals:label',
    ]
    const at = order.map(id => ids.indexOf(id))
    expect(at).not.toContain(-1)
    expect(at).toEqual([...at].sort((a, b) => a - b))
    expect(ids.at(-1)).toBe('place-names:city')
    expect(ids.indexOf('vehicles:heading')).toBeLessThan(ids.indexOf('river-gauges:circle'))
  })

  it('draws live layers from features, all others from tiles of this server', () => {
    const { sources } = compose(all)
    expect(sources['live:vehicles']?.type).toBe('geojson')
    expect(sources['tiles:hospitals']).toMatchObject({ tiles: ['http://localhost:8080/tiles/hospitals/{z}/{x}/{y}'] })
    expect(sources.base).toMatchObject({
      tiles: ['http://localhost:8080/tiles/region-outline,divisions,townships,rivers,coast,place-names/{z}/{x}/{y}'],
    })
    expect(entries.map(sourceOf).filter(s => !sources[s])).toEqual([])
    for (const text of JSON.stringify(sources).match(/https?:\/\/[^/"]+/g) ?? [])
      expect(text).toBe('http://localhost:8080')
  })

  it('asks for tiles as deep as a layer has any, and for the base map as deep as one of its layers has', () => {
    const deep: Record<string, number> = { hospitals: 17, coast: 16 }
    const { sources } = compose({
      ...all,
      entries: entries.map(e => ({ ...e, tilesMaxZoom: deep[e.layer.id] ?? 14 })),
    })
    expect(sources['tiles:hospitals']).toMatchObject({ maxzoom: 17 })
    expect(sources['tiles:roads']).toMatchObject({ maxzoom: 14 })
    expect(sources.base).toMatchObject({ maxzoom: 16 })
  })

  it('keeps the first zoom that a layer asks for', () => {
    const { layers, sources } = compose(all)
    const enterprises = layers.filter(l => l.id.startsWith('enterprises:'))
    expect(enterprises.length).toBeGreaterThan(0)
    for (const l of enterprises) expect(l.minzoom).toBeGreaterThanOrEqual(8.5)
    expect(sources['tiles:enterprises']).toMatchObject({ minzoom: 8 })
  })

  it('shows only what is on, and the base map in any case', () => {
    const ids = compose({ ...all, shown: [], choropleth: null }).layers.map(l => l.id)
    expect(ids.some(id => id.startsWith('hospitals'))).toBe(false)
    expect(ids).toContain('region-outline:land')
    expect(compose({ ...all, entries: [], shown: [{ id: 'gone', opacity: 1 }] }).pickable).toEqual([])
  })

  it('tells lost data by more than their colour', () => {
    const layers = new Map(compose(all).layers.map(l => [l.id, l]))
    expect(layers.get('index:fill')?.paint).toHaveProperty('fill-pattern')
    expect(layers.get('prices:circle')?.paint).toMatchObject({ 'circle-color': themes.night.land })
  })
})

describe('Colours', () => {
  it('exist for every name in every theme and differ', () => {
    for (const theme of Object.values(themes)) {
      const colors = paletteNames.map(n => theme.palette[n])
      expect(new Set(colors).size).toBe(paletteNames.length)
      for (const c of colors) expect(c).toMatch(/^#[0-9a-f]{6}$/)
    }
  })

  it('fade when the data are late', () => {
    const fresh = classColor(entry('a', 'Point'), themes.night, 'red')
    const late = classColor(entry('a', 'Point', {}, 'late'), themes.night, 'red')
    expect(fresh).toBe(themes.night.palette.red)
    expect(late).not.toBe(fresh)
    expect(classColor(entry('a', 'Point', {}, 'lost'), themes.night, 'red')).toBe(themes.night.stale)
    expect(mix('#000000', '#ffffff', 0.5)).toBe('#808080')
  })

  it('of a ramp run from end to end', () => {
    for (const theme of Object.values(themes)) {
      for (let n = 2; n <= 7; n++) {
        const colors = rampColors(theme, n)
        expect(new Set(colors).size).toBe(n)
        expect([colors[0], colors.at(-1)]).toEqual([theme.ramp[0], theme.ramp.at(-1)])
      }
    }
  })
})

describe('Class breaks', () => {
  it('fall into the gaps, at round numbers', () => {
    expect(naturalBreaks([1, 2, 3, 41, 42, 43, 97, 98, 99], 3)).toEqual([40, 50])
    const population = [
      8741584, 4157934, 4931137, 2820977, 1853227, 1046068, 3302238, 4316262, 5796766, 3571505, 2007858,
    ]
    const breaks = naturalBreaks(population, 5)
    expect(breaks).toHaveLength(4)
    for (const [i, b] of breaks.entries()) {
      expect(b).toBeGreaterThan(breaks[i - 1] ?? 0)
      expect(String(b).replace(/0+$/, '').length).toBeLessThanOrEqual(3)
    }
  })

  it('are fewer where the values are few', () => {
    expect(naturalBreaks([], 5)).toEqual([])
    expect(naturalBreaks([3, 3, 3], 5)).toEqual([])
    expect(naturalBreaks([1, 9], 5)).toHaveLength(1)
  })
})
