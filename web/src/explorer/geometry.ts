import type { Geometry, Position } from 'geojson'
import type { BBox, LonLat } from '../api'

/** What lies within some pixels of a place, on a map of 512 pixels at zoom 0. */
export function around([lon, lat]: LonLat, zoom: number, pixels: number): BBox {
  const x = (pixels * 360) / (512 * 2 ** zoom)
  const y = x * Math.cos((lat * Math.PI) / 180)
  return [lon - x, lat - y, lon + x, lat + y]
}

/** The bounds of a geometry, CRS84, or null if it is empty. */
export function boundsOf(geometry: Geometry): BBox | null {
  const bounds: BBox = [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]
  const visit = (value: unknown): void => {
    if (!Array.isArray(value)) return
    if (typeof value[0] !== 'number') {
      for (const part of value) visit(part)
      return
    }
    const [x, y] = value as Position as [number, number]
    bounds[0] = Math.min(bounds[0], x)
    bounds[1] = Math.min(bounds[1], y)
    bounds[2] = Math.max(bounds[2], x)
    bounds[3] = Math.max(bounds[3], y)
  }
  if (geometry.type === 'GeometryCollection')
    for (const g of geometry.geometries) visit('coordinates' in g ? g.coordinates : [])
  else visit(geometry.coordinates)
  return bounds[0] <= bounds[2] ? bounds : null
}
