import { createExpression } from '@maplibre/maplibre-gl-style-spec'
import { describe, expect, it } from 'vitest'
import type { DisplayClass, Entry } from '../api'
import { below, byMajority, countText, growth, ifAlarm, mergedOnly, ownOnly, unlessMerged } from './clusters'

const classes: DisplayClass[] = [
  { value: 'normal', color: 'green', label: { zh: '正常' } },
  { value: 'danger', color: 'red', label: { zh: '超危险水位' } },
]
const entry = { layer: { display: { colorBy: 'status', classes } } } as unknown as Entry

/** What MapLibre makes of an expression for a feature with these properties. */
function evaluate(expression: unknown, properties: Record<string, unknown>): unknown {
  const parsed = createExpression(expression, 'layers[0].paint')
  if (parsed.result !== 'success') throw new Error(JSON.stringify(parsed.value))
  return parsed.value.evaluate({ zoom: 7 }, { type: 1, properties } as never)
}

describe('what a tile has merged', () => {
  const color = byMajority(entry, c => c.color, 'grey')

  it('has the colour of most of it, and of the graver where two are as many', () => {
    expect(evaluate(color, { point_count: 9, 'class:0': 7, 'class:1': 2 })).toBe('green')
    expect(evaluate(color, { point_count: 9, 'class:1': 5, 'class:0': 4 })).toBe('red')
    expect(evaluate(color, { point_count: 8, 'class:0': 4, 'class:1': 4 })).toBe('red')
    expect(evaluate(color, { point_count: 8, 'class:0': 3, 'class:other': 5 })).toBe('grey')
  })

  it('shows an alarm among many that are none', () => {
    const ring = ifAlarm(entry, 'red', 'white')
    expect(evaluate(ring, { point_count: 900, 'class:0': 899, 'class:1': 1 })).toBe('red')
    expect(evaluate(ring, { point_count: 900, 'class:0': 900 })).toBe('white')
  })

  it('is larger the more it is, never more than three times as large, and twice where it is no dot', () => {
    const of = (n: number, zoom = 6) => evaluate(growth(zoom), { point_count: n }) as number
    expect(of(1)).toBe(1)
    expect(of(10)).toBeGreaterThan(of(2))
    expect(of(1e6)).toBe(3)
    expect(of(1e6, 13)).toBe(2)
    expect(evaluate(growth(6), {})).toBe(1)
  })

  it('says how many it is, in few characters', () => {
    const zh = (n: number) => evaluate(countText('zh'), { point_count: n })
    const en = (n: number) => evaluate(countText('en'), { point_count: n })
    expect([2, 999, 3000, 12_340, 250_000].map(zh)).toEqual(['2', '999', '3000', '1.2万', '25万'])
    expect([2, 999, 3000, 12_340, 250_000].map(en)).toEqual(['2', '999', '3k', '12.3k', '250k'])
  })

  it('lies below the small and the single, but not with an alarm', () => {
    const key = (p: Record<string, unknown>) => evaluate(unlessMerged(0, below(entry)), p) as number
    expect(key({ point_count: 900, 'class:0': 900 })).toBeLessThan(key({ point_count: 2, 'class:0': 2 }))
    expect(key({ point_count: 2, 'class:0': 2 })).toBeLessThan(key({ _id: 'a' }))
    expect(key({ point_count: 900, 'class:0': 899, 'class:1': 1 })).toBe(key({ _id: 'a' }))
  })

  it('is told from a feature of its own by the id', () => {
    const value = unlessMerged('own', 'merged')
    expect(evaluate(value, { _id: 'a' })).toBe('own')
    expect(evaluate(value, { _id: 'a', point_count: 0 })).toBe('own')
    expect(evaluate(value, { point_count: 12 })).toBe('merged')
    expect(evaluate(ownOnly, { point_count: 12 })).toBe(false)
    expect(evaluate(mergedOnly, { point_count: 12 })).toBe(true)
  })
})
