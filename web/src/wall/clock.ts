// The wall's clock.

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
