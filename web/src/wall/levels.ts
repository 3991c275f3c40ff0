// Water levels against their marks: the rows of the wall's level chart.

import type { LiveFeature } from '../live'
import { numberOf, pointOf, textOf } from './read'

export type Severity = 'normal' | 'warn' | 'danger'

export interface Level {
  id: string
  name: string
  /** Metres above the station's zero. */
  level: number
  /** Lower and upper mark, metres: warning and danger, or a reservoir's limit alone. */
  warn: number
  danger: number | null
  /** Metres above the highest mark that is exceeded; negative: below the lowest. */
  over: number
  severity: Severity
  trend: 'up' | 'down' | 'flat'
  at: [number, number] | null
}

/** Reads a river gauge or a reservoir; null if it is neither or has no level. */
export function levelOf(f: LiveFeature, name: string): Level | null {
  return gaugeLevel(f, name) ?? reservoirLevel(f, name)
}

/** Reads a river gauge (水位站); null if it has no level or no mark. */
export function gaugeLevel(f: LiveFeature, name: string): Level | null {
  const level = numberOf(f, 'level_m')
  const warn = numberOf(f, 'warn_m')
  const danger = numberOf(f, 'danger_m')
  if (level === null || warn === null) return null
  const severity = danger !== null && level >= danger ? 'danger' : level >= warn ? 'warn' : 'normal'
  const mark = severity === 'danger' && danger !== null ? danger : warn
  return {
    id: String(f.id),
    name,
    level,
    warn,
    danger,
    over: level - mark,
    severity,
    trend: trendOf(f),
    at: pointOf(f),
  }
}

/** Reads a reservoir (水库): its one mark is the flood limit level (汛限水位). */
export function reservoirLevel(f: LiveFeature, name: string): Level | null {
  const level = numberOf(f, 'level_m')
  const limit = numberOf(f, 'limit_m')
  if (level === null || limit === null) return null
  return {
    id: String(f.id),
    name,
    level,
    warn: limit,
    danger: null,
    over: level - limit,
    severity: level > limit ? 'warn' : 'normal',
    trend: trendOf(f),
    at: pointOf(f),
  }
}

function trendOf(f: LiveFeature): Level['trend'] {
  const t = textOf(f, 'trend')
  if (t === 'rising') return 'up'
  if (t === 'falling') return 'down'
  return 'flat'
}

const rank: Record<Severity, number> = { danger: 2, warn: 1, normal: 0 }

/** The worst first. Equal ones keep a fixed order, so that rows do not swap places for nothing. */
export function worstLevels(levels: Level[], n: number): Level[] {
  return levels
    .toSorted((a, b) => rank[b.severity] - rank[a.severity] || b.over - a.over || (a.id < b.id ? -1 : 1))
    .slice(0, n)
}

/**
 * Where a level lies on its bar, 0 to 1. The lower mark is at 60 % and the upper at
 * 85 % of every bar, so that bars of different rivers compare by eye.
 */
export function barPosition(l: Level): number {
  const span = l.danger !== null && l.danger > l.warn ? l.danger - l.warn : 2 // metres between the marks
  return Math.min(1, Math.max(0.03, 0.6 + (0.25 * (l.level - l.warn)) / span))
}
