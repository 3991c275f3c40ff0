import type { Feature, Point } from 'geojson'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Motion } from './motion'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A map that needs so long to draw, and what it was given. */
function stage(cost: number, still = false) {
  const drawn: number[] = []
  const motion = new Motion({
    draw: (_, features) => {
      for (const f of features) drawn.push(...(f.geometry as Point).coordinates.slice(0, 1))
      setTimeout(() => motion.drawn(), cost)
    },
    distance: (a, b) => 100 * Math.abs(a[0] - b[0]),
    reach: () => 300,
    still: () => still,
  })
  const set = (lon: number) => {
    const feature: Feature = {
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [lon, 23] },
      properties: { _id: 'a' },
    }
    motion.set('live:vehicles', [feature])
  }
  return { motion, drawn, set }
}

describe('A map that draws fast', () => {
  it('draws what moves on its way, at the end where it is, and then nothing', () => {
    const { drawn, set } = stage(20)
    set(108)
    vi.advanceTimersByTime(1000)
    expect(drawn).toEqual([108])
    set(109)
    vi.advanceTimersByTime(10_000)
    expect(drawn.length).toBeGreaterThan(10)
    expect(drawn).toEqual([...drawn].sort((a, b) => a - b))
    expect(drawn.at(-1)).toBe(109)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('says where something is drawn', () => {
    const { motion, set } = stage(20)
    set(108)
    vi.advanceTimersByTime(1000)
    set(109)
    vi.advanceTimersByTime(500)
    expect(motion.where('live:vehicles', 'a')).toEqual([108.5, 23])
    expect(motion.where('live:vehicles', 'b')).toBeNull()
  })

  it('draws no way for a reader who wants no motion, and none after the end', () => {
    const calm = stage(20, true)
    calm.set(108)
    vi.advanceTimersByTime(1000)
    calm.set(109)
    vi.advanceTimersByTime(5000)
    expect(calm.drawn).toEqual([108, 109])
    const over = stage(20)
    over.set(108)
    vi.advanceTimersByTime(1000)
    over.set(109)
    over.motion.stop()
    vi.advanceTimersByTime(5000)
    expect(over.drawn).toEqual([108, 108])
  })
})

describe('A map that draws slowly', () => {
  it('shows jumps, and each of them once', () => {
    const { drawn, set } = stage(120)
    for (const lon of [108, 109, 110]) {
      set(lon)
      vi.advanceTimersByTime(1000)
    }
    expect(drawn).toEqual([108, 109, 110])
    expect(vi.getTimerCount()).toBe(0)
  })
})
