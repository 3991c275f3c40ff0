// The rows of the legend: which of a scene's layers, how many, how old, and how
// they look on the map.

import type { Entry } from '../api'
import { textIn } from '../i18n'
import { classColor, kindsOf, themes } from '../style'
import type { Row } from './Counters.svelte'
import { shortTitle } from './catalogue'
import type { WallModel } from './model.svelte'
import type { LayerRef } from './scenes'

/** The legend of the current scene, in the scene's order. */
export function rowsOf(model: WallModel): Row[] {
  return (model.scene?.layers ?? []).flatMap(ref => {
    const entry = model.entry(ref.id)
    return entry ? [row(entry, ref, model)] : []
  })
}

function row(entry: Entry, ref: LayerRef, model: WallModel): Row {
  const { layer } = entry
  const { freshness, age } = model.judged(entry)
  const current = { layer, status: { ...entry.status, freshness } }
  const display = layer.display ?? {}
  const focus = ref.style?.emphasis === 'focus'
  return {
    id: layer.id,
    title: shortTitle(entry),
    count: model.count(layer.id),
    freshness,
    age,
    kind: kindsOf(entry)[0] ?? 'point',
    heading: display.heading !== undefined,
    colour: classColor(current, themes.night, display.color ?? display.classes?.[0]?.color),
    symbol: display.symbol,
    // Few things on a wall: only what the scene is about is told class by class.
    classes: (focus && display.colorBy ? (display.classes ?? []) : []).map(c => ({
      label: textIn('zh', c.label),
      colour: classColor(current, themes.night, c.color),
    })),
  }
}
