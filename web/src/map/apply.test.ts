import type { LayerSpecification } from 'maplibre-gl'
import { beforeEach, describe, expect, it } from 'vitest'
import type { MapSpec } from '../style'
import { apply, type Target } from './apply'

/** A map that keeps the order of its layers and refuses what MapLibre would refuse. */
class FakeMap implements Target {
  order: string[] = []
  sources = new Map<string, unknown>()
  calls: string[] = []
  addSource(id: string, source: unknown) {
    if (this.sources.has(id)) throw new Error(`source ${id} is there`)
    this.sources.set(id, source)
    this.calls.push(`+source ${id}`)
  }
  removeSource(id: string) {
    if (!this.sources.delete(id)) throw new Error(`no source ${id}`)
    this.calls.push(`-source ${id}`)
  }
  addLayer(layer: LayerSpecification, before?: string) {
    if (this.order.includes(layer.id)) throw new Error(`layer ${layer.id} is there`)
    if ('source' in layer && !this.sources.has(layer.source as string)) throw new Error(`no source for ${layer.id}`)
    this.#insert(layer.id, before)
    this.calls.push(`+${layer.id}`)
  }
  removeLayer(id: string) {
    this.order = this.order.filter(l => l !== id)
    this.calls.push(`-${id}`)
  }
  moveLayer(id: string, before?: string) {
    this.order = this.order.filter(l => l !== id)
    this.#insert(id, before)
    this.calls.push(`>${id}`)
  }
  setPaintProperty(id: string, name: string, value: unknown) {
    this.calls.push(`${id}.${name}=${value}`)
  }
  setLayoutProperty(id: string, name: string, value: unknown) {
    this.calls.push(`${id}.${name}=${value}`)
  }
  setFilter(id: string) {
    this.calls.push(`${id}.filter`)
  }
  setLayerZoomRange(id: string) {
    this.calls.push(`${id}.zoom`)
  }
  #insert(id: string, before?: string) {
    const at = before === undefined ? this.order.length : this.order.indexOf(before)
    if (at < 0) throw new Error(`no layer ${before}`)
    this.order.splice(at, 0, id)
  }
}

function spec(layers: string[], paint: Record<string, string> = {}): MapSpec {
  const sources: MapSpec['sources'] = {}
  for (const id of layers) sources[`s-${id}`] = { type: 'geojson', data: { type: 'FeatureCollection', features: [] } }
  return {
    sources,
    layers: layers.map(id => ({
      id,
      type: 'circle',
      source: `s-${id}`,
      paint: { 'circle-color': paint[id] ?? 'red' },
    })),
    pickable: [],
    areas: [],
  }
}

let map: FakeMap
beforeEach(() => {
  map = new FakeMap()
})

describe('Bringing a map to a spec', () => {
  it('adds everything to an empty map in order', () => {
    expect(apply(map, null, spec(['a', 'b', 'c'])).sort()).toEqual(['s-a', 's-b', 's-c'])
    expect(map.order).toEqual(['a', 'b', 'c'])
  })

  it('changes nothing where nothing changed', () => {
    apply(map, null, spec(['a', 'b']))
    map.calls = []
    expect(apply(map, spec(['a', 'b']), spec(['a', 'b']))).toEqual([])
    expect(map.calls).toEqual([])
  })

  it('touches only the property that differs', () => {
    apply(map, null, spec(['a', 'b']))
    map.calls = []
    apply(map, spec(['a', 'b']), spec(['a', 'b'], { b: 'blue' }))
    expect(map.calls).toEqual(['b.circle-color=blue'])
  })

  it('reaches every order from every other', () => {
    const some = ['a', 'ab', 'ba', 'abc', 'cab', 'bcd', 'dcba', 'adbc', 'e', ''].map(s => [...s])
    for (const from of some) {
      for (const to of some) {
        map = new FakeMap()
        apply(map, null, spec(from))
        apply(map, spec(from), spec(to))
        expect(map.order, `${from} to ${to}`).toEqual(to)
        expect([...map.sources.keys()].sort()).toEqual(to.map(id => `s-${id}`).sort())
      }
    }
  })

  it('replaces the layers of a source that became another', () => {
    const before = spec(['a', 'b'])
    apply(map, null, before)
    map.calls = []
    const after = spec(['a', 'b'])
    after.sources['s-a'] = { type: 'vector', tiles: ['http://x/{z}/{x}/{y}'] }
    apply(map, before, after)
    expect(map.calls).toEqual(['-a', '-source s-a', '+source s-a', '+a'])
    expect(map.order).toEqual(['a', 'b'])
  })
})
