// The rows of a scene's charts, from the features of their layers.

import type { Entry } from '../api'
import { formatNumber, textIn } from '../i18n'
import type { FeatureStore } from '../live'
import type { Bar } from './BarChart.svelte'
import { colourOf, nameOf } from './catalogue'
import { type Level, levelOf, worstLevels } from './levels'
import { numberOf, textOf } from './read'
import type { Counter, Furniture } from './scenes'
import { asSeen } from './theme'

export type PanelData = { title: string; note: string } & (
  | { kind: 'levels'; levels: Level[] }
  | { kind: 'bars'; bars: Bar[]; max: number }
)

/** A chart with its rows, or null if there is nothing to show. */
export function panelOf(furniture: Furniture, entry: Entry, store: FeatureStore): PanelData | null {
  const title = textIn('zh', furniture.title)
  const limit = furniture.limit ?? 6
  if (furniture.kind === 'levels') {
    const all: Level[] = []
    for (const f of store.values()) {
      const l = levelOf(f, nameOf(entry, f))
      if (l) all.push(l)
    }
    const over = all.filter(l => l.severity !== 'normal').length
    return all.length
      ? { kind: 'levels', title, note: over ? `${over} 处超限` : '均未超限', levels: worstLevels(all, limit) }
      : null
  }
  if (furniture.kind !== 'bars' || !furniture.attribute) return null
  const { attribute, of } = furniture
  const seen = asSeen(entry, false)
  const unit = entry.layer.schema.find(a => a.name === attribute)?.unit
  const bars: Bar[] = []
  for (const f of store.values()) {
    const n = numberOf(f, attribute)
    const whole = of ? numberOf(f, of) : null
    if (n === null || (of && !whole)) continue
    bars.push({
      id: String(f.id),
      name: nameOf(entry, f),
      value: whole ? n / whole : n,
      text: whole
        ? `${formatNumber('zh', n)} / ${formatNumber('zh', whole)}`
        : formatNumber('zh', Math.round(n * 10) / 10),
      colour: colourOf(seen, f),
    })
  }
  if (bars.length === 0) return null
  bars.sort((a, b) => b.value - a.value || (a.id < b.id ? -1 : 1))
  return { kind: 'bars', title, note: unit ?? '', bars: bars.slice(0, limit), max: of ? 1 : 0 }
}

/** How many features a counter counts, or null if that is not known yet. */
export function counted(c: Counter, store: FeatureStore | undefined, total: number | null): number | null {
  const { where } = c
  if (!where) return total
  if (!store?.ready) return null
  let n = 0
  for (const f of store.values()) if (textOf(f, where.attribute) === where.value) n++
  return n
}

/** Heights in 1/1080 of the wall's height, as the furniture's styles make them. */
const head = 84
const rowHeight = 47
const gap = 16

/** Fills columns of a height with panels, in order; a panel that fits no column gets one for itself. */
export function columnsOf(panels: readonly PanelData[], height: number): PanelData[][] {
  const columns: PanelData[][] = []
  let room = 0
  for (const p of panels) {
    const needs = head + rowHeight * (p.kind === 'levels' ? p.levels.length : p.bars.length)
    const column = columns.at(-1)
    if (column && needs + gap <= room) {
      column.push(p)
      room -= needs + gap
    } else {
      columns.push([p])
      room = height - needs
    }
  }
  return columns
}
