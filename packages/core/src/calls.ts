import type { Events } from './events.ts'
import { SessError, type SessErrorCode } from './error.ts'
import type { SessionKey } from './store.ts'
import { handleOf } from './token.ts'

/** Codes by which a store promises that nothing was applied. */
const NOT_APPLIED: ReadonlySet<SessErrorCode> = new Set([
  'store_unavailable',
  'store_full',
  'too_large',
  'unsupported',
  'response_started',
])

/** Every call into the store: bounded in time, and with one reading of what a rejection means. */
export class Calls {
  readonly #store: string
  readonly #clock: () => number
  readonly #timeout: number
  readonly #events: Events

  constructor(store: string, clock: () => number, timeout: number, events: Events) {
    this.#store = store
    this.#clock = clock
    this.#timeout = timeout
    this.#events = events
  }

  /** Something that writes nothing. @throws {SessError} `store_unavailable`. */
  ask<T>(operation: string, key: SessionKey | undefined, send: (now: number) => Promise<T>): Promise<T> {
    return this.#call(operation, key, send, 1, 'store_unavailable')
  }

  /**
   * A write.
   *
   * @param tries - 2 for an idempotent one: it is sent again if its answer is lost.
   * @throws {SessError} `unknown_outcome`, or what the store says when nothing was applied.
   */
  tell<T>(operation: string, key: SessionKey | undefined, send: (now: number) => Promise<T>, tries = 1): Promise<T> {
    return this.#call(operation, key, send, tries, 'unknown_outcome')
  }

  #call<T>(
    operation: string,
    key: SessionKey | undefined,
    send: (now: number) => Promise<T>,
    tries: number,
    otherwise: SessErrorCode,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let waits = true
      const failed = (cause: unknown): void => {
        if (!waits) return
        waits = false
        clearTimeout(timer)
        const error = this.#failed(operation, key, cause, otherwise)
        if (tries < 2 || !mayRetry(error)) return reject(error)
        this.#call(operation, key, send, tries - 1, otherwise).then(resolve, (again: unknown) =>
          reject(isUnknown(error) ? error : again),
        )
      }
      const timer = setTimeout(
        () => failed(new Error(`no answer within ${this.#timeout} ms (storeTimeout)`)),
        this.#timeout,
      )
      try {
        send(this.#clock()).then((value) => {
          clearTimeout(timer)
          if (waits) resolve(value)
        }, failed)
      } catch (cause) {
        failed(cause)
      }
    })
  }

  #failed(operation: string, key: SessionKey | undefined, cause: unknown, otherwise: SessErrorCode): SessError {
    const code = cause instanceof SessError && NOT_APPLIED.has(cause.code) ? cause.code : otherwise
    const handle = key && handleOf(key)
    const error = new SessError(
      code,
      `${this.#store}: ${operation}${handle ? ` of session ${handle}` : ''} failed (${cause instanceof Error ? cause.message : String(cause)}); ${
        code === 'unknown_outcome' ? 'it may have been applied; commit() again settles a commit' : 'nothing was written'
      }`,
      { cause },
    )
    this.#events.emit('error', { code, operation, error, ...(handle && { handle }) })
    return error
  }
}

/** True for a write that may or may not have been applied. */
export function isUnknown(error: unknown): boolean {
  return error instanceof SessError && error.code === 'unknown_outcome'
}

/** True for a failure that a second try may mend. */
export function mayRetry(error: unknown): boolean {
  return isUnknown(error) || (error instanceof SessError && error.code === 'store_unavailable')
}
