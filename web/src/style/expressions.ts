// Small builders of MapLibre expressions.

import type { ExpressionSpecification } from 'maplibre-gl'
import type { Attribute, Layer, Role } from '../api'
import type { Lang } from '../i18n'

/** A value, or an expression that gives one. */
export type Expression<T extends string | number> = ExpressionSpecification | T

/** Two fonts, of which src/ui/fonts.ts names the files. */
export const fonts = { regular: 'Noto Sans SC Regular', bold: 'Noto Sans SC SemiBold' }

/** A number that grows with the zoom, linearly between stops (zoom, value, zoom, value, …), each value times factor. */
export function byZoom(
  stops: readonly number[],
  factor: Expression<number> | ((zoom: number) => Expression<number>) = 1,
): ExpressionSpecification {
  const values = stops.map((n, i) => {
    if (i % 2 === 0) return n
    const by = typeof factor === 'function' ? factor(stops[i - 1] ?? 0) : factor
    return typeof by === 'number' ? round(n * by) : ['*', n, by]
  })
  return ['interpolate', ['linear'], ['zoom'], ...values] as unknown as ExpressionSpecification
}

function round(n: number): number {
  return Math.round(n * 1000) / 1000
}

export function byRole(layer: Layer, role: Role): Attribute | undefined {
  return layer.schema.find(a => a.role === role)
}

/** The name of a feature in a language, or null if the layer has no name role. */
export function nameExpression(layer: Layer, lang: Lang): ExpressionSpecification | null {
  const zh = byRole(layer, 'name')?.name
  const en = byRole(layer, 'name_en')?.name
  const order = lang === 'en' ? [en, zh] : [zh, en]
  const names = order.filter(n => n !== undefined).map(n => ['get', n])
  if (names.length === 0) return null
  return ['to-string', ['coalesce', ...names, '']] as unknown as ExpressionSpecification
}
