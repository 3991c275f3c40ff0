// The latest rows of a layer with a time role, for the ticker: hotline incidents.

import type { Entry } from '../api'
import type { LiveFeature } from '../live'
import { byRole, colourOf, nameOf, termTitle } from './catalogue'
import { textOf } from './read'

export interface Incident {
  id: string
  title: string
  /** Category, status: as the schema titles them. */
  category: string
  statusTitle: string
  /** How far it is, 0 (new) to 1 (closed): its place among the values that the schema lists. */
  progress: number
  colour: string
  division: string
  /** Milliseconds since 1970. */
  reported: number
}

export function incident(entry: Entry, f: LiveFeature): Incident {
  const status = byRole(entry, 'status', f)
  const attribute = entry.layer.schema.find(a => a.role === 'status')
  const steps = attribute?.enum ?? []
  const at = steps.findIndex(t => t.value === status)
  const time = Date.parse(byRole(entry, 'time', f))
  return {
    id: String(f.id),
    title: nameOf(entry, f),
    category: termTitle(entry, 'category', textOf(f, 'category')),
    statusTitle: termTitle(entry, attribute?.name ?? '', status),
    progress: steps.length > 1 && at >= 0 ? at / (steps.length - 1) : 0,
    colour: colourOf(entry, f),
    division: byRole(entry, 'division', f),
    reported: Number.isNaN(time) ? Date.parse(f.onemap?.updated ?? '') || 0 : time,
  }
}

/** The newest reports, newest first; closed ones only while there are not enough others. */
export function latestIncidents(entry: Entry, features: Iterable<LiveFeature>, n: number): Incident[] {
  const open: Incident[] = []
  const closed: Incident[] = []
  for (const f of features) {
    const i = incident(entry, f)
    ;(i.progress === 1 ? closed : open).push(i)
  }
  const newest = (a: Incident, b: Incident) => b.reported - a.reported || (a.id < b.id ? -1 : 1)
  open.sort(newest)
  if (open.length >= n) return open.slice(0, n)
  return [...open, ...closed.sort(newest).slice(0, n - open.length)].sort(newest)
}
