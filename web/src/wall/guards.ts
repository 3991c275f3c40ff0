// When the wall page should begin anew: another build is served, or memory grew.

/** What the page knows about itself when a scene ends. */
export interface Vitals {
  /** The build that this page was loaded from, and the one that the server has now. */
  ownBuild: string | null
  serverBuild: string | null
  /** Bytes of JavaScript heap, where the browser tells. */
  heap: number | null
  /** Milliseconds since the page was loaded. */
  uptime: number
}

const heapLimit = 1.5e9 // bytes; a healthy wall stays under a fifth of it

/** Why to load the page again, or null. Asked between two scenes, never in the middle of one. */
export function reloadReason(v: Vitals): string | null {
  if (v.uptime < 60_000) return null // whatever is wrong, do not reload in a circle
  if (v.ownBuild && v.serverBuild && v.ownBuild !== v.serverBuild) return 'build'
  if (v.heap !== null && v.heap > heapLimit) return 'heap'
  return null
}

/** The heap's size in Chromium; null elsewhere. */
export function heapBytes(): number | null {
  const memory = (performance as { memory?: { usedJSHeapSize?: number } }).memory
  return memory?.usedJSHeapSize ?? null
}
