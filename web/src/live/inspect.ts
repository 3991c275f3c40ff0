// A window for tests and for the curious at the console: what the page holds and
// has drawn, read-only. Both pages set it as `window.__onemap`; nothing in the
// product reads it, and it changes no behaviour.

import type { LiveClient, Status } from './client'
import type { LiveFeature } from './protocol'

export interface Inspection {
  /** The map has drawn everything it was asked to draw. */
  readonly idle: boolean
  /** The state of the live connection. */
  readonly status: Status
  /** The wall's scene; null on the explorer. */
  readonly scene: string | null
  /** Milliseconds until the wall's scene ends; infinite on the explorer. */
  readonly sceneEndsIn: number
  /** How many features of a live layer the page holds. */
  count(layer: string): number
  ids(layer: string): string[]
  feature(layer: string, id: string): LiveFeature | undefined
  /** Whether the map is to show the layer now. */
  shows(layer: string): boolean
  /** Whether the feature is among those that the map draws now, in the window. */
  drawn(layer: string, id: string): boolean
  /** Longitude and latitude at which a point is drawn now; it may be on its way. */
  drawnAt(layer: string, id: string): [number, number] | null
  /** Where a place is in the window, in CSS pixels. */
  project(at: [number, number]): { x: number; y: number }
}

declare global {
  interface Window {
    __onemap?: Inspection
  }
}

/** What only the page knows. */
export interface Inspected {
  client: LiveClient
  idle(): boolean
  scene?(): string | null
  sceneEndsIn?(): number
  shows(layer: string): boolean
  drawn(layer: string, id: string): boolean
  drawnAt(layer: string, id: string): [number, number] | null
  project(at: [number, number]): { x: number; y: number }
}

export function inspection(of: Inspected): Inspection {
  const store = (layer: string) => of.client.store(layer)
  return {
    get idle() {
      return of.idle()
    },
    get status() {
      return of.client.state.status
    },
    get scene() {
      return of.scene?.() ?? null
    },
    get sceneEndsIn() {
      return of.sceneEndsIn?.() ?? Number.POSITIVE_INFINITY
    },
    count: layer => store(layer)?.size ?? 0,
    ids: layer => [...(store(layer)?.values() ?? [])].map(f => String(f.id)),
    feature: (layer, id) => store(layer)?.get(id),
    shows: of.shows,
    drawn: of.drawn,
    drawnAt: of.drawnAt,
    project: of.project,
  }
}
