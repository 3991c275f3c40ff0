// Draws the images that a style names (src/style/images.ts): icons from their
// SVG files, arrows and hatches with a canvas. Everything comes from this server.

import { iconAddress, parseImage, shapeSize } from '../style'
import { distanceField } from './distance-field'

export interface MapImage {
  image: ImageData
  /** The image is a distance field: it has no colour of its own and is sharp at every size. */
  sdf: boolean
}

/** Pixels round a shape in which its distance field fades, and in which a halo has room. */
const margin = 8

/** The image that a style names, or null if no such icon exists. */
export async function drawImage(name: string): Promise<MapImage | null> {
  const request = parseImage(name)
  switch (request?.kind) {
    case 'glyph': {
      const icon = await load(iconAddress(request.symbol))
      return icon && shape(context => context.drawImage(icon, 0, 0, shapeSize, shapeSize))
    }
    case 'heading':
      return shape(arrow)
    case 'hatch':
      return { image: draw(hatchSize, context => hatch(context, request.color)), sdf: false }
    default:
      return null
  }
}

function load(address: string): Promise<HTMLImageElement | null> {
  return new Promise(resolve => {
    const image = new Image()
    image.onload = () => resolve(image)
    image.onerror = () => resolve(null)
    image.src = address
  })
}

/** A disc's worth of arrow that points north. */
function arrow(context: CanvasRenderingContext2D): void {
  const s = shapeSize / 2
  context.translate(s, s * 1.08)
  context.beginPath()
  context.moveTo(0, -s)
  context.lineTo(s * 0.68, s * 0.78)
  context.quadraticCurveTo(0, s * 0.36, -s * 0.68, s * 0.78)
  context.closePath()
  context.fill()
}

const hatchSize = 16

function hatch(context: CanvasRenderingContext2D, color: string): void {
  context.strokeStyle = color
  context.lineWidth = 2
  for (const offset of [-hatchSize, 0, hatchSize]) {
    context.moveTo(offset - 1, hatchSize + 1)
    context.lineTo(offset + hatchSize + 1, -1)
  }
  context.stroke()
}

function shape(paint: (context: CanvasRenderingContext2D) => void): MapImage {
  const drawn = draw(shapeSize + 2 * margin, context => {
    context.translate(margin, margin)
    paint(context)
  })
  return { image: distanceField(drawn), sdf: true }
}

function draw(size: number, paint: (context: CanvasRenderingContext2D) => void): ImageData {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = size
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error('no canvas')
  paint(context)
  return context.getImageData(0, 0, size, size)
}
