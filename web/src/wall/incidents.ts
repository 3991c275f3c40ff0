// The latest hotline incidents (12345), for the ticker.

import type { LiveFeature } from '../live'
import { textOf, timeOf } from './read'

export interface Incident {
  id: string
  title: string
  category: string
  status: string
  division: string
  /** Milliseconds since 1970. */
  reported: number
}

export function incident(f: LiveFeature): Incident {
  return {
    id: String(f.id),
    title: textOf(f, 'title'),
    category: textOf(f, 'category'),
    status: textOf(f, 'status'),
    division: textOf(f, 'division'),
    reported: timeOf(f, 'reported_at') ?? (Date.parse(f.onemap?.updated ?? '') || 0),
  }
}

/** The newest reports, newest first; closed ones only while there are not enough others. */
export function latestIncidents(features: Iterable<LiveFeature>, n: number): Incident[] {
  const open: Incident[] = []
  const closed: Incident[] = []
  for (const f of features) {
    const i = incident(f)
    ;(i.status === 'closed' ? closed : open).push(i)
  }
  const newest = (a: Incident, b: Incident) => b.reported - a.reported || (a.id < b.id ? -1 : 1)
  open.sort(newest)
  if (open.length >= n) return open.slice(0, n)
  return [...open, ...closed.sort(newest).slice(0, n - open.length)].sort(newest)
}
