// Figures that the tests print, so that a reader of the log can judge the machine too.

export function percentile(values: number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN
}

/** Prints a figure beside the bar it is meant to keep. */
export function figure(name: string, value: number, unit: string, bar?: string): void {
  console.log(`FIGURE ${name}: ${value.toFixed(value < 10 ? 2 : 0)} ${unit}${bar ? ` (bar: ${bar})` : ''}`)
}
