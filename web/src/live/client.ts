// The live connection: one WebSocket for all layers of a page, kept open for
// weeks. It knows the protocol and the clock, and no DOM.

import { Backoff } from './backoff'
import { ServerClock } from './clock'
import { FeatureStore, nextFrame, type Schedule } from './features'
import {
  type BBox,
  type ClientMessage,
  type Cursor,
  type Delta,
  type ErrorNotice,
  type Hello,
  type LayerNotice,
  type Mode,
  parse,
  type SceneNotice,
  type ServerMessage,
  SUBPROTOCOL,
} from './protocol'

/** live: connected and heard of; reconnecting: lost a moment ago; offline: lost for long. */
export type Status = 'live' | 'reconnecting' | 'offline'

export interface ConnectionState {
  status: Status
  /** Since when, in milliseconds of our own clock: live since, or last heard of. */
  since: number
}

export interface LiveHandlers {
  onState?(state: ConnectionState): void
  onHello?(hello: Hello): void
  /** Tiles of a layer changed; no bounds means all of them. */
  onTiles?(layer: string, bounds: BBox[] | null): void
  /** The catalogue changed: fetch it again. */
  onCatalogue?(notice: LayerNotice): void
  onScene?(scene: SceneNotice): void
  onError?(error: ErrorNotice): void
}

export interface Subscribe {
  mode: Mode
  /** Only what touches it; features mode. */
  bbox?: BBox
}

/** The part of a browser's WebSocket that is used here. */
export interface Socket {
  onopen: (() => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number; reason: string }) => void) | null
  onerror: (() => void) | null
  send(data: string): void
  close(code?: number, reason?: string): void
}

/** What tests put in the place of the browser. */
export interface LiveOptions {
  connect?: (url: string, protocol: string) => Socket
  schedule?: Schedule
  now?: () => number
  random?: () => number
}

interface Subscription {
  layer: string
  mode: Mode
  bbox?: BBox
  /** Everything up to here is known; null: nothing, a snapshot is needed. */
  cursor: Cursor | null
  /** The server has answered the subscription on this connection. */
  answered: boolean
  store: FeatureStore
}

const connectTimeout = 10_000 // ms until a connection that says nothing is given up
const missedHeartbeats = 2.5 // silence of so many heartbeats means that nobody is there
const offlineAfter = 15_000 // ms without a connection until it is called offline

export class LiveClient {
  readonly #url: string
  readonly #handlers: LiveHandlers
  readonly #connectSocket: NonNullable<LiveOptions['connect']>
  readonly #schedule: Schedule
  readonly #now: () => number
  readonly #clock: ServerClock
  readonly #backoff: Backoff

  #socket: Socket | null = null
  #hello: Hello | null = null
  #greeted = false // hello received on this connection
  #closed = false
  #subscriptions = new Map<string, Subscription>()
  #topics = new Set<string>()
  #state: ConnectionState
  #watchdog: ReturnType<typeof setTimeout> | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #offline: ReturnType<typeof setTimeout> | undefined

  /** Connects at once, to ws:// or wss:// /live, and stays connected until close. */
  constructor(url: string, handlers: LiveHandlers = {}, options: LiveOptions = {}) {
    this.#url = url
    this.#handlers = handlers
    this.#connectSocket = options.connect ?? ((u, p) => new WebSocket(u, p) as unknown as Socket)
    this.#schedule = options.schedule ?? nextFrame
    this.#now = options.now ?? Date.now
    this.#clock = new ServerClock(this.#now)
    this.#backoff = new Backoff(options.random ?? Math.random)
    this.#state = { status: 'reconnecting', since: this.#now() }
    this.#armOffline()
    this.#open()
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** The last hello of the server: its view, build and heartbeat. */
  get hello(): Hello | null {
    return this.#hello
  }

  /** Milliseconds since 1970 by the server's clock. */
  serverNow(): number {
    return this.#clock.now()
  }

  /** Milliseconds that the server's clock is ahead of ours. */
  get clockOffset(): number {
    return this.#clock.offset
  }

  /** Cursor up to which a layer is complete, or null. */
  cursor(layer: string): Cursor | null {
    return this.#subscriptions.get(layer)?.cursor ?? null
  }

  /**
   * Follows a layer, now and after every reconnection. The store is filled in
   * features mode only. Subscribing again the same way changes nothing.
   */
  subscribe(layer: string, { mode, bbox }: Subscribe): FeatureStore {
    const old = this.#subscriptions.get(layer)
    if (old && old.mode === mode && String(old.bbox) === String(bbox)) return old.store
    const store = old?.store ?? new FeatureStore(layer, this.#schedule)
    store.interrupted()
    const subscription: Subscription = { layer, mode, bbox, cursor: null, answered: false, store }
    this.#subscriptions.set(layer, subscription)
    if (this.#greeted) this.#sendSubscribe(subscription)
    return store
  }

  unsubscribe(layer: string): void {
    if (this.#subscriptions.delete(layer) && this.#greeted) this.#send({ type: 'unsubscribe', layer })
  }

  /** The store of a subscribed layer. */
  store(layer: string): FeatureStore | undefined {
    return this.#subscriptions.get(layer)?.store
  }

  /** Listens to a topic, e.g. "wall", now and after every reconnection. */
  join(topic: string): void {
    if (this.#topics.has(topic)) return
    this.#topics.add(topic)
    if (this.#greeted) this.#send({ type: 'join', topic })
  }

  /** Tries again at once, e.g. because the network is back. */
  reconnect(): void {
    if (this.#closed || this.#state.status === 'live') return
    this.#backoff.reset()
    this.#drop()
    this.#open()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#offline)
    this.#drop()
  }

  #open(): void {
    clearTimeout(this.#retry)
    let socket: Socket
    try {
      socket = this.#connectSocket(this.#url, SUBPROTOCOL)
    } catch {
      this.#lost()
      return
    }
    this.#socket = socket
    this.#watch(connectTimeout)
    socket.onmessage = event => {
      const message = parse(event.data)
      if (message) this.#receive(message)
    }
    socket.onclose = () => this.#lost()
    socket.onerror = null // a close follows
  }

  // Lets go of the socket at once: one whose peer is gone may take minutes to close.
  #drop(): void {
    clearTimeout(this.#watchdog)
    clearTimeout(this.#retry)
    const socket = this.#socket
    this.#socket = null
    this.#greeted = false
    for (const s of this.#subscriptions.values()) s.store.interrupted()
    if (!socket) return
    socket.onopen = socket.onmessage = socket.onclose = null
    try {
      socket.close(1000)
    } catch {
      // It was closed already.
    }
  }

  #lost(): void {
    this.#drop()
    if (this.#closed) return
    if (this.#state.status === 'live') {
      this.#setState('reconnecting')
      this.#armOffline()
    }
    this.#retry = setTimeout(() => this.#open(), this.#backoff.next())
  }

  #armOffline(): void {
    clearTimeout(this.#offline)
    this.#offline = setTimeout(() => {
      if (this.#state.status !== 'live') this.#setState('offline', this.#state.since)
    }, offlineAfter)
  }

  #setState(status: Status, since = this.#now()): void {
    this.#state = { status, since }
    this.#handlers.onState?.(this.#state)
  }

  #watch(ms: number): void {
    clearTimeout(this.#watchdog)
    this.#watchdog = setTimeout(() => this.#lost(), ms)
  }

  #send(message: ClientMessage): void {
    this.#socket?.send(JSON.stringify(message))
  }

  #sendSubscribe(s: Subscription): void {
    s.answered = false
    this.#send({
      type: 'subscribe',
      layer: s.layer,
      mode: s.mode,
      ...(s.cursor ? { since: s.cursor } : {}),
      ...(s.bbox ? { bbox: s.bbox } : {}),
    })
  }

  #receive(message: ServerMessage): void {
    const heartbeat = message.type === 'hello' ? message.heartbeat : this.#hello?.heartbeat
    this.#watch((heartbeat && heartbeat > 0 ? heartbeat : 5) * 1000 * missedHeartbeats)
    switch (message.type) {
      case 'hello':
        this.#greet(message)
        break
      case 'heartbeat':
        this.#clock.observe(message.time)
        this.#backoff.reset() // only now: a server that greets and dies must not be hammered
        for (const s of this.#subscriptions.values()) {
          if (s.answered && s.cursor) s.cursor = message.cursor
        }
        break
      case 'snapshot':
        this.#withFeatures(message.layer, s => {
          s.answered = true
          s.store.snapshot(message.features, message.more)
          if (!message.more) s.cursor = message.cursor
        })
        break
      case 'recovered':
        this.#with(message.layer, s => {
          s.answered = true
          s.cursor = message.cursor
        })
        break
      case 'reset':
        this.#with(message.layer, s => {
          s.answered = true
          s.store.interrupted()
          // In features mode a snapshot follows; until it is whole there is nothing to resume from.
          s.cursor = s.mode === 'tiles' ? message.cursor : null
          if (s.mode === 'tiles') this.#handlers.onTiles?.(s.layer, null)
        })
        break
      case 'tiles':
        this.#with(message.layer, s => {
          if (s.mode !== 'tiles') return
          s.cursor = message.cursor
          this.#handlers.onTiles?.(s.layer, message.all ? null : message.bounds)
        })
        break
      case 'delta':
        this.#applyDelta(message)
        break
      case 'layer':
        this.#redefine(message)
        break
      case 'scene':
        this.#clock.observe(message.time)
        this.#handlers.onScene?.(message)
        break
      case 'error':
        this.#handlers.onError?.(message)
        break
    }
  }

  #greet(hello: Hello): void {
    this.#hello = hello
    this.#greeted = true
    this.#clock.observe(hello.time)
    clearTimeout(this.#offline)
    for (const topic of this.#topics) this.#send({ type: 'join', topic })
    for (const s of this.#subscriptions.values()) this.#sendSubscribe(s)
    this.#setState('live')
    this.#handlers.onHello?.(hello)
  }

  #applyDelta(delta: Delta): void {
    for (const change of delta.changes) {
      this.#withFeatures(change.layer, s => {
        s.store.apply(change)
        if (s.answered && s.cursor) s.cursor = delta.cursor
      })
    }
  }

  // A definition may make a layer visible that was refused, or bring back one that was dropped.
  #redefine(notice: LayerNotice): void {
    this.#with(notice.layer, s => {
      if (notice.op === 'drop') {
        s.store.clear()
        s.cursor = null
        s.answered = false
      } else if (!s.answered) {
        this.#sendSubscribe(s)
      }
    })
    this.#handlers.onCatalogue?.(notice)
  }

  #with(layer: string, run: (s: Subscription) => void): void {
    const s = this.#subscriptions.get(layer)
    if (s) run(s)
  }

  #withFeatures(layer: string, run: (s: Subscription) => void): void {
    const s = this.#subscriptions.get(layer)
    if (s && s.mode === 'features') run(s)
  }
}

/** The live address of the page's own server. */
export function liveURL(location: { protocol: string; host: string }): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/live`
}
