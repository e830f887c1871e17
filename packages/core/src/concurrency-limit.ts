/** Runs jobs in their order, with a limit on how many run at the same time. */
export class ConcurrencyLimit {
  readonly #most: number
  readonly #waiting: (() => Promise<void>)[] = []
  #running = 0

  constructor(most: number) {
    this.#most = most
  }

  /** @param work - Must not reject. */
  run(work: () => Promise<void>): void {
    this.#waiting.push(work)
    this.#next()
  }

  #next(): void {
    while (this.#running < this.#most && this.#waiting.length > 0) {
      this.#running++
      void this.#waiting.shift()!().then(() => {
        this.#running--
        this.#next()
      })
    }
  }
}
