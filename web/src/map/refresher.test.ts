import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Refresher } from './refresher'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('Changed tiles', () => {
  it('are fetched at once, then at a bounded rate, and the last change is never missed', () => {
    const refreshed: string[] = []
    const refresher = new Refresher(source => refreshed.push(source))
    refresher.refresh('a')
    expect(refreshed).toEqual(['a'])
    for (let i = 0; i < 50; i++) refresher.refresh('a')
    refresher.refresh('b')
    expect(refreshed).toEqual(['a', 'b'])
    vi.advanceTimersByTime(450)
    expect(refreshed).toEqual(['a', 'b', 'a'])
    vi.advanceTimersByTime(5000)
    expect(refreshed).toEqual(['a', 'b', 'a'])
  })
})
