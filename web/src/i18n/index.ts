// The pages' words and the way they write numbers and times. Everything under
// web/src may import it; it imports nothing but the API's types.

import type { Text } from '../api'
import { en } from './en'
import { type Dictionary, zh } from './zh'

export type { Dictionary } from './zh'
export type Lang = 'zh' | 'en'

const dictionaries: Record<Lang, Dictionary> = { zh, en }

/** The words of a language. */
export function dictionary(lang: Lang): Dictionary {
  return dictionaries[lang]
}

/** A bilingual text in a language; what is not translated stays Chinese. */
export function textIn(lang: Lang, text: Text | string | undefined): string {
  if (text === undefined) return ''
  if (typeof text === 'string') return text
  return lang === 'en' ? text.en || text.zh : text.zh || text.en || ''
}

const locale: Record<Lang, string> = { zh: 'zh-CN', en: 'en-GB' }

/** A number with its unit. Fractions keep at most three digits. */
export function formatNumber(lang: Lang, value: number, unit?: string): string {
  const number = new Intl.NumberFormat(locale[lang], { maximumFractionDigits: 3 }).format(value)
  if (!unit) return number
  return unit === '%' || unit === '‰' || unit === '°' ? number + unit : `${number} ${unit}`
}

/** A large count made short, e.g. 874.2万 or 8.7M. */
export function formatShort(lang: Lang, value: number): string {
  return new Intl.NumberFormat(locale[lang], { notation: 'compact', maximumFractionDigits: 1 }).format(value)
}

// One time zone holds in all of China, wherever the reader's computer thinks it is.
const timeZone = 'Asia/Shanghai'

/** An instant in Beijing time. */
export function formatTime(lang: Lang, time: string | number | Date): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return ''
  return new Intl.DateTimeFormat(locale[lang], {
    timeZone,
    year: 'numeric',
    month: lang === 'zh' ? '2-digit' : 'short',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).format(date)
}

/** A calendar date. */
export function formatDate(lang: Lang, date: string): string {
  const parsed = new Date(`${date.slice(0, 10)}T00:00:00Z`)
  if (Number.isNaN(parsed.getTime())) return date
  return new Intl.DateTimeFormat(locale[lang], {
    timeZone: 'UTC',
    dateStyle: lang === 'zh' ? 'long' : 'medium',
  }).format(parsed)
}

/** How long ago, in the largest unit that fits, rounded down. */
export function formatAge(lang: Lang, seconds: number): string {
  const words = dictionary(lang).age
  const s = Math.max(0, Math.floor(seconds))
  if (s < 60) return words.seconds(s)
  if (s < 3600) return words.minutes(Math.floor(s / 60))
  if (s < 48 * 3600) return words.hours(Math.floor(s / 3600))
  const days = s / 86_400
  if (days < 60) return words.days(Math.floor(days))
  if (days < 730) return words.months(Math.floor(days / 30.44))
  return words.years(Math.floor(days / 365.25))
}
