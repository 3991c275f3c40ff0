// How features look that a tile has merged: where there are too many for its size, one circle stands for all of a
// cell, with their number ("point_count") and how many of them each class of the legend has ("class:0", …).

import type { ExpressionSpecification } from 'maplibre-gl'
import type { DisplayClass, Entry } from '../api'
import type { Lang } from '../i18n'
import type { Expression } from './expressions'

/** How many features a drawn one stands for. */
export const countKey = 'point_count'

/** Only a feature of its own has an id. */
const alone = ['has', '_id']

const count = ['max', 1, ['to-number', ['get', countKey], 1]]

/** One value for a feature of its own, another for merged ones. */
export function unlessMerged<T extends string | number>(own: Expression<T>, merged: Expression<T>): Expression<T> {
  return ['case', alone, own, merged] as unknown as ExpressionSpecification
}

/** Leaves merged features out. */
export const ownOnly = alone as unknown as ExpressionSpecification

/** Leaves all others out. */
export const mergedOnly = ['!', alone] as unknown as ExpressionSpecification

/**
 * A circle's growth with the number that it stands for: threefold at 2,000 where circles are dots, for cells are small;
 * twofold where they are large enough to cover each other.
 */
export function growth(zoom: number): ExpressionSpecification {
  const [most, slope] = zoom < 13 ? [3, 0.6] : [2, 0.3]
  return ['min', most, ['+', 1, ['*', slope, ['log10', count]]]] as unknown as ExpressionSpecification
}

/** What is merged lies below single features, the larger the lower, but for what has an alarm. */
export function below(entry: Entry): Expression<number> {
  return ifAlarm(entry, 0, ['-', ['log10', count]] as unknown as ExpressionSpecification)
}

/** How many it stands for, as short as fits into its circle, e.g. 38, 1.2万 or 3.4k. */
export function countText(lang: Lang): ExpressionSpecification {
  const [from, unit] = lang === 'zh' ? [10_000, '万'] : [1000, 'k']
  const short = ['concat', ['to-string', ['/', ['round', ['/', ['*', count, 10], from]], 10]], unit]
  return ['case', ['<', count, from], ['to-string', count], short] as unknown as ExpressionSpecification
}

/** A value by the class that most of the merged features have; where two have as many, the graver one. */
export function byMajority<T extends string | number>(
  entry: Entry,
  output: (c: DisplayClass) => T,
  other: T,
): Expression<T> {
  const classes = ranked(entry)
  if (classes.length === 0) return other
  const most = ['max', ...classes.map(c => c.number), numberOf('other')]
  const branches = classes.flatMap(c => [['==', c.number, most], output(c.class)])
  return ['case', ...branches, other] as unknown as ExpressionSpecification
}

/** The first value if one of the merged features is an alarm: the many must not hide it. */
export function ifAlarm<T extends string | number>(entry: Entry, alarm: T, other: Expression<T>): Expression<T> {
  const alarms = ranked(entry).filter(c => c.class.color === 'red')
  if (alarms.length === 0) return other
  return ['case', ['>', ['+', ...alarms.map(c => c.number), 0], 0], alarm, other] as unknown as ExpressionSpecification
}

const gravity: Record<string, number> = { red: 3, orange: 2, amber: 1 }

function ranked(entry: Entry): { class: DisplayClass; number: unknown }[] {
  const { colorBy, classes } = entry.layer.display ?? {}
  if (!colorBy || !classes) return []
  return classes
    .map((c, i) => ({ class: c, number: numberOf(String(i)) }))
    .sort((a, b) => (gravity[b.class.color] ?? 0) - (gravity[a.class.color] ?? 0))
}

function numberOf(key: string): unknown {
  return ['to-number', ['get', `class:${key}`], 0]
}
