import { describe, expect, it } from 'vitest'
import { fromHash, initialState, type MapState, toHash } from './index'

const full: MapState = {
  camera: { center: [108.3201, 22.8167], zoom: 9.25 },
  theme: 'day',
  lang: 'en',
  layers: [
    { id: 'hospitals', opacity: 1 },
    { id: 'hazard-zones', opacity: 0.6 },
    { id: 'enterprises', opacity: 1, density: 'heat' },
    { id: 'schools', opacity: 0.35, density: 'grid' },
  ],
  choropleth: 'divisions.population_2020',
  selection: { kind: 'feature', layer: 'hospitals', id: '示例/医院 01' },
}

describe('The address', () => {
  it('of the default state is empty', () => {
    expect(toHash(initialState)).toBe('')
    expect(fromHash('')).toEqual(initialState)
  })

  it('carries the whole state there and back', () => {
    expect(fromHash(toHash(full))).toEqual(full)
    for (const selection of [
      { kind: 'division', code: '450100' },
      { kind: 'enterprise', code: '91450100MA5KXXXX0X' },
      null,
    ] as MapState['selection'][]) {
      expect(fromHash(toHash({ ...full, selection })).selection).toEqual(selection)
    }
  })

  it('is short and can be read', () => {
    expect(toHash(full)).toMatch(
      /^#map=9.25\/22.8167\/108.3201&theme=day&lang=en&by=divisions.population_2020&on=hospitals,hazard-zones~60,enterprises~heat,schools~35~grid&sel=hospitals\//,
    )
  })

  it('tells no layers from the default layers', () => {
    expect(fromHash('#on=').layers).toEqual([])
    expect(fromHash('#theme=day').layers).toBeNull()
    expect(toHash({ ...initialState, layers: [] })).toBe('#on=')
  })

  it('reads a layer’s opacity and density in either order', () => {
    expect(fromHash('#on=a~grid~40,b~pie,c~heat~grid').layers).toEqual([
      { id: 'a', opacity: 0.4, density: 'grid' },
      { id: 'b', opacity: 1 },
      { id: 'c', opacity: 1, density: 'heat' },
    ])
  })

  it('ignores what it can’t understand', () => {
    const odd = '#map=a/b&theme=pink&on=../x,hospitals~900,<b>&sel=@nothing/1&lang=xx&=&%&by=%E0%A4%A&map=3/95/500'
    expect(fromHash(odd)).toEqual({ ...initialState, layers: [{ id: 'hospitals', opacity: 1 }] })
  })
})
