// The messages of the live protocol onemap.live.v1 (docs/live-protocol.md), as
// types, and the one place where text from the socket becomes one of them.

import type { Feature, Geometry } from 'geojson'

/** The WebSocket subprotocol both ends name. */
export const SUBPROTOCOL = 'onemap.live.v1'

/** A place in the change log: "epoch:position". Opaque but for its epoch. */
export type Cursor = string

/** [west, south, east, north] in degrees, CRS84. */
export type BBox = [number, number, number, number]

/** A feature as the items API and the live protocol write it. */
export type LiveFeature = Feature<Geometry | null, Record<string, unknown>> & {
  id: string
  onemap: { num: number; version: number; updated: string }
}

export interface Hello {
  type: 'hello'
  cursor: Cursor
  time: string
  view: string
  /** Seconds between heartbeats. */
  heartbeat: number
  build: string
}

export interface Snapshot {
  type: 'snapshot'
  layer: string
  cursor: Cursor
  features: LiveFeature[]
  more: boolean
}

export interface Recovered {
  type: 'recovered'
  layer: string
  cursor: Cursor
}

export interface Reset {
  type: 'reset'
  layer: string
  cursor: Cursor
  reason?: string
}

export interface Tiles {
  type: 'tiles'
  layer: string
  cursor: Cursor
  bounds: BBox[]
  all?: boolean
}

export type DeltaChange =
  | { layer: string; op: 'put'; id: string; version: number; feature: LiveFeature }
  | { layer: string; op: 'delete' | 'leave'; id: string; version: number }

export interface Delta {
  type: 'delta'
  cursor: Cursor
  time: string
  changes: DeltaChange[]
}

export interface LayerNotice {
  type: 'layer'
  layer: string
  op: 'define' | 'drop'
}

export interface Heartbeat {
  type: 'heartbeat'
  cursor: Cursor
  time: string
}

/** Which scene the wall shows, told by the server that owns the scene clock. */
export interface SceneNotice {
  type: 'scene'
  scene: string
  index: number
  count: number
  started: string
  until: string
  time: string
}

export interface ErrorNotice {
  type: 'error'
  code: string
  message: string
  layer?: string
}

export type ServerMessage =
  | Hello
  | Snapshot
  | Recovered
  | Reset
  | Tiles
  | Delta
  | LayerNotice
  | Heartbeat
  | SceneNotice
  | ErrorNotice

/** How a layer is followed: feature by feature, or as notices of changed tiles. */
export type Mode = 'features' | 'tiles'

export type ClientMessage =
  | { type: 'subscribe'; layer: string; mode: Mode; since?: Cursor; bbox?: BBox }
  | { type: 'unsubscribe'; layer: string }
  | { type: 'join'; topic: string }

const known = new Set<string>([
  'hello',
  'snapshot',
  'recovered',
  'reset',
  'tiles',
  'delta',
  'layer',
  'heartbeat',
  'scene',
  'error',
])

// Messages that speak of a layer, and mean nothing without its name.
const ofLayer = new Set<string>(['snapshot', 'recovered', 'reset', 'tiles', 'layer'])

/**
 * Reads one frame. What this client does not know is null and not an error, so
 * that a newer server can say more.
 */
export function parse(data: unknown): ServerMessage | null {
  if (typeof data !== 'string') return null
  let message: Record<string, unknown>
  try {
    message = JSON.parse(data)
  } catch {
    return null
  }
  if (typeof message !== 'object' || message === null) return null
  const type = String(message.type)
  if (!known.has(type)) return null
  if (ofLayer.has(type) && typeof message.layer !== 'string') return null
  if (type === 'snapshot' && !Array.isArray(message.features)) message.features = []
  if (type === 'delta' && !Array.isArray(message.changes)) message.changes = []
  if (type === 'tiles' && !Array.isArray(message.bounds)) message.bounds = []
  return message as unknown as ServerMessage
}
