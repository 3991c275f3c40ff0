// Themes as data: every colour that a page or a map draws with, for the night
// (command centre, dark rooms) and for the day (offices, paper).

export type ThemeName = 'night' | 'day'

/** The names that a layer's display may use. */
export const paletteNames = [
  'blue',
  'cyan',
  'green',
  'amber',
  'orange',
  'red',
  'purple',
  'grey',
  'teal',
  'pink',
] as const
export type PaletteName = (typeof paletteNames)[number]

export interface Theme {
  name: ThemeName
  /** What lies outside the region: sea and neighbours alike, which we do not draw. */
  background: string
  land: string
  /** A soft light round the region. */
  glow: string
  outline: string
  cityLine: string
  countyLine: string
  townshipLine: string
  river: string
  coast: string
  label: { text: string; halo: string; minor: string; water: string; neighbour: string }
  /** Ring of a point, and the glyph inside it. */
  ring: string
  glyph: string
  selection: string
  /** What data that came too late fade to. */
  stale: string
  palette: Record<PaletteName, string>
  /** Sequential classes, lowest first; a map uses as many as it has classes. */
  ramp: readonly string[]
  noData: string
}

// Hues after Okabe and Ito and ColorBrewer, moved apart in lightness as well, so
// that they stay different for readers who do not see red and green apart.
const night: Theme = {
  name: 'night',
  background: '#070f1a',
  land: '#11202f',
  glow: '#2c78b8',
  outline: '#5f95c4',
  cityLine: '#3a5a79',
  countyLine: '#273f57',
  townshipLine: '#20344a',
  river: '#2f74ad',
  coast: '#2a4a68',
  label: { text: '#e6eff8', halo: '#0a1522', minor: '#a9bccf', water: '#6fa9d8', neighbour: '#6d8298' },
  ring: '#08121d',
  glyph: '#08121d',
  selection: '#ffffff',
  stale: '#7d8b99',
  palette: {
    blue: '#5aa2f7',
    cyan: '#46cdea',
    green: '#52c98b',
    amber: '#f5cb5c',
    orange: '#f29447',
    red: '#ff6168',
    purple: '#b19cf5',
    grey: '#98a9ba',
    teal: '#33bfae',
    pink: '#f18dbd',
  },
  ramp: ['#14314a', '#1a4663', '#225d7c', '#307794', '#4a92ab', '#6aadc0', '#93c8d2'],
  noData: '#1a2836',
}

const day: Theme = {
  name: 'day',
  background: '#dfe7ee',
  land: '#fbfcfd',
  glow: '#a9c4da',
  outline: '#6d8ba6',
  cityLine: '#a9bccd',
  countyLine: '#cfdae4',
  townshipLine: '#e0e7ed',
  river: '#86b7dc',
  coast: '#a5bdd0',
  label: { text: '#1b2b3a', halo: '#ffffff', minor: '#526577', water: '#2f73a8', neighbour: '#7c8d9c' },
  ring: '#ffffff',
  glyph: '#ffffff',
  selection: '#0b1622',
  stale: '#8a949e',
  palette: {
    blue: '#1f6fc9',
    cyan: '#0a88aa',
    green: '#1b8554',
    amber: '#b58100',
    orange: '#cd5f10',
    red: '#c8283a',
    purple: '#7350c8',
    grey: '#64758a',
    teal: '#0b7c71',
    pink: '#bd3f7e',
  },
  ramp: ['#eaf3f8', '#cfe3ee', '#a9cfe0', '#7cb5cd', '#4c96b6', '#26769a', '#0d5478'],
  noData: '#eceff2',
}

export const themes: Record<ThemeName, Theme> = { night, day }

/** A palette colour by name; what is no name is the theme's grey. */
export function paletteColor(theme: Theme, name: string | undefined): string {
  return theme.palette[(name ?? 'blue') as PaletteName] ?? theme.palette.grey
}

/** As many sequential colours as there are classes (2 to 7), ends included. */
export function rampColors(theme: Theme, classes: number): string[] {
  const last = theme.ramp.length - 1
  return Array.from({ length: classes }, (_, i) => {
    const at = classes === 1 ? last : Math.round((i * last) / (classes - 1))
    return theme.ramp[at] ?? theme.noData
  })
}

/** Mixes two #rrggbb colours; share 0 is a, 1 is b. */
export function mix(a: string, b: string, share: number): string {
  const channel = (color: string, i: number) => Number.parseInt(color.slice(1 + 2 * i, 3 + 2 * i), 16)
  const hex = [0, 1, 2].map(i =>
    Math.round(channel(a, i) * (1 - share) + channel(b, i) * share)
      .toString(16)
      .padStart(2, '0'),
  )
  return `#${hex.join('')}`
}
