// Noto Sans SC in two weights for pages and maps, from files of this server: a
// PC without a Chinese font shows the same as all others. A browser fetches only
// the subsets whose characters appear.

import type { FontFaces } from '../map'
import { fonts as mapFonts } from '../style'

interface Subset {
  name: string
  /** CSS unicode-range. */
  range: string
}

const weights = [
  { weight: 400, map: mapFonts.regular },
  { weight: 600, map: mapFonts.bold },
]

/** Declares the fonts to the page and returns what a map style needs to know of them. */
export async function loadFonts(): Promise<FontFaces> {
  const response = await fetch(`${__FONTS__}/subsets.json`)
  if (!response.ok) throw new Error(`fonts: ${response.status}`)
  const subsets = (await response.json()) as Subset[]
  const declared: FontFaces = {}
  for (const { weight, map } of weights) {
    const files: { url: string; 'unicode-range': string[] }[] = []
    for (const { name, range } of subsets) {
      const url = `${location.origin}${__FONTS__}/${name}-${weight}.woff2`
      document.fonts.add(
        new FontFace('Noto Sans SC', `url(${url}) format("woff2")`, {
          weight: String(weight),
          unicodeRange: range,
          display: 'swap',
        }),
      )
      files.push({ url, 'unicode-range': range.split(',') })
    }
    declared[map] = files
  }
  return declared
}
