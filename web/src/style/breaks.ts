// Class breaks for choropleths.

/**
 * Natural breaks (Jenks; Fisher's exact method): the lower bounds of k classes that keep the variance inside the classes
 * least. The first class has no bound, so k − 1 numbers come back, rounded to what a reader can remember. Fewer where
 * there are fewer different values.
 */
export function naturalBreaks(values: readonly number[], k: number): number[] {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b)
  const classes = Math.min(k, new Set(sorted).size)
  if (classes < 2) return []
  const n = sorted.length
  const sums = [0]
  const squares = [0]
  for (const [i, v] of sorted.entries()) {
    sums.push((sums[i] as number) + v)
    squares.push((squares[i] as number) + v * v)
  }
  /** Squared deviation of sorted[from..to). */
  const deviation = (from: number, to: number): number => {
    const sum = (sums[to] as number) - (sums[from] as number)
    return (squares[to] as number) - (squares[from] as number) - (sum * sum) / (to - from)
  }
  let cost = sorted.map((_, i) => deviation(0, i + 1))
  const starts: number[][] = []
  for (let c = 1; c < classes; c++) {
    const next: number[] = []
    const start: number[] = []
    for (let to = 0; to < n; to++) {
      let best = Number.POSITIVE_INFINITY
      let at = c
      for (let from = c; from <= to; from++) {
        const total = (cost[from - 1] as number) + deviation(from, to + 1)
        if (total < best) {
          best = total
          at = from
        }
      }
      next.push(best)
      start.push(at)
    }
    cost = next
    starts.push(start)
  }
  const breaks: number[] = []
  for (let c = starts.length - 1, to = n - 1; c >= 0; c--) {
    const at = starts[c]?.[to] as number
    breaks.unshift(between(sorted[at - 1] as number, sorted[at] as number))
    to = at - 1
  }
  return breaks
}

/** The number with the fewest digits above low and not above high. */
function between(low: number, high: number): number {
  for (let power = Math.floor(Math.log10(Math.abs(high) || 1)); power > -12; power--) {
    const unit = 10 ** power
    for (const step of [5 * unit, 2 * unit, unit]) {
      const candidate = Math.floor(high / step) * step
      if (candidate > low) return Number(candidate.toPrecision(12))
    }
  }
  return high
}
