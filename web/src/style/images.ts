// Names of the images that a style asks for. The map draws an image when its
// name first appears (src/map/images.ts), so a style needs no sprite.

export type ImageRequest =
  | { kind: 'glyph'; symbol: string; color: string }
  | { kind: 'heading'; color: string; ring: string }
  | { kind: 'hatch'; color: string }

/** An icon of Maki or Temaki in one colour. */
export function glyphImage(symbol: string, color: string): string {
  return `glyph|${symbol}|${color}`
}

/** A disc with a nose that points north. */
export function headingImage(color: string, ring: string): string {
  return `heading|${color}|${ring}`
}

/** Slanted lines: 数据中断. */
export function hatchImage(color: string): string {
  return `hatch|${color}`
}

export function parseImage(name: string): ImageRequest | null {
  const [kind, a, b] = name.split('|')
  if (kind === 'glyph' && a && b) return { kind, symbol: a, color: b }
  if (kind === 'heading' && a && b) return { kind, color: a, ring: b }
  if (kind === 'hatch' && a) return { kind, color: a }
  return null
}
