// Questions to a layer's definition.

import type { Entry, Role } from '../api'
import { textIn } from '../i18n'
import type { LiveFeature } from '../live'
import { classColor, classOf } from '../style'
import { textOf } from './read'
import { wallTheme } from './theme'

/** A feature's value in the attribute with a role. */
export function byRole(entry: Entry, role: Role, f: LiveFeature): string {
  const a = entry.layer.schema.find(s => s.role === role)
  return a ? textOf(f, a.name) : ''
}

export function nameOf(entry: Entry, f: LiveFeature): string {
  return byRole(entry, 'name', f) || String(f.id)
}

/** The title of an attribute's value, if the schema lists it. */
export function termTitle(entry: Entry | undefined, attribute: string, value: string): string {
  const term = entry?.layer.schema.find(s => s.name === attribute)?.enum?.find(t => t.value === value)
  return term ? textIn('zh', term.title) : value
}

/** The colour in which the map draws a feature. */
export function colourOf(entry: Entry, f: LiveFeature): string {
  const { color, colorBy, classes } = entry.layer.display ?? {}
  if (!colorBy || !classes?.length) return classColor(entry, wallTheme, color)
  return classColor(entry, wallTheme, classOf(entry, f.properties ?? {})?.color ?? color ?? 'grey')
}

/** A layer's title as the wall writes it: the permanent caption says already that everything is a demonstration. */
export function shortTitle(entry: Entry): string {
  return textIn('zh', entry.layer.title).replace(/（(演示|演练|示意)）$/, '')
}
