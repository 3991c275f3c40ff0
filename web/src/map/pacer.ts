// When to draw what changed again.

/** Milliseconds from one drawing to the next, if the map has kept up. */
const least = 100
/** Milliseconds after which the next one comes even if it has not. */
const most = 300

/**
 * Draws at once when asked, and again as soon as the map has drawn what it was given: however often features change, a
 * machine with a graphics card shows each change in its turn, and one without is not buried in drawings that nobody sees.
 */
export class Pacer {
  readonly #draw: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #began = Number.NEGATIVE_INFINITY
  #asked = false
  #drawing = false

  constructor(draw: () => void) {
    this.#draw = draw
  }

  /** Something changed. */
  ask(): void {
    this.#asked = true
    this.#plan()
  }

  /** The map has drawn all it was given. */
  drawn(): void {
    this.#drawing = false
    this.#plan()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#asked = false
  }

  #plan(): void {
    clearTimeout(this.#timer)
    if (!this.#asked) return
    const wait = this.#began + (this.#drawing ? most : least) - performance.now()
    if (wait > 0) {
      this.#timer = setTimeout(() => this.#run(), wait)
    } else {
      this.#run()
    }
  }

  #run(): void {
    this.#asked = false
    this.#drawing = true
    this.#began = performance.now()
    this.#draw()
  }
}
