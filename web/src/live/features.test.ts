import { describe, expect, test } from 'vitest'
import { feature, gone, put } from './fake-socket'
import { type Changes, FeatureStore } from './features'

// A store whose frames come when the test says so.
function store() {
  let frame: (() => void) | null = null
  let frames = 0
  const seen: { put: string[]; removed: string[]; replaced: boolean }[] = []
  const s = new FeatureStore('gauges', run => {
    frame = run
    frames++
  })
  s.onChange((c: Changes) => seen.push({ put: [...c.put], removed: [...c.removed], replaced: c.replaced }))
  return {
    s,
    seen,
    get frames() {
      return frames
    },
    draw() {
      const run = frame
      frame = null
      run?.()
    },
    ids: () => [...s.values()].map(f => f.id).sort(),
  }
}

describe('FeatureStore', () => {
  test('many changes in one frame are one call that names each id once', () => {
    const t = store()
    t.s.snapshot([feature('a', 1)], false)
    t.draw()
    for (let v = 2; v < 100; v++) t.s.apply(put('gauges', 'a', v))
    t.s.apply(put('gauges', 'b', 100))
    expect(t.frames).toBe(2)
    t.draw()
    expect(t.seen[1]).toEqual({ put: ['a', 'b'], removed: [], replaced: false })
    expect(t.s.get('a')?.onemap.version).toBe(99)
  })

  test('an older version never replaces a newer one', () => {
    const t = store()
    t.s.snapshot([feature('a', 7, 'new')], false)
    t.s.apply(put('gauges', 'a', 6, 'old'))
    t.s.apply(gone('gauges', 'a', 5))
    expect(t.s.get('a')?.properties.name).toBe('new')
  })

  test('what came and went between two frames leaves no trace', () => {
    const t = store()
    t.s.snapshot([], false)
    t.draw()
    t.s.apply(put('gauges', 'a', 2))
    t.s.apply(gone('gauges', 'a', 3))
    t.draw()
    expect(t.seen).toHaveLength(1)
  })

  test('a deleted feature is named as removed once', () => {
    const t = store()
    t.s.snapshot([feature('a', 1)], false)
    t.draw()
    t.s.apply(gone('gauges', 'a', 2))
    t.s.apply(gone('gauges', 'a', 2))
    t.draw()
    expect(t.seen[1]).toEqual({ put: [], removed: ['a'], replaced: false })
    expect(t.s.size).toBe(0)
  })

  test('a new snapshot replaces the content without an empty moment between', () => {
    const t = store()
    t.s.snapshot([feature('a', 5), feature('b', 6)], false)
    t.draw()
    t.s.snapshot([feature('b', 6)], true)
    expect(t.ids()).toEqual(['a', 'b'])
    t.s.snapshot([feature('c', 9)], false)
    expect(t.ids()).toEqual(['b', 'c'])
    t.draw()
    expect(t.seen.at(-1)).toEqual({ put: ['c'], removed: ['a'], replaced: true })
  })

  test('versions of another lineage may be smaller and are taken from a snapshot', () => {
    const t = store()
    t.s.snapshot([feature('a', 900, 'before')], false)
    t.s.snapshot([feature('a', 3, 'restored')], false)
    t.s.apply(put('gauges', 'a', 4, 'after'))
    expect(t.s.get('a')?.properties.name).toBe('after')
  })

  test('a delete between the parts of a snapshot is not undone by a later part', () => {
    const t = store()
    t.s.snapshot([feature('a', 1)], true)
    t.s.apply(gone('gauges', 'b', 8))
    t.s.snapshot([feature('b', 2)], false)
    expect(t.ids()).toEqual(['a'])
  })

  test('a put between the parts of a snapshot survives its end', () => {
    const t = store()
    t.s.snapshot([feature('a', 1)], true)
    t.s.apply(put('gauges', 'n', 9))
    t.s.snapshot([], false)
    expect(t.ids()).toEqual(['a', 'n'])
  })

  test('an interrupted snapshot is read again from its start', () => {
    const t = store()
    t.s.snapshot([feature('a', 1), feature('gone-since', 1)], true)
    t.s.interrupted()
    t.s.snapshot([feature('a', 1)], false)
    expect(t.ids()).toEqual(['a'])
    expect(t.s.ready).toBe(true)
  })

  test('a listener that left is not called', () => {
    const t = store()
    let calls = 0
    const leave = t.s.onChange(() => calls++)
    leave()
    t.s.snapshot([feature('a', 1)], false)
    t.draw()
    expect(calls).toBe(0)
  })
})
