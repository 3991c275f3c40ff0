import { describe, expect, test } from 'vitest'
import type { Entry } from '../api'
import type { LiveFeature } from '../live'
import type { MapSpec } from '../style'
import { shortTitle } from './catalogue'
import { columnsOf, type PanelData } from './charts'
import { clockText } from './clock'
import { reloadReason } from './guards'
import { incident, latestIncidents } from './incidents'
import { emphasised, type Look, legible, lookOf } from './legible'
import { barPosition, gaugeLevel, reservoirLevel, worstLevels } from './levels'
import { wallTheme } from './theme'
import { wander } from './wander'

const f = (id: string, properties: Record<string, unknown>): LiveFeature => ({
  type: 'Feature',
  id,
  geometry: { type: 'Point', coordinates: [108, 23] },
  properties,
  onemap: { num: 1, version: 1, updated: '2026-07-01T00:00:00Z' },
})

describe('levels', () => {
  const gauge = (id: string, level: unknown) => gaugeLevel(f(id, { level_m: level, warn_m: 10, danger_m: 12 }), id)

  test('a gauge is in danger from its danger mark on, and says by how much', () => {
    expect(gauge('a', 12.5)).toMatchObject({ severity: 'danger', over: 0.5, at: [108, 23] })
    expect(gauge('a', 12)).toMatchObject({ severity: 'danger', over: 0 })
    expect(gauge('a', 11)).toMatchObject({ severity: 'warn', over: 1 })
    expect(gauge('a', 9)).toMatchObject({ severity: 'normal', over: -1 })
  })

  test('a gauge without a level is not shown', () => {
    expect(gauge('a', null)).toBeNull()
  })

  test('the worst come first and equal ones keep their order', () => {
    const all = [gauge('c', 9), gauge('b', 11), gauge('a', 11), gauge('d', 12.1)]
    expect(worstLevels(all as never, 3).map(l => l.id)).toEqual(['d', 'a', 'b'])
  })

  test('the marks lie at the same place of every bar', () => {
    expect(barPosition(gauge('a', 10) as never)).toBeCloseTo(0.6)
    expect(barPosition(gauge('a', 12) as never)).toBeCloseTo(0.85)
    expect(barPosition(gauge('a', 99) as never)).toBe(1)
  })

  test('a reservoir over its flood limit is a warning', () => {
    expect(reservoirLevel(f('r', { level_m: 81.2, limit_m: 80 }), 'r')).toMatchObject({ severity: 'warn' })
  })
})

const hotline: Entry = {
  layer: {
    id: 'hotline-incidents',
    title: { zh: '热线事件（演练）' },
    department: { id: 'd', name: { zh: '部门' }, level: 'region', division: '450000', kind: 'government' },
    themes: [],
    sharing: 'conditional',
    open: false,
    updateCycle: 'realtime',
    geometry: 'Point',
    schema: [
      { name: 'title', type: 'string', role: 'name' },
      {
        name: 'status',
        type: 'string',
        role: 'status',
        enum: ['new', 'working', 'closed'].map(value => ({ value, title: { zh: `状态${value}` } })),
      },
      { name: 'reported_at', type: 'datetime', role: 'time' },
    ],
    display: {
      color: 'grey',
      colorBy: 'status',
      classes: [{ value: 'new', color: 'orange', label: { zh: '新' } }],
    },
  },
  status: { count: 4, updated: null, freshness: 'fresh', ageSeconds: 0 },
  tilesMaxZoom: 14,
}

describe('incidents', () => {
  const i = (id: string, minute: number, status = 'new') =>
    f(id, { title: id, status, reported_at: `2026-07-01T00:0${minute}:00Z` })

  test('the newest open reports come first and closed ones fill up', () => {
    const rows = [i('a', 1), i('b', 5, 'closed'), i('c', 3), i('d', 2, 'closed')]
    expect(latestIncidents(hotline, rows, 3).map(x => x.id)).toEqual(['b', 'c', 'a'])
    expect(latestIncidents(hotline, rows.slice(0, 3), 2).map(x => x.id)).toEqual(['c', 'a'])
  })

  test('an incident is written in the words of the schema and in the colour of the map', () => {
    expect(incident(hotline, i('a', 1))).toMatchObject({
      title: 'a',
      statusTitle: '状态new',
      progress: 0,
      colour: wallTheme.palette.orange,
    })
    expect(incident(hotline, i('a', 1, 'working')).progress).toBe(0.5)
    expect(shortTitle(hotline)).toBe('热线事件')
  })
})

describe('charts', () => {
  const panel = (rows: number): PanelData => ({
    kind: 'bars',
    title: '',
    note: '',
    max: 0,
    bars: Array.from({ length: rows }, (_, k) => ({ id: String(k), name: '', value: 1, text: '', colour: '' })),
  })

  test('panels fill columns in order and none is cut', () => {
    const sizes = (heights: number[], room: number) => columnsOf(heights.map(panel), room).map(c => c.length)
    expect(sizes([6, 4, 4, 4], 750)).toEqual([2, 2])
    expect(sizes([7, 5], 750)).toEqual([2])
    expect(sizes([4], 740)).toEqual([1])
    expect(sizes([20, 1], 740)).toEqual([1, 1])
    expect(sizes([], 740)).toEqual([])
  })
})

describe('the style at eight metres', () => {
  const spec: MapSpec = {
    sources: {},
    pickable: [],
    areas: [],
    layers: [
      {
        id: 'halls:circle',
        type: 'circle',
        source: 's',
        minzoom: 6,
        paint: { 'circle-radius': ['interpolate', ['linear'], ['zoom'], 5, 4, 9, ['*', 8, 2]] },
      },
      { id: 'halls:glyph', type: 'symbol', source: 's' },
      {
        id: 'names:city',
        type: 'symbol',
        source: 's',
        layout: { 'text-size': ['interpolate', ['linear'], ['zoom'], 5, 20, 9, 40] },
      },
    ],
  }

  test('everything that depends on the zoom moves with the scale, and no text is too small', () => {
    const [circle, , names] = legible(spec, 4, 28).layers as { minzoom?: number; paint: object; layout: object }[]
    expect(circle?.minzoom).toBe(8)
    expect(circle?.paint).toEqual({ 'circle-radius': ['interpolate', ['linear'], ['zoom'], 7, 4, 11, ['*', 8, 2]] })
    expect(names?.layout).toEqual({ 'text-size': ['interpolate', ['linear'], ['zoom'], 7, 28, 11, 40] })
  })

  test('numbers that the least text is too large for are left out', () => {
    const count = { id: 'halls:count', type: 'symbol' as const, source: 's' }
    const { layers } = legible({ ...spec, layers: [...spec.layers, count] }, 4, 28)
    expect(layers.map(l => l.id)).toEqual(spec.layers.map(l => l.id))
  })

  test('what the scene is about is larger, and its context has no symbols', () => {
    const radius = (size: number) => ['interpolate', ['linear'], ['zoom'], 5, 4 * size, 9, ['*', size, ['*', 8, 2]]]
    const paint = (look: Look) =>
      emphasised(spec, new Map([['halls', look]])).layers.map(l => (l as { paint?: object }).paint)
    expect(paint({ size: 2, icons: 'own' })[0]).toEqual({ 'circle-radius': radius(2) })
    expect(paint({ size: 0.5, icons: 'none' })).toHaveLength(2)
    const glyph = emphasised(spec, new Map([['halls', { size: 2, icons: 'always' }]])).layers[1]
    expect(glyph).toMatchObject({ id: 'halls:glyph', minzoom: 0, paint: { 'icon-opacity': 1 } })
  })

  test('only what worries is named, and few features carry their symbols', () => {
    expect(lookOf({ id: 'h', opacity: 1, style: { emphasis: 'focus' } }, hotline)).toEqual({
      size: 1.8,
      icons: 'always',
      named: { attribute: 'status', values: ['new'] },
    })
    expect(lookOf({ id: 'h', opacity: 1, style: { emphasis: 'context' } }, hotline)).toMatchObject({ icons: 'none' })
  })
})

describe('time', () => {
  test('the clock is Beijing time wherever the machine thinks it is', () => {
    expect(clockText(Date.parse('2026-06-30T16:00:05Z'))).toEqual({
      date: '2026年7月1日',
      weekday: '星期三',
      time: '00:00:05',
    })
  })

  test('the chrome wanders a few pixels and comes everywhere', () => {
    const xs = new Set<number>()
    for (let m = 0; m < 24 * 60; m++) {
      const { x, y } = wander(m * 60_000)
      expect(Math.max(Math.abs(x), Math.abs(y))).toBeLessThanOrEqual(5)
      xs.add(x)
    }
    expect(xs.size).toBe(11)
  })
})

describe('guards', () => {
  const healthy = { ownBuild: 'a', serverBuild: 'a', heap: 2e8, uptime: 1e6 }

  test('a new build or a grown heap reloads the page, a young page never', () => {
    expect(reloadReason(healthy)).toBeNull()
    expect(reloadReason({ ...healthy, serverBuild: 'b' })).toBe('build')
    expect(reloadReason({ ...healthy, heap: 2e9 })).toBe('heap')
    expect(reloadReason({ ...healthy, serverBuild: 'b', uptime: 5000 })).toBeNull()
  })
})
