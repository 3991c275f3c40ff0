// Styles as pure functions: from layers, theme and state to MapLibre's style
// layers, with no map in sight. src/map draws what comes out; pages put in.

export { naturalBreaks } from './breaks'
export type { Choropleth } from './choropleth'
export { classOf } from './classes'
export { countKey } from './clusters'
export { type ComposeInput, compose, layerOfStyle, type MapSpec, type Shown, sourceOf } from './compose'
export { classColor, isLost, isStale, kindsOf } from './data'
export { canBeDense, type Density, densityColors, gridBreaks } from './density'
export { byRole, fonts } from './expressions'
export { type ImageRequest, iconAddress, parseImage, shapeSize } from './images'
export {
  mix,
  type PaletteName,
  paletteColor,
  paletteNames,
  rampColors,
  type Theme,
  type ThemeName,
  themes,
} from './theme'
