// How large the page is drawn. A browser on a 4K screen without scaling would
// show texts of half the size; so the page grows with its window.

/** Factor on all lengths for a window in CSS pixels: 1 on a desk, about 2.2 at 3840 × 2160. */
export function scaleFor(width: number, height: number): number {
  return Math.min(4, Math.max(1, Math.min(width / 1728, height / 1000)))
}

/** Sizes the page, and calls back with the factor now and whenever the window changes. Returns the way out. */
export function followWindow(onScale: (scale: number) => void): () => void {
  const update = () => {
    const scale = scaleFor(innerWidth, innerHeight)
    document.documentElement.style.fontSize = `${(14 * scale).toFixed(3)}px`
    onScale(scale)
  }
  update()
  addEventListener('resize', update)
  return () => removeEventListener('resize', update)
}
