import type { Feature, Point } from 'geojson'
import { describe, expect, it } from 'vitest'
import type { LonLat } from '../api'
import { Glide } from './glide'

const vehicle = (id: string, lon: number, lat = 23): Feature => ({
  type: 'Feature',
  geometry: { type: 'Point', coordinates: [lon, lat] },
  properties: { _id: id },
})
/** A degree is 100 pixels. */
const distance = (a: LonLat, b: LonLat) => 100 * Math.hypot(a[0] - b[0], a[1] - b[1])
const lons = (features: Feature[]) => features.map(f => (f.geometry as Point).coordinates[0])

describe('Things that move', () => {
  it('glide for as long as there was between two updates, and then rest', () => {
    const glide = new Glide()
    glide.set([vehicle('a', 108)], 0, distance, 300)
    expect(glide.moves(0)).toBe(false)
    glide.set([vehicle('a', 109)], 1000, distance, 300)
    expect(lons(glide.drawn(1000))).toEqual([108])
    expect(lons(glide.drawn(1500))).toEqual([108.5])
    expect(glide.where('a', 1750)).toEqual([108.75, 23])
    expect(glide.moves(1999)).toBe(true)
    expect(glide.moves(2000)).toBe(false)
    expect(glide.owes).toBe(true) // its place at 1500 was drawn last
    expect(lons(glide.drawn(2000))).toEqual([109])
    expect(glide.owes).toBe(false)
  })

  it('turn where they are drawn, not where they were going', () => {
    const glide = new Glide()
    glide.set([vehicle('a', 108)], 0, distance, 300)
    glide.set([vehicle('a', 109)], 1000, distance, 300)
    glide.set([vehicle('a', 108)], 1500, distance, 300)
    expect(lons(glide.drawn(1500))).toEqual([108.5])
    expect(lons(glide.drawn(1750))).toEqual([108.25])
  })

  it('keep on their way when others change', () => {
    const glide = new Glide()
    glide.set([vehicle('a', 108), vehicle('b', 105)], 0, distance, 300)
    glide.set([vehicle('a', 109), vehicle('b', 105)], 1000, distance, 300)
    glide.set([vehicle('a', 109), vehicle('b', 106)], 1500, distance, 300)
    expect(lons(glide.drawn(1500))).toEqual([108.5, 105])
    expect(lons(glide.drawn(1750))).toEqual([108.75, 105.16666666666667])
  })

  it('never take longer than two seconds, however rarely they report', () => {
    const glide = new Glide()
    glide.set([vehicle('a', 108)], 0, distance, 300)
    glide.set([vehicle('a', 109)], 60_000, distance, 300)
    expect(lons(glide.drawn(61_000))).toEqual([108.5])
    expect(glide.moves(62_000)).toBe(false)
  })

  it('are there at once when they are new or come from afar', () => {
    const glide = new Glide()
    glide.set([vehicle('a', 108)], 0, distance, 300)
    glide.set([vehicle('a', 112), vehicle('b', 105)], 1000, distance, 300)
    expect(glide.moves(1000)).toBe(false)
    expect(lons(glide.drawn(1000))).toEqual([112, 105])
  })

  it('can be told to arrive, and what is gone is forgotten', () => {
    const glide = new Glide()
    glide.set([vehicle('a', 108)], 0, distance, 300)
    glide.set([vehicle('a', 109)], 1000, distance, 300)
    glide.arrive()
    expect(lons(glide.drawn(1001))).toEqual([109])
    glide.set([], 2000, distance, 300)
    expect(glide.where('a', 2000)).toBeNull()
    glide.set([vehicle('a', 108)], 3000, distance, 300)
    expect(lons(glide.drawn(3000))).toEqual([108])
  })

  it('leave lines and polygons alone', () => {
    const glide = new Glide()
    const line: Feature = {
      type: 'Feature',
      geometry: {
        type: 'LineString',
        coordinates: [
          [108, 22],
          [109, 23],
        ],
      },
      properties: { _id: 'l' },
    }
    glide.set([line], 0, distance, 300)
    glide.set(
      [
        {
          ...line,
          geometry: {
            type: 'LineString',
            coordinates: [
              [105, 22],
              [109, 23],
            ],
          },
        },
      ],
      1000,
      distance,
      300,
    )
    expect(glide.moves(1000)).toBe(false)
  })
})
