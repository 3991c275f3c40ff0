// The rows of the legend: which of a scene's layers, how many, how old, and how
// they look on the map.

import type { Entry } from '../api'
import { textIn } from '../i18n'
import { classColor, kindsOf } from '../style'
import type { Row } from './Counters.svelte'
import { shortTitle } from './catalogue'
import type { WallModel } from './model.svelte'
import type { LayerRef } from './scenes'
import { asSeen, wallTheme } from './theme'

/** Heights and widths in 1/1080 of the wall's height, as the legend's styles make them. */
const rowHeight = 47
const lineHeight = 38
const lineWidth = 364

/** The legend of the current scene, in the scene's order. Classes are told of as many layers as the height has room for. */
export function rowsOf(model: WallModel, height: number): Row[] {
  const refs = model.scene?.layers ?? []
  const rows = refs.flatMap(ref => {
    const entry = model.entry(ref.id)
    return entry ? [row(entry, ref, model)] : []
  })
  let room = height - 92 - rows.reduce((sum, r) => sum + rowHeight + (r.freshness === 'fresh' ? 0 : lineHeight), 0)
  const focus = new Set(refs.filter(r => r.style?.emphasis === 'focus').map(r => r.id))
  for (const r of rows.toSorted((a, b) => Number(focus.has(b.id)) - Number(focus.has(a.id)))) {
    const needs = r.freshness === 'fresh' ? lineHeight * linesOf(r.classes.map(c => c.label)) : 0
    if (needs > room) r.classes = []
    else room -= needs
  }
  return rows
}

/** How many lines the classes take: a dot, a gap and 28 for each character. */
function linesOf(labels: readonly string[]): number {
  let lines = 0
  let left = 0
  for (const label of labels) {
    const width = 26 + 28 * label.length
    if (width > left) {
      lines++
      left = lineWidth
    }
    left -= width + 14
  }
  return lines
}

function row(original: Entry, ref: LayerRef, model: WallModel): Row {
  const entry = asSeen(original, ref.style?.emphasis === 'focus')
  const { layer } = entry
  const { freshness, age } = model.judged(original)
  const current = { ...entry, status: { ...entry.status, freshness } }
  const display = layer.display ?? {}
  return {
    id: layer.id,
    title: shortTitle(entry),
    count: model.count(layer.id),
    freshness,
    age,
    kind: kindsOf(entry)[0] ?? 'point',
    heading: display.heading !== undefined,
    colour: classColor(current, wallTheme, display.color ?? display.classes?.[0]?.color),
    symbol: display.symbol,
    classes: (display.colorBy ? (display.classes ?? []) : []).map(c => ({
      label: textIn('zh', c.label),
      colour: classColor(current, wallTheme, c.color),
    })),
  }
}
