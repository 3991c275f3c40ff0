// How a value reads: with its unit, by its title, in Beijing time.

import type { Attribute, DisplayClass, Entry, Properties } from '../api'
import { type Dictionary, formatDate, formatNumber, formatTime, type Lang, textIn } from '../i18n'

export function formatValue(attribute: Attribute, value: unknown, lang: Lang, words: Dictionary): string {
  if (value === null || value === undefined || value === '') return words.card.empty
  const term = attribute.enum?.find(t => t.value === String(value))
  if (term) return textIn(lang, term.title)
  switch (attribute.type) {
    case 'boolean':
      return value === true || value === 'true' ? words.card.yes : words.card.no
    case 'integer':
    case 'number':
      return typeof value === 'number' ? formatNumber(lang, value, unitIn(lang, attribute.unit)) : String(value)
    case 'date':
      return formatDate(lang, String(value))
    case 'datetime':
      return formatTime(lang, String(value)) || String(value)
    case 'json':
      return JSON.stringify(value)
    default:
      return String(value)
  }
}

// Counting words have no place in English numbers.
const countingWords = new Set([
  '人',
  '个',
  '张',
  '家',
  '辆',
  '件',
  '起',
  '条',
  '处',
  '台',
  '套',
  '顶',
  '户',
  '所',
  '人次',
  '床',
])

export function unitIn(lang: Lang, unit: string | undefined): string | undefined {
  if (lang === 'zh' || unit === undefined) return unit
  if (countingWords.has(unit)) return undefined
  return (
    ({ 分钟: 'min', 小时: 'h', 天: 'd', 米: 'm', 公里: 'km', 元: 'CNY', 吨: 't' } as Record<string, string>)[unit] ??
    unit
  )
}

/** A class's words: its own label, or the title of the value it stands for. */
export function classLabel(entry: Entry, c: DisplayClass, lang: Lang, words: Dictionary): string {
  const own = textIn(lang, c.label)
  if (own) return own
  const attribute = entry.layer.schema.find(a => a.name === entry.layer.display?.colorBy)
  if (c.value !== undefined) {
    const term = attribute?.enum?.find(t => t.value === String(c.value))
    if (term) return textIn(lang, term.title)
    if (attribute?.type === 'boolean') return c.value ? words.card.yes : words.card.no
    return String(c.value)
  }
  if (c.min !== undefined) return words.legend.from(formatNumber(lang, c.min, unitIn(lang, attribute?.unit)))
  return words.legend.other
}

/** A feature's label: its name in the language, or its id. */
export function featureName(entry: Entry | undefined, properties: Properties, id: string, lang: Lang): string {
  const of = (role: Attribute['role']) => {
    const name = entry?.layer.schema.find(a => a.role === role)?.name
    const value = name === undefined ? undefined : properties[name]
    return typeof value === 'string' ? value : ''
  }
  const [first, second] = lang === 'en' ? [of('name_en'), of('name')] : [of('name'), of('name_en')]
  return first || second || id
}
