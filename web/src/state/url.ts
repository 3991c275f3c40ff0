// The map-state document as the hash of an address, short enough to be read out:
// #map=8.2/23.41/108.9&theme=day&on=hospitals,schools~60~grid&sel=@division/450100

import { initialState, type LayerState, type MapState, type Selection } from './state'

/** Writes a state; what equals the default is left out. */
export function toHash(state: MapState): string {
  const parts: string[] = []
  if (state.camera) {
    const { center, zoom } = state.camera
    parts.push(`map=${round(zoom, 2)}/${round(center[1], 4)}/${round(center[0], 4)}`)
  }
  if (state.theme !== initialState.theme) parts.push(`theme=${state.theme}`)
  if (state.lang !== initialState.lang) parts.push(`lang=${state.lang}`)
  if (state.choropleth) parts.push(`by=${encode(state.choropleth)}`)
  if (state.layers) parts.push(`on=${state.layers.map(writeLayer).join(',')}`)
  if (state.selection) parts.push(`sel=${writeSelection(state.selection)}`)
  return parts.length > 0 ? `#${parts.join('&')}` : ''
}

/** Reads a hash. What can't be understood is as if it were not there. */
export function fromHash(hash: string): MapState {
  const state: MapState = { ...initialState }
  for (const part of hash.replace(/^#/, '').split('&')) {
    const at = part.indexOf('=')
    if (at < 0) continue
    const value = part.slice(at + 1)
    switch (part.slice(0, at)) {
      case 'map':
        state.camera = readCamera(value)
        break
      case 'theme':
        if (value === 'night' || value === 'day') state.theme = value
        break
      case 'lang':
        if (value === 'zh' || value === 'en') state.lang = value
        break
      case 'by':
        state.choropleth = decode(value) || null
        break
      case 'on':
        state.layers = value === '' ? [] : value.split(',').flatMap(readLayer)
        break
      case 'sel':
        state.selection = readSelection(value)
        break
    }
  }
  return state
}

function writeLayer({ id, opacity, density }: LayerState): string {
  const percent = opacity < 1 ? [Math.round(opacity * 100)] : []
  return [encode(id), ...percent, ...(density ? [density] : [])].join('~')
}

function readLayer(text: string): LayerState[] {
  const [id = '', ...rest] = text.split('~')
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(id)) return []
  const density = rest.find(part => part === 'heat' || part === 'grid')
  const percent = rest.find(part => part !== density)
  const opacity = percent === undefined ? 1 : Number(percent) / 100
  return [
    {
      id,
      opacity: Number.isFinite(opacity) ? Math.min(1, Math.max(0.1, opacity)) : 1,
      ...(density ? { density } : {}),
    },
  ]
}

function writeSelection(s: Selection): string {
  return s.kind === 'feature' ? `${encode(s.layer)}/${encode(s.id)}` : `@${s.kind}/${encode(s.code)}`
}

function readSelection(text: string): Selection | null {
  const at = text.indexOf('/')
  if (at < 0) return null
  const kind = text.slice(0, at)
  const rest = decode(text.slice(at + 1))
  if (!rest) return null
  if (kind === '@division' || kind === '@enterprise') {
    return { kind: kind.slice(1) as 'division' | 'enterprise', code: rest }
  }
  return kind.startsWith('@') ? null : { kind: 'feature', layer: decode(kind), id: rest }
}

function readCamera(text: string): MapState['camera'] {
  const [zoom, lat, lon] = text.split('/').map(Number)
  if (zoom === undefined || lat === undefined || lon === undefined) return null
  if (![zoom, lat, lon].every(Number.isFinite) || Math.abs(lat) > 85 || Math.abs(lon) > 180) return null
  return { center: [lon, lat], zoom }
}

function encode(text: string): string {
  return encodeURIComponent(text)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

function round(n: number, digits: number): number {
  return Number(n.toFixed(digits))
}
