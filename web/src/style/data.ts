// How one department's layer is drawn: a pure function of its definition, its
// freshness and the theme.

import type { ExpressionSpecification, LayerSpecification } from 'maplibre-gl'
import type { DisplayClass, Entry } from '../api'
import type { Lang } from '../i18n'
import { byClass } from './classes'
import { below, byMajority, countText, growth, ifAlarm, mergedOnly, ownOnly, unlessMerged } from './clusters'
import { byZoom, type Expression, fonts, nameExpression } from './expressions'
import { glyphImage, hatchImage, headingImage, shapeSize } from './images'
import { mix, paletteColor, type Theme } from './theme'

export interface DataInput {
  entry: Entry
  theme: Theme
  lang: Lang
  scale: number
  /** 0 hides the layer without unloading it: the wall fades scenes so. */
  opacity: number
  source: string
  /** Missing for a GeoJSON source. */
  sourceLayer?: string
  /** From this zoom names are drawn, instead of a zoom that suits the layer's size. */
  labelZoom?: number
}

export type Kind = 'polygon' | 'line' | 'point'

/** What a layer holds, in drawing order. */
export function kindsOf(entry: Entry): Kind[] {
  const type = entry.layer.geometry
  if (type === 'Geometry') return ['polygon', 'line', 'point']
  if (type.endsWith('Polygon')) return ['polygon']
  return type.endsWith('LineString') ? ['line'] : ['point']
}

/** The style layers of one kind of geometry of a layer. Their ids start with the layer's id and a colon. */
export function dataLayers(input: DataInput, kind: Kind): LayerSpecification[] {
  switch (kind) {
    case 'polygon':
      return polygonLayers(input)
    case 'line':
      return lineLayers(input)
    case 'point':
      return pointLayers(input)
  }
}

/** Names of a layer's features, which lie above all symbols, and numbers of merged ones, for which names make room. */
export function dataLabels(input: DataInput): LayerSpecification[] {
  if (!kindsOf(input.entry).includes('point')) return []
  return [...nameLabels(input), ...countLabels(input)]
}

function nameLabels(input: DataInput): LayerSpecification[] {
  const { entry, theme, lang, scale, opacity } = input
  const { layer, status } = entry
  const name = nameExpression(layer, lang)
  if (!name) return []
  const minzoom = input.labelZoom ?? (status.count <= 40 ? 8 : status.count <= 400 ? 10 : 12.5)
  return [
    {
      id: `${layer.id}:label`,
      type: 'symbol',
      ...from(input),
      minzoom: Math.max(minzoom, layer.display?.minZoom ?? 0),
      filter: ['==', ['geometry-type'], 'Point'],
      layout: {
        'text-field': name,
        'text-font': [fonts.regular],
        'text-size': byZoom([8, 11, 14, 13], scale),
        'text-anchor': 'top',
        'text-offset': [0, 1],
        'text-max-width': 9,
        'text-padding': 4 * scale,
      },
      paint: {
        'text-color': isStale(entry) ? theme.label.minor : theme.label.text,
        'text-halo-color': theme.label.halo,
        'text-halo-width': 1.5 * scale,
        'text-opacity': opacity,
      },
    },
  ]
}

/** A layer that has more points than fit beside each other. */
const isDense = (entry: Entry) => entry.status.count > 5000

/** The zoom from which a circle has room for something inside. */
const insideFrom = (entry: Entry) => (isDense(entry) ? 13 : 9.5)

/** The colour of a class as shown in the map and in its legend: late data lose colour, lost data have none. */
export function classColor(entry: Entry, theme: Theme, color: string | undefined): string {
  return isLost(entry) ? theme.stale : faded(entry, theme, paletteColor(theme, color))
}

/** A colour with what it loses when data are late; of a scale, which must stay one, also when they are lost. */
export function faded(entry: Entry, theme: Theme, color: string): string {
  return isStale(entry) ? mix(color, theme.stale, 0.6) : color
}

export function isStale(entry: Entry): boolean {
  return entry.status.freshness !== 'fresh'
}

export function isLost(entry: Entry): boolean {
  return entry.status.freshness === 'lost' || entry.status.freshness === 'zombie'
}

function pointLayers(input: DataInput): LayerSpecification[] {
  const { entry, theme, scale, opacity } = input
  const { layer } = entry
  const display = layer.display ?? {}
  const minzoom = display.minZoom ?? 0
  if (display.heading) {
    return [
      {
        id: `${layer.id}:heading`,
        type: 'symbol',
        ...from(input),
        minzoom,
        filter: ['==', ['geometry-type'], 'Point'],
        layout: {
          'icon-image': headingImage,
          'icon-size': byZoom([5, 8 / shapeSize, 7, 12 / shapeSize, 9.5, 20 / shapeSize, 12, 30 / shapeSize], [
            '*',
            scale,
            alarmFactor(entry, 1.25),
          ] as unknown as ExpressionSpecification),
          'symbol-sort-key': alarmFirst(entry),
          'icon-rotate': ['to-number', ['get', display.heading], 0],
          'icon-rotation-alignment': 'map',
          'icon-allow-overlap': true,
          'icon-ignore-placement': true,
        },
        paint: {
          'icon-color': classed(entry, c => classColor(entry, theme, c.color)),
          'icon-halo-color': theme.ring,
          // Never more than the distance field has room for: six times the icon-size.
          'icon-halo-width': byZoom([5, 0.4, 7, 0.8, 9.5, 1.4, 12, 2], scale),
          'icon-opacity': opacity,
        },
      },
    ]
  }
  const dense = isDense(entry)
  const stops = dense ? [6, 1.1, 9, 1.8, 11, 3, 13, 5, 15, 8] : [5, 2.6, 7, 4, 9, 6.5, 11, 9.5, 14, 12]
  const shade = (c: Pick<DisplayClass, 'color'>) => classColor(entry, theme, c.color)
  const plain = shade({ color: display.color ?? (display.classes?.length ? 'grey' : 'blue') })
  const color = unlessMerged(classed(entry, shade), byMajority(entry, shade, plain))
  const size = (zoom: number) =>
    ['*', scale, unlessMerged(sizeFactor(entry), growth(zoom))] as unknown as ExpressionSpecification
  const lost = isLost(entry)
  const alarm = paletteColor(theme, 'red')
  const out: LayerSpecification[] = [
    {
      id: `${layer.id}:circle`,
      type: 'circle',
      ...from(input),
      minzoom,
      filter: ['==', ['geometry-type'], 'Point'],
      layout: { 'circle-sort-key': unlessMerged(alarmFirst(entry), below(entry)) },
      paint: {
        'circle-color': lost ? theme.land : color,
        'circle-radius': byZoom(stops, size),
        // A lost layer's points are hollow, so that grey is not the only sign.
        'circle-stroke-color': lost ? theme.stale : unlessMerged(theme.ring, ifAlarm(entry, alarm, theme.ring)),
        'circle-stroke-width': lost ? byZoom([6, 1, 11, 2], scale) : byZoom([6, dense ? 0.2 : 0.8, 11, 1.5], scale),
        'circle-opacity': opacity * (lost ? 0.7 : 1),
        'circle-stroke-opacity': opacity,
      },
    },
  ]
  const from0 = insideFrom(entry)
  if (display.symbol) {
    out.push({
      id: `${layer.id}:glyph`,
      type: 'symbol',
      ...from(input),
      minzoom: Math.max(minzoom, from0),
      filter: ['all', ['==', ['geometry-type'], 'Point'], ownOnly] as ExpressionSpecification,
      layout: {
        'icon-image': glyphImage(display.symbol),
        // A glyph fills five eighths of its circle.
        'icon-size': byZoom(
          stops.map((n, i) => (i % 2 === 0 ? n : (n * 1.25) / shapeSize)),
          size,
        ),
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
      },
      paint: {
        'icon-color': lost ? theme.stale : theme.glyph,
        'icon-opacity': byZoom([from0, 0, from0 + 0.4, opacity]),
      },
    })
  }
  return out
}

function countLabels(input: DataInput): LayerSpecification[] {
  const { entry, theme, lang, scale, opacity } = input
  const { id, display = {} } = entry.layer
  if (display.live || display.heading) return [] // what is live does not merge, and an arrow has no room
  const from0 = insideFrom(entry)
  return [
    {
      id: `${id}:count`,
      type: 'symbol',
      ...from(input),
      minzoom: Math.max(display.minZoom ?? 0, from0),
      filter: ['all', ['==', ['geometry-type'], 'Point'], mergedOnly] as ExpressionSpecification,
      layout: {
        'text-field': countText(lang),
        'text-font': [fonts.bold],
        'text-size': byZoom([from0, 9, from0 + 2, 11], scale),
        'text-padding': scale,
        // Whose circle is above has its number.
        'symbol-sort-key': ['-', below(entry)] as unknown as ExpressionSpecification,
      },
      paint: {
        'text-color': isLost(entry) ? theme.stale : theme.glyph,
        'text-opacity': byZoom([from0, 0, from0 + 0.4, opacity]),
      },
    },
  ]
}

function lineLayers(input: DataInput): LayerSpecification[] {
  const { entry, theme, scale, opacity } = input
  const { layer } = entry
  const color = classed(entry, c => classColor(entry, theme, c.color))
  const factor = ['*', scale, alarmFactor(entry, 1.5)] as unknown as ExpressionSpecification
  const common = {
    type: 'line' as const,
    ...from(input),
    minzoom: layer.display?.minZoom ?? 0,
    filter: ['==', ['geometry-type'], 'LineString'] as ExpressionSpecification,
    layout: { 'line-join': 'round' as const, 'line-cap': 'round' as const, 'line-sort-key': alarmFirst(entry) },
  }
  return [
    {
      ...common,
      id: `${layer.id}:casing`,
      paint: {
        'line-color': theme.ring,
        'line-width': byZoom([5, 1.8, 9, 4, 14, 9], factor),
        'line-opacity': 0.8 * opacity,
      },
    },
    {
      ...common,
      id: `${layer.id}:line`,
      ...(isLost(entry) ? { layout: { ...common.layout, 'line-cap': 'butt' as const } } : {}),
      paint: {
        'line-color': color,
        'line-width': byZoom([5, 1, 9, 2.4, 14, 6], factor),
        'line-opacity': opacity,
        ...(isLost(entry) ? { 'line-dasharray': [2, 2] } : {}),
      },
    },
  ]
}

function polygonLayers(input: DataInput): LayerSpecification[] {
  const { entry, theme, scale, opacity } = input
  const { layer } = entry
  const color = classed(entry, c => classColor(entry, theme, c.color))
  const minzoom = layer.display?.minZoom ?? 0
  const filter: ExpressionSpecification = ['==', ['geometry-type'], 'Polygon']
  return [
    {
      id: `${layer.id}:fill`,
      type: 'fill',
      ...from(input),
      minzoom,
      filter,
      paint: isLost(entry)
        ? { 'fill-pattern': hatchImage(theme.stale), 'fill-opacity': 0.4 * opacity }
        : {
            'fill-color': color,
            'fill-opacity': (layer.display?.classes?.length ? 0.42 : 0.3) * opacity,
            'fill-antialias': false,
          },
    },
    {
      id: `${layer.id}:edge`,
      type: 'line',
      ...from(input),
      minzoom,
      filter,
      layout: { 'line-join': 'round' },
      paint: {
        'line-color': color,
        'line-width': byZoom([5, 0.8, 9, 1.6, 13, 2.4], scale),
        'line-opacity': opacity * (isLost(entry) ? 0.55 : 1),
      },
    },
  ]
}

function from({ source, sourceLayer }: DataInput): { source: string; 'source-layer'?: string } {
  return sourceLayer === undefined ? { source } : { source, 'source-layer': sourceLayer }
}

/** A value by the feature's class, or the layer's own. */
function classed(entry: Entry, output: (c: Pick<DisplayClass, 'color'>) => string): Expression<string> {
  const { colorBy, classes, color } = entry.layer.display ?? {}
  const own = output({ color: color ?? 'blue' })
  if (!colorBy || !classes?.length) return own
  return byClass(colorBy, classes, output, colorBy && color ? own : output({ color: 'grey' }))
}

/** Red classes are alarms: they are drawn larger and on top, so that colour is not their only sign. */
function alarmFactor(entry: Entry, factor: number): Expression<number> {
  const { colorBy, classes } = entry.layer.display ?? {}
  if (!colorBy || !classes?.length) return 1
  return byClass(colorBy, classes, c => (c.color === 'red' ? factor : 1), 1)
}

function alarmFirst(entry: Entry): Expression<number> {
  const { colorBy, classes } = entry.layer.display ?? {}
  if (!colorBy || !classes?.length) return 0
  const rank: Record<string, number> = { red: 3, orange: 2, amber: 1 }
  return byClass(colorBy, classes, c => rank[c.color] ?? 0, 0)
}

function sizeFactor(entry: Entry): Expression<number> {
  const { sizeBy } = entry.layer.display ?? {}
  const alarm = alarmFactor(entry, 1.35)
  if (!sizeBy) return alarm
  // The logarithm keeps a hospital of 2,000 beds from covering one of 50.
  const amount = ['max', 0, ['to-number', ['get', sizeBy], 0]]
  return [
    '*',
    alarm,
    ['min', 2, ['+', 0.65, ['*', 0.35, ['log10', ['+', 1, amount]]]]],
  ] as unknown as ExpressionSpecification
}
