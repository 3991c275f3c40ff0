// Draws the images that a style names (src/style/images.ts): icons from their
// SVG files, arrows and hatches with a canvas. Everything comes from this server.

import { type ImageRequest, parseImage } from '../style'

export interface MapImage {
  image: ImageData
  /** Pixels of the image in one CSS pixel. */
  pixelRatio: number
}

/** Sharp up to a 4K wall at twice the size. */
const pixelRatio = 4

/** The image that a style names, or null if no such icon exists. */
export async function drawImage(name: string): Promise<MapImage | null> {
  const request = parseImage(name)
  if (!request) return null
  switch (request.kind) {
    case 'glyph':
      return glyph(request)
    case 'heading':
      return canvasImage(28, context => heading(context, request))
    case 'hatch':
      return canvasImage(8, context => hatch(context, request))
  }
}

/** Where an icon of Maki or Temaki lies; a page may show it too. */
export function iconAddress(symbol: string): string {
  return `${__ICONS__}/${symbol.replace(/[^a-zA-Z0-9_-]/g, '')}.svg`
}

async function glyph({ symbol, color }: { symbol: string; color: string }): Promise<MapImage | null> {
  const icon = await load(iconAddress(symbol))
  if (!icon) return null
  return canvasImage(20, context => {
    context.drawImage(icon, 0, 0, 20, 20)
    context.globalCompositeOperation = 'source-in'
    context.fillStyle = color
    context.fillRect(0, 0, 20, 20)
  })
}

function load(address: string): Promise<HTMLImageElement | null> {
  return new Promise(resolve => {
    const image = new Image()
    image.onload = () => resolve(image)
    image.onerror = () => resolve(null)
    image.src = address
  })
}

function heading(context: CanvasRenderingContext2D, { color, ring }: { color: string; ring: string }): void {
  context.translate(14, 15)
  context.beginPath()
  context.moveTo(0, -13)
  context.lineTo(8.5, 9)
  context.quadraticCurveTo(0, 4, -8.5, 9)
  context.closePath()
  context.lineJoin = 'round'
  context.lineWidth = 3.5
  context.strokeStyle = ring
  context.stroke()
  context.fillStyle = color
  context.fill()
}

function hatch(context: CanvasRenderingContext2D, { color }: { color: string }): void {
  context.strokeStyle = color
  context.lineWidth = 1.4
  for (const offset of [-8, 0, 8]) {
    context.moveTo(offset - 1, 9)
    context.lineTo(offset + 9, -1)
  }
  context.stroke()
}

function canvasImage(size: number, draw: (context: CanvasRenderingContext2D) => void): MapImage {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = size * pixelRatio
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error('no canvas')
  context.scale(pixelRatio, pixelRatio)
  draw(context)
  return { image: context.getImageData(0, 0, canvas.width, canvas.height), pixelRatio }
}

export type { ImageRequest }
