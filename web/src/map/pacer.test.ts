import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Pacer } from './pacer'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('Changed features', () => {
  it('are drawn at once, then when the map has kept up, and the last change is never missed', () => {
    let drawings = 0
    const pacer = new Pacer(() => drawings++)
    pacer.ask()
    expect(drawings).toBe(1)
    pacer.ask()
    vi.advanceTimersByTime(150)
    expect(drawings).toBe(1) // the first is still being drawn
    pacer.drawn()
    expect(drawings).toBe(2)
    pacer.drawn()
    pacer.ask()
    expect(drawings).toBe(2) // too soon
    vi.advanceTimersByTime(100)
    expect(drawings).toBe(3)
    vi.advanceTimersByTime(5000)
    expect(drawings).toBe(3)
  })

  it('are drawn at last by a map that never rests', () => {
    let drawings = 0
    const pacer = new Pacer(() => drawings++)
    for (let ms = 0; ms < 3000; ms += 10) {
      pacer.ask()
      vi.advanceTimersByTime(10)
    }
    expect(drawings).toBe(11) // one at once, one every 300 ms
  })

  it('are not drawn any more after the end', () => {
    let drawings = 0
    const pacer = new Pacer(() => drawings++)
    pacer.ask()
    pacer.ask()
    pacer.stop()
    vi.advanceTimersByTime(5000)
    expect(drawings).toBe(1)
  })
})
