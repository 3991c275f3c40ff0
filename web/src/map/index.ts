// The map: one class owns the GL map. Pages may import it; it imports src/style
// and the API's types, and knows neither socket nor page.

export { drawImage, iconAddress } from './images'
export {
  type Camera,
  canDrawMap,
  type FontFaces,
  type Hit,
  type Hits,
  type LiveGeometry,
  type MapEvents,
  type MapOptions,
  OneMap,
  type Padding,
} from './map'
