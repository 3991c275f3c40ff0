// The features of one subscribed layer, kept equal to the server's.

import type { DeltaChange, LiveFeature } from './protocol'

/** What became different since the last call of a listener. */
export interface Changes {
  /** Ids that appeared or became another. */
  put: ReadonlySet<string>
  /** Ids that are gone. */
  removed: ReadonlySet<string>
  /** The whole content was read anew; put and removed still name the difference. */
  replaced: boolean
}

export type Listener = (changes: Changes, store: FeatureStore) => void

/** Runs a callback soon, once: at the next animation frame, where there are any. */
export type Schedule = (run: () => void) => void

interface Kept {
  feature: LiveFeature
  version: number
  generation: number
}

/**
 * A layer's features by id. Each reading of the whole layer (a snapshot) starts a
 * generation: versions are compared within a generation only, because after a
 * change of lineage they start anew; and what a finished snapshot did not name is
 * removed, so that what is shown never blinks empty while it is read again.
 */
export class FeatureStore {
  readonly layer: string
  /** True once the first snapshot is complete. */
  ready = false

  #kept = new Map<string, Kept>()
  #generation = 0
  #reading = false
  // Deletes that came while a snapshot was being sent: a later part of the
  // snapshot may still hold the feature.
  #deleted = new Map<string, number>()

  #listeners = new Set<Listener>()
  #schedule: Schedule
  #scheduled = false
  #put = new Set<string>()
  #removed = new Set<string>()
  #replaced = false
  // Ids that listeners know of, so that what came and went between two calls
  // leaves no trace, and a hidden page's pending changes stay bounded.
  #told = new Set<string>()

  constructor(layer: string, schedule: Schedule) {
    this.layer = layer
    this.#schedule = schedule
  }

  get size(): number {
    return this.#kept.size
  }

  get(id: string): LiveFeature | undefined {
    return this.#kept.get(id)?.feature
  }

  has(id: string): boolean {
    return this.#kept.has(id)
  }

  *values(): IterableIterator<LiveFeature> {
    for (const { feature } of this.#kept.values()) yield feature
  }

  /** Calls back with what changed, at most once a frame. Returns the way out. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes one frame of a snapshot; the first one starts a generation. */
  snapshot(features: LiveFeature[], more: boolean): void {
    if (!this.#reading) {
      this.#reading = true
      this.#generation++
    }
    for (const f of features) {
      const id = String(f.id)
      const version = f.onemap?.version ?? 0
      const gone = this.#deleted.get(id)
      if (gone === undefined || gone < version) this.#set(id, version, f)
    }
    if (more) return
    for (const [id, kept] of this.#kept) {
      if (kept.generation < this.#generation) this.#drop(id)
    }
    this.#reading = false
    this.#deleted.clear()
    this.ready = true
    this.#replaced = true
    this.#wake()
  }

  /** The connection broke: a half-sent snapshot will be sent again from its start. */
  interrupted(): void {
    this.#reading = false
    this.#deleted.clear()
  }

  apply(change: DeltaChange): void {
    const id = String(change.id)
    if (change.op === 'put') {
      this.#set(id, change.version, change.feature)
      return
    }
    const kept = this.#kept.get(id)
    if (this.#reading) this.#deleted.set(id, change.version)
    if (!kept || (kept.generation === this.#generation && kept.version > change.version)) return
    this.#drop(id)
  }

  /** Forgets everything: the layer was dropped. */
  clear(): void {
    for (const id of [...this.#kept.keys()]) this.#drop(id)
    this.#reading = false
    this.#deleted.clear()
    this.#replaced = true
    this.#wake()
  }

  #set(id: string, version: number, feature: LiveFeature): void {
    const kept = this.#kept.get(id)
    if (kept && kept.generation === this.#generation && kept.version >= version) return
    if (kept && kept.version === version && sameUpdate(kept.feature, feature)) {
      kept.generation = this.#generation // the same as before the reset: nothing to draw
      return
    }
    this.#kept.set(id, { feature, version, generation: this.#generation })
    this.#put.add(id)
    this.#removed.delete(id)
    this.#wake()
  }

  #drop(id: string): void {
    this.#kept.delete(id)
    this.#put.delete(id)
    if (this.#told.has(id)) this.#removed.add(id)
    this.#wake()
  }

  #wake(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#schedule(() => this.#flush())
  }

  #flush(): void {
    this.#scheduled = false
    if (this.#put.size === 0 && this.#removed.size === 0 && !this.#replaced) return
    const changes: Changes = { put: this.#put, removed: this.#removed, replaced: this.#replaced }
    for (const id of this.#put) this.#told.add(id)
    for (const id of this.#removed) this.#told.delete(id)
    this.#put = new Set()
    this.#removed = new Set()
    this.#replaced = false
    for (const listener of this.#listeners) listener(changes, this)
  }
}

function sameUpdate(a: LiveFeature, b: LiveFeature): boolean {
  return a.onemap?.updated !== undefined && a.onemap.updated === b.onemap?.updated
}

/** The next animation frame, or half a second later where none come (hidden pages, tests). */
export const nextFrame: Schedule = run => {
  let done = false
  const once = () => {
    if (done) return
    done = true
    clearTimeout(timer)
    run()
  }
  const timer = setTimeout(once, 500)
  if (typeof requestAnimationFrame === 'function') requestAnimationFrame(once)
  else queueMicrotask(once)
}
