// A socket for tests that speaks when the test says so.

import type { Socket } from './client'
import type { ClientMessage, DeltaChange, LiveFeature } from './protocol'

export class FakeSocket implements Socket {
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  onerror: (() => void) | null = null
  readonly sent: ClientMessage[] = []
  closed = false

  send(data: string): void {
    this.sent.push(JSON.parse(data))
  }

  close(): void {
    this.closed = true
  }

  /** The server says something. */
  says(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) })
  }

  /** The server is gone, as after kill -9. */
  dies(code = 1006): void {
    this.onclose?.({ code, reason: '' })
  }
}

export const feature = (id: string, version: number, name = id): LiveFeature => ({
  type: 'Feature',
  id,
  geometry: { type: 'Point', coordinates: [108.3, 22.8] },
  properties: { name },
  onemap: { num: version, version, updated: `2026-07-01T00:00:${String(version % 60).padStart(2, '0')}Z` },
})

export const put = (layer: string, id: string, version: number, name?: string): DeltaChange => ({
  layer,
  op: 'put',
  id,
  version,
  feature: feature(id, version, name),
})

export const gone = (layer: string, id: string, version: number): DeltaChange => ({ layer, op: 'delete', id, version })
