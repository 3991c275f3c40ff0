// Things that move glide from where they were to where they are, instead of jumping.

import type { Feature, Point } from 'geojson'
import type { LonLat } from '../api'

/** Milliseconds that a way takes at least and at most; in between it takes as long as there were between two updates. */
const shortest = 200
const longest = 2000
/** A layer with more features jumps: to draw so many again and again would keep the page busy. */
export const mostGliding = 500

interface Place {
  from: LonLat
  to: LonLat
  began: number
  lasts: number
}

/** How far apart two places are on the screen, in pixels. */
export type Distance = (a: LonLat, b: LonLat) => number

/**
 * Where the points of one source are drawn. It is told what is true and asked what to draw at a time; both lists have the
 * same features in the same order.
 */
export class Glide {
  #features: Feature[] = []
  #places = new Map<string, Place>()
  #until = 0
  /** Whether the last that was drawn is not what is true. */
  owes = false

  /** Takes the newest features. A feature that is new, or too far from where it was, is there at once. */
  set(features: Feature[], now: number, distance: Distance, reach: number): void {
    const places = new Map<string, Place>()
    this.#until = 0
    for (const f of features) {
      if (f.geometry?.type !== 'Point') continue
      const id = idOf(f)
      const to = f.geometry.coordinates as LonLat
      const was = this.#places.get(id)
      if (was && was.to[0] === to[0] && was.to[1] === to[1]) {
        places.set(id, was)
        this.#until = Math.max(this.#until, was.began + was.lasts)
        continue
      }
      const from = was ? at(was, now) : to
      const lasts = was && distance(from, to) <= reach ? Math.min(Math.max(now - was.began, shortest), longest) : 0
      places.set(id, { from: lasts > 0 ? from : to, to, began: now, lasts })
      this.#until = Math.max(this.#until, now + lasts)
    }
    this.#features = features
    this.#places = places
  }

  /** Whether something is on its way at this time. */
  moves(now: number): boolean {
    return now < this.#until
  }

  /** Everybody is where they should be. */
  arrive(): void {
    for (const place of this.#places.values()) place.lasts = 0
    this.#until = 0
  }

  /** What to draw at this time. */
  drawn(now: number): Feature[] {
    this.owes = this.moves(now)
    if (!this.owes) return this.#features
    return this.#features.map(f => {
      const place = f.geometry?.type === 'Point' ? this.#places.get(idOf(f)) : undefined
      if (!place || now >= place.began + place.lasts) return f
      return { ...f, geometry: { type: 'Point', coordinates: at(place, now) } satisfies Point }
    })
  }

  /** Where a feature is drawn at this time; null if it is no point of this source. */
  where(id: string, now: number): LonLat | null {
    const place = this.#places.get(id)
    return place ? at(place, now) : null
  }
}

function idOf(f: Feature): string {
  return String(f.properties?._id ?? f.id)
}

function at({ from, to, began, lasts }: Place, now: number): LonLat {
  const t = lasts > 0 ? Math.min(Math.max((now - began) / lasts, 0), 1) : 1
  return t === 1 ? to : [from[0] + (to[0] - from[0]) * t, from[1] + (to[1] - from[1]) * t]
}
