import type { Events } from './events.ts'
import { isSessError, SessError, type SessErrorCode } from './error.ts'
import type { SessionKey } from './store.ts'
import { handleOf } from './token.ts'

/** The codes with which a store promises that nothing was applied. */
const NOT_APPLIED: ReadonlySet<SessErrorCode> = new Set([
  'store_unavailable',
  'store_full',
  'configuration',
  'too_large',
  'unsupported',
  'response_started',
])

/** The messages of errors of a call, safe to show on an error page. The error of the store itself is the `cause`. */
const SENTENCES: Readonly<Partial<Record<SessErrorCode, string>> & { readonly store_unavailable: string }> = {
  store_unavailable: 'the session store did not answer, or refused; nothing was written',
  unknown_outcome:
    'the answer of the session store never came; the write may have been applied, and another commit() settles it',
  store_full: 'the session store has no room; nothing was written',
  configuration: 'the session store is not set up correctly; nothing was written',
  too_large:
    'the session is larger than its store accepts; nothing was written. Keep large things elsewhere, and their IDs in the session',
  unsupported: 'the session store cannot do this; nothing was written',
  response_started: 'the session is in a cookie, and the response has started; nothing was written. Change it earlier',
}

/** The message of an operation that failed after some of its pages were done. */
const PARTIAL = 'the session store did a part of the operation, and then failed; call it again'

/** Makes every call of the store: bounds its time, and turns a rejection into a `SessError` with an `error` event. */
export class Calls {
  readonly #clock: () => number
  readonly #timeout: number
  readonly #events: Events

  constructor(clock: () => number, timeout: number, events: Events) {
    this.#clock = clock
    this.#timeout = timeout
    this.#events = events
  }

  /** Makes a call that writes nothing. @throws {SessError} `store_unavailable`. */
  ask<T>(
    operation: string,
    key: SessionKey | undefined,
    send: (now: number) => Promise<T>,
    until: number = Infinity,
  ): Promise<T> {
    return this.#call(operation, key, send, 1, 'store_unavailable', until)
  }

  /**
   * Makes a write.
   *
   * @param tries - 2 for an idempotent write: it is retried once if its answer is lost.
   * @throws {SessError} `unknown_outcome`; or the store's own code, if nothing was applied.
   */
  tell<T>(
    operation: string,
    key: SessionKey | undefined,
    send: (now: number) => Promise<T>,
    tries = 1,
    until: number = Infinity,
  ): Promise<T> {
    return this.#call(operation, key, send, tries, 'unknown_outcome', until)
  }

  /** Reads in pages. Each page is one call. @throws {SessError} `store_unavailable`. */
  askInPages<T>(operation: string, open: (now: number) => AsyncIterable<T>): AsyncGenerator<T, void> {
    return this.#pages(operation, open, 1, 'store_unavailable')
  }

  /**
   * Writes in pages. Each page is one call. The operation must be idempotent: it starts again once if an answer is lost.
   *
   * @throws {SessError} `unknown_outcome`, always after a page was done; or the store's own code, if nothing was applied.
   */
  tellInPages<T>(operation: string, open: (now: number) => AsyncIterable<T>): AsyncGenerator<T, void> {
    return this.#pages(operation, open, 2, 'unknown_outcome')
  }

  /** Bounds each page by the timeout, and not the whole iteration. */
  async *#pages<T>(
    operation: string,
    open: (now: number) => AsyncIterable<T>,
    tries: number,
    otherwise: SessErrorCode,
  ): AsyncGenerator<T, void> {
    let iterator: AsyncIterator<T> | undefined
    let failure: unknown
    let begun = false
    const step = (now: number): Promise<IteratorResult<T>> => (iterator ??= open(now)[Symbol.asyncIterator]()).next()
    try {
      for (;;) {
        let result: IteratorResult<T>
        try {
          result = await this.#call(operation, undefined, step, 1, otherwise, Infinity, begun)
        } catch (error) {
          failure = isUnknown(failure) ? failure : error
          if (--tries < 1 || !mayRetry(error)) throw failure
          leave(iterator)
          iterator = undefined
          continue
        }
        if (result.done) {
          iterator = undefined
          return
        }
        begun ||= result.value !== 0
        yield result.value
      }
    } finally {
      leave(iterator)
    }
  }

  /** @param begun - An earlier page was applied, so that a rejection does not mean that nothing was applied. */
  #call<T>(
    operation: string,
    key: SessionKey | undefined,
    send: (now: number) => Promise<T>,
    tries: number,
    otherwise: SessErrorCode,
    until = Infinity,
    begun = false,
  ): Promise<T> {
    // `until` is a time of performance.now().
    const timeout = Math.max(1, Math.min(this.#timeout, until - performance.now()))
    return new Promise<T>((resolve, reject) => {
      let waits = true
      const failed = (cause: unknown): void => {
        if (!waits) return
        waits = false
        clearTimeout(timer)
        const error = this.#failed(operation, key, cause, otherwise, begun)
        if (tries < 2 || !mayRetry(error)) return reject(error)
        this.#call(operation, key, send, tries - 1, otherwise, until).then(resolve, (again: unknown) =>
          reject(isUnknown(error) ? error : again),
        )
      }
      const timer = setTimeout(
        () => failed(new Error(`no answer within ${Math.ceil(timeout)} ms (storeTimeout)`)),
        timeout,
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

  #failed(
    operation: string,
    key: SessionKey | undefined,
    cause: unknown,
    otherwise: SessErrorCode,
    begun: boolean,
  ): SessError {
    const partial = begun && otherwise === 'unknown_outcome'
    const code = !partial && isSessError(cause) && NOT_APPLIED.has(cause.code) ? cause.code : otherwise
    const handle = key && handleOf(key)
    const sentence = partial ? PARTIAL : (SENTENCES[code] ?? SENTENCES.store_unavailable)
    const error = new SessError(code, `${sentence}; see the cause of this error`, { cause, handle })
    this.#events.emit('error', { code, operation, error, ...(handle && { handle }) })
    return error
  }
}

/** Ends an iteration early, without waiting: a page that hangs would delay the end. */
function leave(iterator: AsyncIterator<unknown> | undefined): void {
  iterator?.return?.().catch(() => {})
}

/** True for the error of a write that may or may not have been applied. */
export function isUnknown(error: unknown): boolean {
  return isSessError(error, 'unknown_outcome')
}

/** True for an error after which a retry may succeed. */
export function mayRetry(error: unknown): boolean {
  return isSessError(error, 'unknown_outcome', 'store_unavailable')
}
