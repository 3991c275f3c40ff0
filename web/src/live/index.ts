// Live updates: the protocol onemap.live.v1 from the browser's side. Everything
// under web/src may import it; it imports nothing of the project and knows no DOM.

export type { ConnectionState, LiveHandlers, LiveOptions, Socket, Status, Subscribe } from './client'
export { LiveClient, liveURL } from './client'
export type { Changes, Listener, Schedule } from './features'
export { FeatureStore, nextFrame } from './features'
export type { Inspection } from './inspect'
export { inspection } from './inspect'
export type { BBox, Cursor, ErrorNotice, Hello, LayerNotice, LiveFeature, Mode, SceneNotice } from './protocol'
