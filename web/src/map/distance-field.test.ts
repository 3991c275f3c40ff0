import { beforeAll, describe, expect, it } from 'vitest'
import { distanceField } from './distance-field'

beforeAll(() => {
  // Node has no canvas; only the shape of an ImageData is needed.
  globalThis.ImageData ??= class {
    readonly data: Uint8ClampedArray
    readonly width: number
    readonly height: number
    constructor(width: number, height: number) {
      this.width = width
      this.height = height
      this.data = new Uint8ClampedArray(4 * width * height)
    }
  } as unknown as typeof ImageData
})

describe('A distance field', () => {
  it('has its edge at three quarters and falls by an eighth a pixel', () => {
    const size = 40
    const image = new ImageData(size, size)
    for (let y = 10; y < 30; y++) for (let x = 10; x < 30; x++) image.data[4 * (y * size + x) + 3] = 255
    const field = distanceField(image)
    const at = (x: number, y: number) => field.data[4 * (y * size + x) + 3]
    expect(at(20, 20)).toBe(255)
    expect(at(10, 20)).toBe(Math.round(255 * (0.75 + 1 / 8)))
    expect(at(9, 20)).toBe(Math.round(255 * (0.75 - 1 / 8)))
    expect(at(7, 20)).toBe(Math.round(255 * (0.75 - 3 / 8)))
    expect(at(6, 6)).toBe(Math.round(255 * (0.75 - Math.hypot(4, 4) / 8)))
    expect(at(0, 0)).toBe(0)
  })

  it('of nothing is nothing', () => {
    const field = distanceField(new ImageData(8, 8))
    expect(field.data.filter((_, i) => i % 4 === 3).every(a => a === 0)).toBe(true)
  })
})
