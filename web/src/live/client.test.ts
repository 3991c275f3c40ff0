import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type ConnectionState, LiveClient, type LiveHandlers, liveURL } from './client'
import { FakeSocket, feature, gone, put } from './fake-socket'

const start = Date.parse('2026-07-01T00:00:00Z')

beforeEach(() => {
  vi.useFakeTimers()
  vi.setSystemTime(start)
})
afterEach(() => vi.useRealTimers())

function connect(handlers: LiveHandlers = {}) {
  const sockets: FakeSocket[] = []
  const client = new LiveClient('ws://test/live', handlers, {
    connect: () => {
      const s = new FakeSocket()
      sockets.push(s)
      return s
    },
    schedule: run => run(),
    random: () => 1,
  })
  const last = () => sockets.at(-1) as FakeSocket
  const hello = (cursor = 'e:1', build = 'b1') =>
    last().says({
      type: 'hello',
      cursor,
      time: new Date(Date.now()).toISOString(),
      view: 'official',
      heartbeat: 5,
      build,
    })
  const heartbeat = (cursor: string) =>
    last().says({ type: 'heartbeat', cursor, time: new Date(Date.now()).toISOString() })
  return { client, sockets, last, hello, heartbeat }
}

describe('LiveClient', () => {
  test('subscriptions and topics are sent when the server has greeted, not before', () => {
    const t = connect()
    t.client.join('wall')
    t.client.subscribe('gauges', { mode: 'features' })
    expect(t.last().sent).toEqual([])
    t.hello()
    expect(t.last().sent).toEqual([
      { type: 'join', topic: 'wall' },
      { type: 'subscribe', layer: 'gauges', mode: 'features' },
    ])
    t.client.subscribe('roads', { mode: 'tiles' })
    expect(t.last().sent.at(-1)).toEqual({ type: 'subscribe', layer: 'roads', mode: 'tiles' })
  })

  test('subscribing again the same way sends nothing and gives the same store', () => {
    const t = connect()
    t.hello()
    const a = t.client.subscribe('gauges', { mode: 'features' })
    const b = t.client.subscribe('gauges', { mode: 'features' })
    expect(b).toBe(a)
    expect(t.last().sent).toHaveLength(1)
  })

  test('a snapshot in parts and deltas fill the store', () => {
    const t = connect()
    const gauges = t.client.subscribe('gauges', { mode: 'features' })
    t.hello()
    t.last().says({ type: 'snapshot', layer: 'gauges', cursor: 'e:4', features: [feature('a', 1)], more: true })
    expect(gauges.ready).toBe(false)
    t.last().says({ type: 'snapshot', layer: 'gauges', cursor: 'e:4', features: [feature('b', 2)], more: false })
    t.last().says({
      type: 'delta',
      cursor: 'e:6',
      time: '2026-07-01T00:00:00Z',
      changes: [put('gauges', 'c', 5), gone('gauges', 'a', 6)],
    })
    expect([...gauges.values()].map(f => f.id).sort()).toEqual(['b', 'c'])
    expect(t.client.cursor('gauges')).toBe('e:6')
  })

  test('after the connection broke every layer resumes from its own cursor', () => {
    const t = connect()
    t.client.join('wall')
    const gauges = t.client.subscribe('gauges', { mode: 'features' })
    t.client.subscribe('halls', { mode: 'features' })
    t.hello()
    t.last().says({ type: 'snapshot', layer: 'gauges', cursor: 'e:4', features: [feature('a', 1)], more: false })
    t.last().says({ type: 'snapshot', layer: 'halls', cursor: 'e:5', features: [], more: true })
    t.heartbeat('e:7')
    t.last().dies()
    vi.advanceTimersByTime(300)
    expect(t.sockets).toHaveLength(2)
    t.hello('e:9')
    expect(t.last().sent).toEqual([
      { type: 'join', topic: 'wall' },
      { type: 'subscribe', layer: 'gauges', mode: 'features', since: 'e:7' },
      { type: 'subscribe', layer: 'halls', mode: 'features' }, // its snapshot was never whole
    ])
    t.last().says({ type: 'recovered', layer: 'gauges', cursor: 'e:7' })
    t.last().says({ type: 'delta', cursor: 'e:9', time: '', changes: [put('gauges', 'z', 9)] })
    expect([...gauges.values()].map(f => f.id)).toEqual(['a', 'z'])
  })

  test('a reset keeps what is shown until the new snapshot is whole', () => {
    const t = connect()
    const gauges = t.client.subscribe('gauges', { mode: 'features' })
    t.hello()
    t.last().says({ type: 'snapshot', layer: 'gauges', cursor: 'e:400', features: [feature('a', 399)], more: false })
    t.last().says({ type: 'reset', layer: 'gauges', cursor: 'f:2', reason: 'another lineage' })
    expect(t.client.cursor('gauges')).toBeNull()
    expect(gauges.size).toBe(1)
    t.heartbeat('f:2')
    expect(t.client.cursor('gauges')).toBeNull() // not complete yet, whatever the heartbeat says
    t.last().says({ type: 'snapshot', layer: 'gauges', cursor: 'f:2', features: [feature('b', 1)], more: false })
    expect([...gauges.values()].map(f => f.id)).toEqual(['b'])
    expect(t.client.cursor('gauges')).toBe('f:2')
  })

  test('tiles mode tells bounds, and everything on reset', () => {
    const told: unknown[] = []
    const t = connect({ onTiles: (layer, bounds) => told.push([layer, bounds]) })
    t.client.subscribe('roads', { mode: 'tiles' })
    t.hello()
    t.last().says({ type: 'recovered', layer: 'roads', cursor: 'e:1' })
    t.last().says({ type: 'tiles', layer: 'roads', cursor: 'e:2', bounds: [[108, 22, 109, 23]] })
    t.last().says({ type: 'tiles', layer: 'roads', cursor: 'e:3', bounds: [], all: true })
    t.last().says({ type: 'reset', layer: 'roads', cursor: 'e:4' })
    expect(told).toEqual([
      ['roads', [[108, 22, 109, 23]]],
      ['roads', null],
      ['roads', null],
    ])
    expect(t.client.cursor('roads')).toBe('e:4')
  })

  test('silence for two and a half heartbeats means the connection is dead', () => {
    const states: ConnectionState[] = []
    const t = connect({ onState: s => states.push(s) })
    t.hello()
    vi.advanceTimersByTime(12_000)
    t.heartbeat('e:1')
    vi.advanceTimersByTime(12_000)
    expect(t.client.state.status).toBe('live')
    const silent = t.last()
    vi.advanceTimersByTime(501)
    expect(silent.closed).toBe(true)
    expect(t.client.state).toEqual({ status: 'reconnecting', since: start + 24_500 })
    vi.advanceTimersByTime(15_000)
    expect(t.client.state).toEqual({ status: 'offline', since: start + 24_500 })
    t.hello()
    expect(states.map(s => s.status)).toEqual(['live', 'reconnecting', 'offline', 'live'])
  })

  test('waits grow to five seconds while nobody answers and start anew after a heartbeat', () => {
    const t = connect()
    const waits: number[] = []
    for (let i = 0; i < 7; i++) {
      const before = Date.now()
      t.last().dies()
      const n = t.sockets.length
      while (t.sockets.length === n) vi.advanceTimersByTime(50)
      waits.push(Date.now() - before)
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000])
    t.hello()
    t.last().dies()
    vi.advanceTimersByTime(1000)
    expect(t.sockets).toHaveLength(8) // greeted and died: still 5 s
    vi.advanceTimersByTime(4000)
    t.hello()
    t.heartbeat('e:1')
    t.last().dies()
    vi.advanceTimersByTime(250)
    expect(t.sockets).toHaveLength(10)
  })

  test('a connection that says nothing is given up after ten seconds', () => {
    const t = connect()
    vi.advanceTimersByTime(10_250)
    expect(t.sockets).toHaveLength(2)
    expect(t.sockets[0]?.closed).toBe(true)
  })

  test('what a dropped socket still says is not heard', () => {
    const t = connect()
    const gauges = t.client.subscribe('gauges', { mode: 'features' })
    t.hello()
    const old = t.last()
    vi.advanceTimersByTime(13_000)
    old.says({ type: 'snapshot', layer: 'gauges', cursor: 'e:1', features: [feature('a', 1)], more: false })
    expect(gauges.size).toBe(0)
  })

  test('the server clock is that of the message that came fastest', () => {
    const t = connect()
    const say = (aheadMs: number, delayMs: number) =>
      t.last().says({
        type: 'heartbeat',
        cursor: 'e:1',
        time: new Date(Date.now() + aheadMs - delayMs).toISOString(),
      })
    t.last().says({
      type: 'hello',
      cursor: 'e:1',
      time: new Date(Date.now() + 60_000 - 900).toISOString(),
      heartbeat: 5,
    })
    say(60_000, 40)
    say(60_000, 700)
    expect(t.client.serverNow() - Date.now()).toBe(59_960)
  })

  test('a layer that was refused is asked for again when the catalogue defines it', () => {
    const errors: string[] = []
    const t = connect({ onError: e => errors.push(`${e.layer} ${e.code}`) })
    t.client.subscribe('new-layer', { mode: 'features' })
    t.hello()
    t.last().says({ type: 'error', code: 'not_found', message: 'no such layer', layer: 'new-layer' })
    t.last().says({ type: 'layer', layer: 'new-layer', op: 'define' })
    expect(errors).toEqual(['new-layer not_found'])
    expect(t.last().sent).toHaveLength(2)
  })

  test('a dropped layer is emptied', () => {
    const t = connect()
    const gauges = t.client.subscribe('gauges', { mode: 'features' })
    t.hello()
    t.last().says({ type: 'snapshot', layer: 'gauges', cursor: 'e:4', features: [feature('a', 1)], more: false })
    t.last().says({ type: 'layer', layer: 'gauges', op: 'drop' })
    expect(gauges.size).toBe(0)
  })

  test('messages and text that it does not know are ignored', () => {
    const t = connect()
    t.hello()
    t.last().onmessage?.({ data: 'not json' })
    t.last().onmessage?.({ data: new ArrayBuffer(4) })
    t.last().says({ type: 'presenter', at: [1, 2] })
    t.last().says({ type: 'snapshot' })
    expect(t.client.state.status).toBe('live')
  })

  test('scenes are handed on, and closing is for good', () => {
    const scenes: string[] = []
    const t = connect({ onScene: s => scenes.push(s.scene) })
    t.hello()
    t.last().says({ type: 'scene', scene: 'flood', index: 1, count: 3, started: '', until: '', time: '' })
    t.client.close()
    vi.advanceTimersByTime(60_000)
    expect(scenes).toEqual(['flood'])
    expect(t.sockets).toHaveLength(1)
  })

  test('the live address follows the page', () => {
    expect(liveURL({ protocol: 'http:', host: 'localhost:8080' })).toBe('ws://localhost:8080/live')
    expect(liveURL({ protocol: 'https:', host: 'map.example' })).toBe('wss://map.example/live')
  })
})
