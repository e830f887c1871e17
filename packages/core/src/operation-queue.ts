/**
 * The promise of an operation, which records whether anybody awaits it. `await` calls `then` of a subclass of Promise, and so do all
 * other ways to wait.
 */
class ObservedPromise<T> extends Promise<T> {
  // `then` returns an ordinary promise.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** Somebody awaits the operation, or did. */
  heard = false
  /** The operation has ended without an error, or somebody knows of the error. */
  done = false
  failed = false
  error: unknown
  /** Resolves when the operation has ended. */
  readonly over: Promise<unknown>

  /**
   * @param reported - Called at a failure. True: the next commit reports the failure, so it must not become an unhandled rejection,
   *   which would end the process.
   */
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

/** Waits for some operations, and rejects with the error of the first that failed. */
export type Settle = () => Promise<void>

/** Runs the operations of a session one after the other, and keeps those that failed and that nobody awaited. */
export class OperationQueue {
  readonly #reported: () => boolean
  #last: Promise<unknown> | undefined
  #running = 0
  /** The operations, except commits, that run or have failed. */
  #observed: readonly ObservedPromise<unknown>[] = []

  /** @param reported - Whether a later commit reports an operation that failed and that nobody awaited. */
  constructor(reported: () => boolean) {
    this.#reported = reported
  }

  /** An operation waits or runs; or an operation has failed, and nobody awaited it. */
  get busy(): boolean {
    return this.running || this.failedUnheard
  }

  /** An operation waits or runs. */
  get running(): boolean {
    return this.#running > 0
  }

  /** An operation has failed, and nobody awaited it. */
  get failedUnheard(): boolean {
    return this.#observed.some(({ failed, heard }) => failed && !heard)
  }

  /** Runs an operation after all earlier ones. */
  add<T>(operation: () => Promise<T>): Promise<T> {
    const running = this.#after(this.#last, operation)
    this.#last = running
    return running
  }

  /** Records whether anybody awaits an operation. */
  observe<T>(running: Promise<T>): Promise<T> {
    const observed = new ObservedPromise(running, this.#reported)
    this.#observed = [...this.#observed.filter(({ done }) => !done), observed]
    return observed
  }

  /**
   * Collects the operations that nobody has awaited so far. An `await` after this call is too late.
   *
   * @returns A function that waits for these operations, and rejects with the error of the first that failed. They are not reported
   *   again. Undefined if there are none.
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
      // The promise of that operation has reported the error.
    }
    try {
      return await operation()
    } finally {
      this.#running--
    }
  }
}
