// Signed distance fields, after Felzenszwalb and Huttenlocher's distance
// transform: icons drawn from one are smooth at every size and take any colour.

/** What MapLibre's shaders expect: the field fades over 8 pixels, and the edge lies at three quarters. */
const radius = 8
const cutoff = 0.25
const far = 1e20

/** Turns the alpha of an image into its distance field; colours are dropped. */
export function distanceField({ width, height, data }: ImageData): ImageData {
  const outer = new Float64Array(width * height)
  const inner = new Float64Array(width * height)
  for (let i = 0; i < outer.length; i++) {
    const alpha = (data[4 * i + 3] ?? 0) / 255
    // A half-covered pixel is half a pixel from the edge.
    const d = 0.5 - alpha
    outer[i] = alpha === 1 ? 0 : alpha === 0 ? far : Math.max(0, d) ** 2
    inner[i] = alpha === 1 ? far : alpha === 0 ? 0 : Math.max(0, -d) ** 2
  }
  transform(outer, width, height)
  transform(inner, width, height)
  const field = new ImageData(width, height)
  for (let i = 0; i < outer.length; i++) {
    const distance = Math.sqrt(outer[i] ?? 0) - Math.sqrt(inner[i] ?? 0)
    field.data.fill(255, 4 * i, 4 * i + 3)
    field.data[4 * i + 3] = Math.round(255 * (1 - distance / radius - cutoff)) // clamped by the array
  }
  return field
}

/** Squared distances in the plane: along the columns, then along the rows. */
function transform(grid: Float64Array, width: number, height: number): void {
  for (let x = 0; x < width; x++) transformLine(grid, x, width, height)
  for (let y = 0; y < height; y++) transformLine(grid, y * width, 1, width)
}

function transformLine(grid: Float64Array, offset: number, stride: number, length: number): void {
  const f = Float64Array.from({ length }, (_, q) => grid[offset + q * stride] ?? 0)
  const v = new Int32Array(length) // columns of the parabolas in the lower envelope
  const z = new Float64Array(length + 1) // where one parabola takes over from another
  z[0] = -far
  z[1] = far
  let k = 0
  for (let q = 1; q < length; q++) {
    let s = crossing(f, q, v[k] ?? 0)
    while (s <= (z[k] ?? 0) && k > 0) {
      k--
      s = crossing(f, q, v[k] ?? 0)
    }
    if (s <= (z[k] ?? 0)) {
      v[k] = q // lower than all others from the start
    } else {
      k++
      v[k] = q
      z[k] = s
    }
    z[k + 1] = far
  }
  for (let q = 0, at = 0; q < length; q++) {
    while ((z[at + 1] ?? far) < q) at++
    const r = v[at] ?? 0
    grid[offset + q * stride] = (q - r) ** 2 + (f[r] ?? 0)
  }
}

function crossing(f: Float64Array, q: number, r: number): number {
  return ((f[q] ?? 0) + q * q - (f[r] ?? 0) - r * r) / (2 * (q - r))
}
