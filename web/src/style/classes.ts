// A feature's class: one rule, as an expression for the map and as a function for panels. The server counts merged
// features by the same (tiles/format.go).

import type { ExpressionSpecification } from 'maplibre-gl'
import type { DisplayClass, Entry, Properties } from '../api'
import type { Expression } from './expressions'

/** The class that a feature falls into, by the layer's display. */
export function classOf(entry: Entry, properties: Properties): DisplayClass | undefined {
  const { colorBy, classes } = entry.layer.display ?? {}
  const value = colorBy === undefined ? undefined : properties[colorBy]
  if (!classes || value === null || value === undefined) return undefined
  const named = classes.find(c => c.value !== undefined && String(c.value) === String(value))
  if (named) return named
  const steps = stepsOf(classes)
  const number = Number(value) || 0
  return steps.findLast(c => number >= lowest(c)) ?? steps[0]
}

/**
 * Chooses a value by a feature's class. Classes with a value are matched; classes with a lower bound are steps, the
 * lowest of which also takes what lies below it. A feature without the attribute gets the fallback.
 */
export function byClass<T extends string | number>(
  attribute: string,
  classes: readonly DisplayClass[],
  output: (c: DisplayClass) => T,
  fallback: T,
): Expression<T> {
  const valued = classes.filter(c => c.value !== undefined)
  const stepped = stepsOf(classes)
  let rest: unknown = fallback
  if (stepped[0]) {
    const [first, ...others] = stepped
    const steps = others.flatMap(c => [c.min ?? 0, output(c)])
    rest = steps.length ? ['step', ['to-number', ['get', attribute], 0], output(first), ...steps] : output(first)
    rest = ['case', ['==', ['get', attribute], null], fallback, rest]
  }
  if (valued.length === 0) return rest as Expression<T>
  const branches = valued.flatMap(c => [String(c.value), output(c)])
  return ['match', ['to-string', ['get', attribute]], ...branches, rest] as unknown as ExpressionSpecification
}

function lowest(c: DisplayClass): number {
  return c.min ?? Number.NEGATIVE_INFINITY
}

/** The classes with a lower bound, the lowest first. */
function stepsOf(classes: readonly DisplayClass[]): DisplayClass[] {
  return classes.filter(c => c.value === undefined).sort((a, b) => lowest(a) - lowest(b))
}
