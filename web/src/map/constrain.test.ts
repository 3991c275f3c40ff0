import { describe, expect, it } from 'vitest'
import type { BBox } from '../api'
import { constrain, framing } from './constrain'

const bounds: BBox = [103.5, 20.2, 113, 27]
const padding = { top: 0, right: 0, bottom: 0, left: 0 }

describe('The camera', () => {
  it('may see the whole region in a window of any shape', () => {
    for (const [width, height] of [
      [1440, 900],
      [3840, 2160],
      [7680, 2160],
      [400, 800],
    ] as const) {
      const { center, zoom } = constrain([0, 0], 0, bounds, { width, height, padding })
      const world = 512 * 2 ** zoom
      expect((9.5 / 360) * world).toBeLessThanOrEqual(width + 1e-6)
      expect(center[0]).toBeCloseTo(108.25)
      expect(center[1]).toBeGreaterThan(23.5)
      expect(center[1]).toBeLessThan(23.8)
    }
  })

  it('is moved back when it leaves, and left alone while inside', () => {
    const view = { width: 1000, height: 800, padding }
    const inside = constrain([108.3, 23.1], 11, bounds, view)
    expect(inside.center[0]).toBeCloseTo(108.3)
    expect(inside.center[1]).toBeCloseTo(23.1)
    const outside = constrain([120, 10], 11, bounds, view)
    expect(outside.zoom).toBe(11)
    expect(outside.center[0]).toBeGreaterThan(112.5)
    expect(outside.center[0]).toBeLessThan(113)
    expect(outside.center[1]).toBeGreaterThan(20.2)
    expect(outside.center[1]).toBeLessThan(20.6)
  })

  it('counts only the part of the window that no panel covers', () => {
    const view = { width: 1440, height: 900, padding }
    const covered = { ...view, padding: { ...padding, left: 720 } }
    expect(constrain([108, 23], 0, bounds, covered).zoom).toBeLessThan(constrain([108, 23], 0, bounds, view).zoom)
  })

  it('fits bounds into the uncovered part, whatever shape it has', () => {
    const box: BBox = [107, 22, 109, 24]
    const narrow = framing(box, { width: 1440, height: 900, padding: { ...padding, left: 700 } }, 20)
    const wide = framing(box, { width: 1440, height: 900, padding }, 20)
    expect((2 / 360) * 512 * 2 ** narrow.zoom).toBeCloseTo(700)
    expect(wide.zoom).toBeGreaterThan(narrow.zoom)
    expect(wide.center[0]).toBeCloseTo(108)
    expect(wide.center[1]).toBeGreaterThan(23)
    expect(framing([108, 23, 108, 23], { width: 1440, height: 900, padding }, 20).zoom).toBeGreaterThan(20)
  })
})
