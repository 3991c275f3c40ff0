import { describe, expect, it } from 'vitest'
import type { Entry } from '../api'
import { dictionary } from '../i18n'
import { boundsOf } from './geometry'
import { classLabel, featureName, formatValue } from './values'

const zh = dictionary('zh')
const en = dictionary('en')

function entry(display: Entry['layer']['display']): Entry {
  return {
    layer: {
      id: 'gauges',
      title: { zh: '水位站' },
      department: { id: 'water', name: { zh: '水利厅' }, level: 'region', division: '450000', kind: 'government' },
      themes: [],
      sharing: 'conditional',
      open: false,
      updateCycle: 'realtime',
      geometry: 'Point',
      schema: [
        { name: 'name', type: 'string', role: 'name' },
        { name: 'name_en', type: 'string', role: 'name_en' },
        { name: 'level_m', type: 'number', unit: 'm' },
        {
          name: 'status',
          type: 'string',
          enum: [{ value: 'warn', title: { zh: '超警戒', en: 'Over the warning mark' } }],
        },
      ],
      display,
    },
    status: { count: 3, updated: null, freshness: 'fresh', ageSeconds: 0 },
    tilesMaxZoom: 14,
  }
}

describe('A value', () => {
  it('reads with its unit, by its title, in Beijing time', () => {
    expect(formatValue({ name: 'a', type: 'number', unit: 'm' }, 12.5, 'zh', zh)).toBe('12.5 m')
    expect(formatValue({ name: 'a', type: 'integer', unit: '人' }, 1200, 'en', en)).toBe('1,200')
    expect(formatValue({ name: 'a', type: 'boolean' }, false, 'zh', zh)).toBe('否')
    expect(formatValue({ name: 'a', type: 'datetime' }, '2026-07-01T00:00:00Z', 'zh', zh)).toBe('2026/07/01 08:00:00')
    expect(formatValue({ name: 'a', type: 'date' }, '2009-03-05', 'zh', zh)).toBe('2009年3月5日')
    expect(formatValue({ name: 'a', type: 'string' }, null, 'zh', zh)).toBe('—')
    const status = entry({}).layer.schema[3]
    expect(status && formatValue(status, 'warn', 'en', en)).toBe('Over the warning mark')
  })
})

describe('A class', () => {
  const stepped = entry({
    colorBy: 'level_m',
    classes: [
      { min: 80, color: 'red', label: { zh: '超保证' } },
      { color: 'blue', label: { zh: '正常' } },
      { min: 75, color: 'orange' },
    ],
  })
  it('is called by its label, else by the value’s title, else by its bound', () => {
    expect(classLabel(stepped, { color: 'red', label: { zh: '超保证' } }, 'zh', zh)).toBe('超保证')
    expect(classLabel(stepped, { color: 'orange', min: 75 }, 'zh', zh)).toBe('75 m 及以上')
    expect(classLabel(entry({ colorBy: 'status' }), { color: 'orange', value: 'warn' }, 'zh', zh)).toBe('超警戒')
  })
})

describe('A feature', () => {
  it('is called by its name in the language, else by the other, else by its id', () => {
    const e = entry({})
    expect(featureName(e, { name: '示例站', name_en: 'Sample' }, 'x', 'zh')).toBe('示例站')
    expect(featureName(e, { name: '示例站', name_en: 'Sample' }, 'x', 'en')).toBe('Sample')
    expect(featureName(e, { name: '示例站' }, 'x', 'en')).toBe('示例站')
    expect(featureName(e, {}, 'x', 'en')).toBe('x')
    expect(featureName(undefined, {}, 'x', 'zh')).toBe('x')
  })

  it('has bounds if it lies anywhere', () => {
    expect(boundsOf({ type: 'Point', coordinates: [108, 23] })).toEqual([108, 23, 108, 23])
    const collection = { type: 'GeometryCollection' as const, geometries: [] }
    expect(boundsOf(collection)).toBeNull()
  })
})
