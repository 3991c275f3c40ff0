// Reading numbers and words out of a feature's properties, which come from
// outside and may be missing or of another type.

import type { LiveFeature } from '../live'

export function numberOf(f: LiveFeature, attribute: string): number | null {
  const v = f.properties?.[attribute]
  const n = typeof v === 'string' && v.trim() !== '' ? Number(v) : v
  return typeof n === 'number' && Number.isFinite(n) ? n : null
}

export function textOf(f: LiveFeature, attribute: string): string {
  const v = f.properties?.[attribute]
  return v === null || v === undefined ? '' : String(v)
}

/** Milliseconds since 1970 of an attribute with an RFC 3339 time, or null. */
export function timeOf(f: LiveFeature, attribute: string): number | null {
  const t = Date.parse(textOf(f, attribute))
  return Number.isNaN(t) ? null : t
}

/** The position of a point feature in CRS84. */
export function pointOf(f: LiveFeature): [number, number] | null {
  if (f.geometry?.type !== 'Point') return null
  const [lon, lat] = f.geometry.coordinates
  return lon === undefined || lat === undefined ? null : [lon, lat]
}
