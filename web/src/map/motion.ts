// Draws what glides, as often as the map can bear.

import type { Feature } from 'geojson'
import type { LonLat } from '../api'
import { type Distance, Glide, mostGliding } from './glide'

/** Milliseconds between two drawings of what glides. */
const frame = 66
/** Milliseconds that one drawing may take: a map that needs longer is shown jumps, because it has no time for more. */
const affordable = 50
/** Drawings whose cost is remembered. */
const remembered = 7

export interface Stage {
  /** Hands features of a source to the map. */
  draw(source: string, features: Feature[]): void
  distance: Distance
  /** Pixels beyond which nothing glides: the size of the window. */
  reach(): number
  /** Whether nothing may glide now, for a reader who wants no motion or does not look. */
  still(): boolean
}

/** The sources in which things glide. It draws the next step only when the map has drawn the last, so it delays nobody. */
export class Motion {
  readonly #stage: Stage
  #glides = new Map<string, Glide>()
  #costs: number[] = []
  #handed = 0
  #waiting = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** The newest features of a source: they are drawn now, and those that moved are on their way. */
  set(source: string, features: Feature[]): void {
    let glide = this.#glides.get(source)
    if (!glide) {
      glide = new Glide()
      this.#glides.set(source, glide)
    }
    const now = performance.now()
    glide.set(features, now, this.#stage.distance, features.length <= mostGliding ? this.#stage.reach() : -1)
    if (this.#stage.still() || !this.#affords()) glide.arrive()
    this.#hand(source, glide.drawn(now), now)
    if (!glide.moves(now)) return
    this.#plan()
  }

  drop(source: string): void {
    this.#glides.delete(source)
  }

  /** Where a feature is drawn now. */
  where(source: string, id: string): LonLat | null {
    return this.#glides.get(source)?.where(id, performance.now()) ?? null
  }

  /** The map has drawn all it was given. */
  drawn(): void {
    if (!this.#waiting) return
    this.#waiting = false
    this.#costs = [...this.#costs, performance.now() - this.#handed].slice(-remembered)
    this.#plan()
  }

  /** Forgets everything: what comes next is there at once. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#glides.clear()
  }

  #hand(source: string, features: Feature[], now: number): void {
    if (!this.#waiting) this.#handed = now
    this.#waiting = !this.#stage.still() // else it may take for ever, and what it takes is no measure
    this.#stage.draw(source, features)
  }

  /** By the median, so that a scene that fades or a tile that is late does not count. */
  #affords(): boolean {
    if (this.#costs.length === 0) return false
    const sorted = [...this.#costs].sort((a, b) => a - b)
    return (sorted[(sorted.length - 1) >> 1] ?? 0) <= affordable
  }

  #plan(): void {
    if (this.#waiting || this.#timer !== undefined) return
    const now = performance.now()
    if (![...this.#glides.values()].some(g => g.moves(now) || g.owes)) return
    this.#timer = setTimeout(() => this.#step(), Math.max(0, this.#handed + frame - now))
  }

  #step(): void {
    this.#timer = undefined
    const now = performance.now()
    const stop = this.#stage.still() || !this.#affords()
    for (const [source, glide] of this.#glides) {
      if (!glide.moves(now) && !glide.owes) continue
      if (stop) glide.arrive()
      this.#hand(source, glide.drawn(now), now)
    }
  }
}
