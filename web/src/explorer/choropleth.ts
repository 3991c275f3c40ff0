// The choropleth's data: which number, its classes, and the divisions it colours.

import type { ApiClient, Attribute, Entry, Properties, Text } from '../api'
import { type Choropleth, naturalBreaks } from '../style'
import type { DivisionName } from './explorer.svelte'

export interface ChoroplethData {
  names: DivisionName[]
  rows: Properties[]
}

export interface ChoroplethView extends Choropleth {
  entry: Entry
  number: Attribute
  /** Titles of the classes, lowest first, where the layer gives them. */
  labels: (Text | undefined)[]
  /** The divisions with their values, largest first: the table that equals the map. */
  table: { code: string; name: string; nameEn?: string; value: number }[]
}

const cityLevel = 2
const classes = 5

/** Numbers of the base map's divisions that may colour them, as "layer.attribute". */
export function choroplethChoices(entries: readonly Entry[]): { id: string; entry: Entry; attribute: Attribute }[] {
  return entries
    .filter(e => e.layer.display?.base === 'division')
    .flatMap(entry =>
      entry.layer.schema
        .filter(a => (a.type === 'integer' || a.type === 'number') && a.name !== 'level' && !a.role)
        .map(attribute => ({ id: `${entry.layer.id}.${attribute.name}`, entry, attribute })),
    )
}

/** Everything about a choropleth, or null if there is none of that name. */
export function choroplethOf(
  entries: readonly Entry[],
  id: string,
  data: ChoroplethData | null,
): ChoroplethView | null {
  const choice = choroplethChoices(entries).find(c => c.id === id)
  if (!choice) return null
  const { entry, attribute } = choice
  const table = (data?.names ?? [])
    .flatMap((d, i) => {
      const value = data?.rows[i]?.[attribute.name]
      return d.level === cityLevel && typeof value === 'number' ? [{ ...d, value }] : []
    })
    .sort((a, b) => b.value - a.value)
  const display = entry.layer.display
  const given =
    display?.colorBy === attribute.name
      ? [...(display.classes ?? [])].sort(
          (a, b) => (a.min ?? Number.NEGATIVE_INFINITY) - (b.min ?? Number.NEGATIVE_INFINITY),
        )
      : []
  const breaks =
    given.length > 1
      ? given.slice(1).map(c => c.min ?? 0)
      : naturalBreaks(
          table.map(r => r.value),
          classes,
        )
  return {
    entry,
    number: attribute,
    layer: entry.layer.id,
    attribute: attribute.name,
    level: cityLevel,
    breaks,
    labels: given.length > 1 ? given.map(c => c.label) : [],
    table,
  }
}

/** Reads all divisions of the base map. */
export async function loadDivisions(api: ApiClient, entries: readonly Entry[]): Promise<ChoroplethData> {
  const layer = entries.find(e => e.layer.display?.base === 'division')?.layer
  if (!layer) return { names: [], rows: [] }
  const attribute = (role: Attribute['role']) => layer.schema.find(a => a.role === role)?.name ?? ''
  const page = await api.items(layer.id, { limit: 1000 })
  const rows = page.features.map(f => f.properties)
  const names = rows.map(p => ({
    code: String(p[attribute('division')] ?? ''),
    name: String(p[attribute('name')] ?? ''),
    nameEn: p[attribute('name_en')] ? String(p[attribute('name_en')]) : undefined,
    level: Number(p.level ?? 0),
    parent: p.parent ? String(p.parent) : undefined,
  }))
  return { names, rows }
}
