// When to fetch changed tiles again.

/** Milliseconds between two refreshes of a source. A tile that did not change costs a 304. */
const pause = 400

/**
 * Refreshes a source at once, and then no more often than the pause allows: a department that writes a hundred times a
 * second must not keep a page busy with nothing else. The last change is always followed by a refresh.
 */
export class Refresher {
  readonly #refresh: (source: string) => void
  #waiting = new Map<string, { timer: ReturnType<typeof setTimeout>; again: boolean }>()

  constructor(refresh: (source: string) => void) {
    this.#refresh = refresh
  }

  refresh(source: string): void {
    const waiting = this.#waiting.get(source)
    if (waiting) {
      waiting.again = true
      return
    }
    this.#refresh(source)
    const timer = setTimeout(() => {
      const again = this.#waiting.get(source)?.again
      this.#waiting.delete(source)
      if (again) this.refresh(source)
    }, pause)
    this.#waiting.set(source, { timer, again: false })
  }

  stop(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
  }
}
