/**
 * The promise of an operation that knows whether anybody listens to it. An `await` of a promise of another class than Promise
 * calls `then`, and so does all else that waits for one.
 */
export class Operation<T> extends Promise<T> {
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
