// Holds the camera over the region. MapLibre's own maxBounds would zoom in until
// the window shows nothing else, and a wide window would never see the whole
// region; this lets a window show what is left and right of it, which is empty.

import type { BBox, LonLat } from '../api'

export interface Viewport {
  /** CSS pixels. */
  width: number
  height: number
  /** Covered by panels, CSS pixels. */
  padding: { top: number; right: number; bottom: number; left: number }
}

const tileSize = 512 // CSS pixels that the world measures at zoom 0

const mercatorX = (lon: number) => (lon + 180) / 360
const mercatorY = (lat: number) => 0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI)
const longitude = (x: number) => x * 360 - 180
const latitude = (y: number) => (Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) * 360) / Math.PI - 90

/**
 * The centre and zoom nearest to the wanted ones at which the uncovered part of the window either lies within the bounds
 * or, along an axis where it is larger than they are, holds them in its middle. It is never larger along both.
 */
export function constrain(
  [lon, lat]: LonLat,
  zoom: number,
  bounds: BBox,
  { width, height, padding }: Viewport,
): { center: LonLat; zoom: number } {
  const [west, south, east, north] = bounds
  const box = { x0: mercatorX(west), x1: mercatorX(east), y0: mercatorY(north), y1: mercatorY(south) }
  const open = {
    width: Math.max(1, width - padding.left - padding.right),
    height: Math.max(1, height - padding.top - padding.bottom),
  }
  const fit = Math.min(
    Math.log2(open.width / (box.x1 - box.x0) / tileSize),
    Math.log2(open.height / (box.y1 - box.y0) / tileSize),
  )
  const z = Math.max(zoom, fit)
  const world = tileSize * 2 ** z
  const x = within(mercatorX(lon), box.x0, box.x1, open.width / world)
  const y = within(mercatorY(lat), box.y0, box.y1, open.height / world)
  return { center: [longitude(x), latitude(y)], zoom: z }
}

/** The centre and zoom at which the bounds fill the uncovered part of the window, but for a margin in CSS pixels. */
export function framing(
  [west, south, east, north]: BBox,
  { width, height, padding }: Viewport,
  margin: number,
): { center: LonLat; zoom: number } {
  const [x0, x1, y0, y1] = [mercatorX(west), mercatorX(east), mercatorY(north), mercatorY(south)]
  const open = {
    width: Math.max(1, width - padding.left - padding.right - 2 * margin),
    height: Math.max(1, height - padding.top - padding.bottom - 2 * margin),
  }
  const scale = Math.min(open.width / Math.max(x1 - x0, 1e-9), open.height / Math.max(y1 - y0, 1e-9))
  return { center: [longitude((x0 + x1) / 2), latitude((y0 + y1) / 2)], zoom: Math.log2(scale / tileSize) }
}

function within(at: number, low: number, high: number, size: number): number {
  if (size >= high - low) return (low + high) / 2
  return Math.min(Math.max(at, low + size / 2), high - size / 2)
}
