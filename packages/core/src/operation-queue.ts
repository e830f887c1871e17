/**
 * The promise of an operation that knows whether anybody listens to it. An `await` of a promise of another class than Promise
 * calls `then`, and so does all else that waits for one.
 */
class ObservedPromise<T> extends Promise<T> {
  // What `then` makes is a plain promise.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** Somebody waits for it, or waited. */
  heard = false
  /** It is over, and was no failure, or somebody heard of the failure. */
  done = false
  failed = false
  error: unknown
  /** Resolves when the above is settled. */
  readonly over: Promise<unknown>

  /** @param reported - Asked at a failure: whether it is told otherwise, and so is not to end the process where nobody waits. */
  constructor(running: Promise<T>, reported: () => boolean) {
    super((resolve, reject) => {
      running.then(resolve, reject)
    })
    this.over = running.then(
      () => (this.done = true),
      (error: unknown) => {
        this.failed = true
        this.error = error
        this.done = this.heard
        if (reported()) super.then(undefined, () => {})
      },
    )
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.heard = true
    this.done ||= this.failed
    return super.then(fulfilled, rejected)
  }
}

/** Fails with the error of the first of some operations that fails and that nobody listens to. */
export type Settle = () => Promise<void>

/** The operations of a session, one after the other; and those that failed with nobody listening. */
export class OperationQueue {
  readonly #reported: () => boolean
  #last: Promise<unknown> | undefined
  #running = 0
  /** Operations, commits apart, that run or failed. */
  #observed: readonly ObservedPromise<unknown>[] = []

  /** @param reported - Whether a later commit reports an operation that fails and that nobody listens to. */
  constructor(reported: () => boolean) {
    this.#reported = reported
  }

  /** An operation waits, runs, or has failed with nobody listening. */
  get busy(): boolean {
    return this.running || this.failedUnheard
  }

  /** An operation waits or runs. */
  get running(): boolean {
    return this.#running > 0
  }

  /** An operation has failed, and nobody listens to it. */
  get failedUnheard(): boolean {
    return this.#observed.some(({ failed, heard }) => failed && !heard)
  }

  /** Runs an operation after those before. */
  add<T>(operation: () => Promise<T>): Promise<T> {
    const running = this.#after(this.#last, operation)
    this.#last = running
    return running
  }

  /** Notes whether anybody listens to an operation. */
  observe<T>(running: Promise<T>): Promise<T> {
    const observed = new ObservedPromise(running, this.#reported)
    this.#observed = [...this.#observed.filter(({ done }) => !done), observed]
    return observed
  }

  /**
   * The operations that nobody listens to by now: whoever does so later does it too late.
   *
   * @returns What waits for them to end, and throws the error of the first that failed. None of them is reported again.
   *   Undefined: there are none.
   */
  unheard(): Settle | undefined {
    const unheard = this.#observed.filter(({ heard }) => !heard)
    if (unheard.length === 0) return undefined
    return async () => {
      for (const { over } of unheard) await over
      const failed = unheard.find((operation) => operation.failed)
      this.#observed = this.#observed.filter((operation) => !unheard.includes(operation))
      if (failed) throw failed.error
    }
  }

  async #after<T>(before: Promise<unknown> | undefined, operation: () => Promise<T>): Promise<T> {
    this.#running++
    try {
      await before
    } catch {
      // Told to who began it.
    }
    try {
      return await operation()
    } finally {
      this.#running--
    }
  }
}
