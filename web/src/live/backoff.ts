// How long to wait before the next try to connect.

/**
 * Doubling waits with jitter, in milliseconds, so that a hundred screens do not
 * come back in the same instant after the server was restarted.
 */
export class Backoff {
  #attempt = 0
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  get attempt(): number {
    return this.#attempt
  }

  next(): number {
    const ceiling = Math.min(250 * 2 ** this.#attempt, 5000)
    this.#attempt++
    return ceiling * (0.5 + 0.5 * this.#random())
  }

  reset(): void {
    this.#attempt = 0
  }
}
