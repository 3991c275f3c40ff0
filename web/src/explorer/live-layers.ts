// Keeps the layers that are on up to date: live ones feature by feature, all
// others by notices of changed tiles.

import type { Entry, OnemapFeature } from '../api'
import type { FeatureStore, LiveClient } from '../live'
import { type OneMap, Pacer } from '../map'
import { sourceOf } from '../style'

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
  #changed = new Map<string, FeatureStore>() // by source
  readonly #pacer = new Pacer(() => this.#draw())

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
    this.#pacer.stop()
    for (const { stop } of this.#following.values()) stop()
    this.#following.clear()
  }

  /** The map has drawn all it was given. */
  drawn(): void {
    this.#pacer.drawn()
  }

  #draw(): void {
    for (const [source, store] of this.#changed) this.#map.setFeatures(source, store.values())
    this.#changed.clear()
  }

  #tiles({ layer }: Entry): Following {
    this.#client.subscribe(layer.id, { mode: 'tiles' })
    return { mode: 'tiles', stop: () => this.#client.unsubscribe(layer.id) }
  }

  #features(entry: Entry): Following {
    const { layer } = entry
    const source = sourceOf(entry)
    const store = this.#client.subscribe(layer.id, { mode: 'features' })
    const forget = store.onChange((changes, now: FeatureStore) => {
      for (const id of changes.removed) this.#reader.featureChanged(layer.id, id, null)
      for (const id of changes.put) this.#reader.featureChanged(layer.id, id, (now.get(id) as OnemapFeature) ?? null)
      this.#changed.set(source, now)
      this.#pacer.ask()
    })
    this.#map.setFeatures(source, store.values())
    return {
      mode: 'features',
      stop: () => {
        this.#changed.delete(source)
        forget()
        this.#client.unsubscribe(layer.id)
        this.#map.dropFeatures(source)
      },
    }
  }
}
