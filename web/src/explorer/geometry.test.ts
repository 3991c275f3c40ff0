import { expect, test } from 'vitest'
import { around } from './geometry'

test('what is around a place is a square of pixels on the map', () => {
  const [west, south, east, north] = around([108, 60], 0, 128) // half of the world is 256 pixels wide
  expect([west, east]).toEqual([18, 198])
  expect(north - 60).toBeCloseTo(45) // half as many degrees where a degree is drawn twice as high
  expect(60 - south).toBeCloseTo(45)
  const [west18, , east18] = around([108, 0], 18, 8)
  expect(east18 - west18).toBeCloseTo((16 * 360) / (512 * 2 ** 18))
})
