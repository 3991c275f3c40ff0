import { describe, expect, test } from 'vitest'
import type { LiveFeature } from '../live'
import { ageText, clockText } from './age'
import { reloadReason } from './guards'
import { latestIncidents } from './incidents'
import { barPosition, gaugeLevel, reservoirLevel, worstLevels } from './levels'
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

describe('incidents', () => {
  const i = (id: string, minute: number, status = 'new') =>
    f(id, { title: id, status, reported_at: `2026-07-01T00:0${minute}:00Z` })

  test('the newest open reports come first and closed ones fill up', () => {
    const got = latestIncidents([i('a', 1), i('b', 5, 'closed'), i('c', 3), i('d', 2, 'closed')], 3)
    expect(got.map(x => x.id)).toEqual(['b', 'c', 'a'])
    expect(latestIncidents([i('a', 1), i('b', 5, 'closed'), i('c', 3)], 2).map(x => x.id)).toEqual(['c', 'a'])
  })
})

describe('time', () => {
  test('ages are rounded down to one unit', () => {
    expect([20, 61, 7300, 90_000, 40 * 86_400, 800 * 86_400].map(ageText)).toEqual([
      '刚刚',
      '1 分钟',
      '2 小时',
      '1 天',
      '1 个月',
      '2 年',
    ])
  })

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
