// How old data are, in words that a commander reads in passing.

const units: [seconds: number, name: string][] = [
  [365 * 86_400, '年'],
  [30 * 86_400, '个月'],
  [86_400, '天'],
  [3600, '小时'],
  [60, '分钟'],
]

/** "3 小时", "12 天"; under a minute "刚刚". Rounded down: data are never called older than they are. */
export function ageText(seconds: number): string {
  for (const [size, name] of units) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`
  }
  return '刚刚'
}

/** Beijing time of an instant as the wall's clock shows it, whatever zone the machine has. */
export function clockText(ms: number): { date: string; weekday: string; time: string } {
  const t = new Date(ms + 8 * 3_600_000) // UTC+8, the one time zone of China
  const two = (n: number) => String(n).padStart(2, '0')
  return {
    date: `${t.getUTCFullYear()}年${t.getUTCMonth() + 1}月${t.getUTCDate()}日`,
    weekday: `星期${'日一二三四五六'[t.getUTCDay()]}`,
    time: `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())}`,
  }
}

/** "08:05" in Beijing time. */
export function minuteText(ms: number): string {
  return clockText(ms).time.slice(0, 5)
}
