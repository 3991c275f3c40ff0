// The server's clock, guessed from the times in its messages.

/**
 * Keeps the offset between the server's clock and ours, in milliseconds. A
 * message's delay on the way makes the server look late, never early, so the
 * largest offset of the last samples is the best; old samples drop out, so that a
 * clock that was set is followed within a minute.
 */
export class ServerClock {
  #samples: number[] = []
  #next = 0
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Takes the time, RFC 3339, of a message that has just arrived. */
  observe(time: string | undefined): void {
    const server = time ? Date.parse(time) : Number.NaN
    if (Number.isNaN(server)) return
    this.#samples[this.#next] = server - this.#now()
    this.#next = (this.#next + 1) % 12
  }

  /** Milliseconds to add to our clock; 0 until a message came. */
  get offset(): number {
    return this.#samples.length ? Math.max(...this.#samples) : 0
  }

  /** Milliseconds since 1970 by the server's clock. */
  now(): number {
    return this.#now() + this.offset
  }
}
