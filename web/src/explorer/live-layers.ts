// Keeps the layers that are on up to date: live ones feature by feature, all
// others by notices of changed tiles.

import type { Entry, OnemapFeature } from '../api'
import type { FeatureStore, LiveClient } from '../live'
import type { OneMap } from '../map'
import { sourceOf } from '../style'

/** Milliseconds between two drawings of a layer, however often its features change. */
const drawEvery = 120

interface Following {
  mode: 'features' | 'tiles'
  stop(): void
}

export interface LiveReader {
  featureChanged(layer: string, id: string, feature: OnemapFeature | null): void
}

export class LiveLayers {
  readonly #client: LiveClient
  readonly #map: OneMap
  readonly #reader: LiveReader
  #following = new Map<string, Following>()

  constructor(client: LiveClient, map: OneMap, reader: LiveReader) {
    this.#client = client
    this.#map = map
    this.#reader = reader
  }

  /** Follows the base map and what is on, and nothing else. */
  follow(entries: readonly Entry[], shown: ReadonlySet<string>): void {
    const wanted = new Map(
      entries
        .filter(e => e.layer.display?.base || shown.has(e.layer.id))
        .map(e => [e.layer.id, e.layer.display?.live && !e.layer.display.base ? 'features' : 'tiles'] as const),
    )
    for (const [layer, { mode, stop }] of this.#following) {
      if (wanted.get(layer) === mode) continue
      stop()
      this.#following.delete(layer)
    }
    for (const entry of entries) {
      const mode = wanted.get(entry.layer.id)
      if (!mode || this.#following.has(entry.layer.id)) continue
      this.#following.set(entry.layer.id, mode === 'features' ? this.#features(entry) : this.#tiles(entry))
    }
  }

  stop(): void {
    for (const { stop } of this.#following.values()) stop()
    this.#following.clear()
  }

  #tiles({ layer }: Entry): Following {
    this.#client.subscribe(layer.id, { mode: 'tiles' })
    return { mode: 'tiles', stop: () => this.#client.unsubscribe(layer.id) }
  }

  #features(entry: Entry): Following {
    const { layer } = entry
    const source = sourceOf(entry)
    const store = this.#client.subscribe(layer.id, { mode: 'features' })
    let timer: ReturnType<typeof setTimeout> | undefined
    let drawn = 0
    const draw = () => {
      timer = undefined
      drawn = performance.now()
      this.#map.setFeatures(source, store.values())
    }
    const forget = store.onChange((changes, now: FeatureStore) => {
      for (const id of changes.removed) this.#reader.featureChanged(layer.id, id, null)
      for (const id of changes.put) this.#reader.featureChanged(layer.id, id, (now.get(id) as OnemapFeature) ?? null)
      timer ??= setTimeout(draw, Math.max(0, drawn + drawEvery - performance.now()))
    })
    draw()
    return {
      mode: 'features',
      stop: () => {
        clearTimeout(timer)
        forget()
        this.#client.unsubscribe(layer.id)
        this.#map.dropFeatures(source)
      },
    }
  }
}
