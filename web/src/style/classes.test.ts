import { createExpression } from '@maplibre/maplibre-gl-style-spec'
import { describe, expect, it } from 'vitest'
import type { DisplayClass, Entry } from '../api'
import { byClass, classOf } from './classes'

const c = (color: string, rule: Partial<DisplayClass> = {}): DisplayClass => ({ color, ...rule })

// The server's test has the same values: tiles/format_test.go.
const cases: [string, DisplayClass[], [unknown, string][]][] = [
  [
    'below the first range is the first',
    [c('blue', { min: 60 }), c('red', { min: 80 })],
    [
      [-5, 'blue'],
      [59.9, 'blue'],
      [60, 'blue'],
      [79.9, 'blue'],
      [80, 'red'],
      [95, 'red'],
    ],
  ],
  [
    'a range without a beginning has all below the next',
    [c('blue'), c('red', { min: 20 })],
    [
      [-5, 'blue'],
      [19, 'blue'],
      [20, 'red'],
    ],
  ],
  [
    'ranges may come in any order',
    [c('red', { min: 80 }), c('blue', { min: 60 })],
    [
      [5, 'blue'],
      [70, 'blue'],
      [80, 'red'],
    ],
  ],
  [
    'a value of its own comes before a range',
    [c('blue', { min: 0 }), c('red', { value: 7 })],
    [
      [7, 'red'],
      [6, 'blue'],
      [-1, 'blue'],
    ],
  ],
  [
    'without ranges other numbers are in none',
    [c('red', { value: 7 })],
    [
      [7, 'red'],
      [6, 'none'],
    ],
  ],
  ['what is missing is in none', [c('blue'), c('red', { min: 20 })], [[null, 'none']]],
]

describe('A feature’s class', () => {
  for (const [rule, classes, values] of cases) {
    it(`${rule}, on the map and in panels`, () => {
      const entry = { layer: { display: { colorBy: 'level', classes } } } as unknown as Entry
      const parsed = createExpression(
        byClass('level', classes, k => k.color, 'none'),
        'layers[0].paint',
      )
      if (parsed.result !== 'success') throw new Error(JSON.stringify(parsed.value))
      for (const [level, color] of values) {
        const drawn = parsed.value.evaluate({ zoom: 7 }, { type: 1, properties: { level } } as never)
        expect([level, drawn]).toEqual([level, color])
        expect([level, classOf(entry, { level })?.color ?? 'none']).toEqual([level, color])
      }
    })
  }
})
