// The map: one class owns the GL map. Pages may import it; it imports src/style
// and the API's types, and knows neither socket nor page.

export { drawImage } from './images'
export {
  type Camera,
  type FontFaces,
  type Hit,
  type Hits,
  type LiveGeometry,
  type MapEvents,
  type MapOptions,
  NoWebGLError,
  OneMap,
  type Padding,
} from './map'
export { Pacer } from './pacer'
