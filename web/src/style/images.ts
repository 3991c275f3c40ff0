// Names of the images that a style asks for. The map draws an image when its
// name first appears (src/map/images.ts), so a style needs no sprite.

export type ImageRequest = { kind: 'glyph'; symbol: string } | { kind: 'heading' } | { kind: 'hatch'; color: string }

/** CSS pixels that a glyph or an arrow measures at icon-size 1. */
export const shapeSize = 40

/** An icon of Maki or Temaki; its colour is icon-color. */
export function glyphImage(symbol: string): string {
  return `glyph|${symbol}`
}

/** An arrow that points north; its colour is icon-color. */
export const headingImage = 'heading'

/** Where an icon of Maki or Temaki lies on this server. */
export function iconAddress(symbol: string): string {
  return `${__ICONS__}/${symbol.replace(/[^a-zA-Z0-9_-]/g, '')}.svg`
}

/** Slanted lines: 数据中断. */
export function hatchImage(color: string): string {
  return `hatch|${color}`
}

export function parseImage(name: string): ImageRequest | null {
  const [kind, argument] = name.split('|')
  if (kind === 'heading') return { kind }
  if (kind === 'glyph' && argument) return { kind, symbol: argument }
  if (kind === 'hatch' && argument) return { kind, color: argument }
  return null
}
