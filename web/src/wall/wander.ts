// Burn-in: what stands still for weeks leaves its shape in the panel. The fixed
// furniture therefore wanders a few pixels, too slowly to be seen.

/** Amplitude in units of 1/1080 of the wall's height. */
const reach = 5

/** The offset at a time, in the same units: a slow Lissajous figure that visits all of its square. */
export function wander(ms: number): { x: number; y: number } {
  const minutes = ms / 60_000
  return {
    x: Math.round(reach * Math.sin((2 * Math.PI * minutes) / 47)),
    y: Math.round(reach * Math.sin((2 * Math.PI * minutes) / 31)),
  }
}
