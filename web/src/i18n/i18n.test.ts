import { describe, expect, it } from 'vitest'
import { en } from './en'
import { formatAge, formatNumber, formatTime, textIn } from './index'
import { zh } from './zh'

function leaves(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]]
  return Object.entries(value).flatMap(([key, child]) => leaves(child, path ? `${path}.${key}` : key))
}

describe('The dictionaries', () => {
  it('have the same words in both languages, none of them empty', () => {
    const chinese = leaves(zh)
    const english = new Map(leaves(en))
    expect([...english.keys()].sort()).toEqual(chinese.map(([path]) => path).sort())
    for (const [path, value] of [...chinese, ...english]) {
      if (!/^divisionLevel\.0$/.test(path)) expect(value, path).toBeTruthy()
    }
  })

  it('take the same number of arguments in both languages', () => {
    const english = new Map(leaves(en))
    for (const [path, value] of leaves(zh)) {
      if (typeof value === 'function') expect((english.get(path) as () => string).length, path).toBe(value.length)
    }
  })

  it('leave no Chinese in the English words but the name of the language', () => {
    for (const [path, value] of leaves(en)) {
      const word = typeof value === 'function' ? String((value as (n: unknown) => string)(2)) : String(value)
      if (!/^otherLanguage/.test(path)) expect(word, path).not.toMatch(/\p{Script=Han}/u)
    }
  })
})

describe('Values', () => {
  it('are written as a reader of the language expects', () => {
    expect(formatNumber('zh', 50126804, '人')).toBe('50,126,804 人')
    expect(formatNumber('zh', 12.34567, '%')).toBe('12.346%')
    expect(formatTime('zh', '2026-07-01T00:00:00Z')).toBe('2026/07/01 08:00:00')
    expect(formatTime('en', 'no time')).toBe('')
    expect(textIn('en', { zh: '医院' })).toBe('医院')
    expect(textIn('en', { zh: '医院', en: 'Hospitals' })).toBe('Hospitals')
  })

  it('give an age in the largest unit that fits', () => {
    const cases: [number, string][] = [
      [-3, '0 秒'],
      [59, '59 秒'],
      [61, '1 分钟'],
      [3600, '1 小时'],
      [47 * 3600, '47 小时'],
      [48 * 3600, '2 天'],
      [70 * 86400, '2 个月'],
      [3 * 365.25 * 86400, '3 年'],
    ]
    for (const [seconds, text] of cases) expect(formatAge('zh', seconds)).toBe(text)
  })
})
