import type { Events } from './events.ts'
import { isSessError, SessError, type SessErrorCode } from './error.ts'
import type { SessionKey } from './store.ts'
import { handleOf } from './token.ts'

/** Codes by which a store promises that nothing was applied. */
const NOT_APPLIED: ReadonlySet<SessErrorCode> = new Set([
  'store_unavailable',
  'store_full',
  'configuration',
  'too_large',
  'unsupported',
  'response_started',
])

/** What an application's error page may show of a call that failed. The store's own words are in the error's cause. */
const SENTENCES: Readonly<Partial<Record<SessErrorCode, string>> & { readonly store_unavailable: string }> = {
  store_unavailable: 'the session store did not do what it was asked; nothing was written',
  unknown_outcome:
    'the answer of the session store never came; the write may have been applied, and another commit() settles it',
  store_full: 'the session store has no room; nothing was written',
  configuration: 'the session store is not set up as it must be; nothing was written',
  too_large:
    'the session is larger than its store takes; nothing was written. Keep large things elsewhere, their IDs here',
  unsupported: 'the session store cannot do this; nothing was written',
  response_started: 'the session is in a cookie, and the response has started; nothing was written. Change it earlier',
}

/** The same, of what failed after a part of it was done. */
const PARTIAL = 'the session store did a part of what it was asked, and then failed; call it again'

/** Every call into the store: bounded in time, and with one reading of what a rejection means. */
export class Calls {
  readonly #clock: () => number
  readonly #timeout: number
  readonly #events: Events

  constructor(clock: () => number, timeout: number, events: Events) {
    this.#clock = clock
    this.#timeout = timeout
    this.#events = events
  }

  /** Something that writes nothing. @throws {SessError} `store_unavailable`. */
  ask<T>(
    operation: string,
    key: SessionKey | undefined,
    send: (now: number) => Promise<T>,
    until: number = Infinity,
  ): Promise<T> {
    return this.#call(operation, key, send, 1, 'store_unavailable', until)
  }

  /**
   * A write.
   *
   * @param tries - 2 for an idempotent one: it is sent again if its answer is lost.
   * @throws {SessError} `unknown_outcome`, or what the store says when nothing was applied.
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

  /** What a store reads in pages, step by step. @throws {SessError} `store_unavailable`. */
  askInPages<T>(operation: string, open: (now: number) => AsyncIterable<T>): AsyncGenerator<T, void> {
    return this.#pages(operation, open, 1, 'store_unavailable')
  }

  /**
   * What a store writes in pages, step by step. It has to be idempotent: it is begun again if an answer is lost.
   *
   * @throws {SessError} `unknown_outcome`, always once a page was done; or what the store says when nothing was applied.
   */
  tellInPages<T>(operation: string, open: (now: number) => AsyncIterable<T>): AsyncGenerator<T, void> {
    return this.#pages(operation, open, 2, 'unknown_outcome')
  }

  /** Each step is bounded by the timeout. The whole takes as long as it takes. */
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

  /** @param begun - A part was applied already, so that no rejection promises that nothing was. */
  #call<T>(
    operation: string,
    key: SessionKey | undefined,
    send: (now: number) => Promise<T>,
    tries: number,
    otherwise: SessErrorCode,
    until = Infinity,
    begun = false,
  ): Promise<T> {
    // By performance.now(): what is asked for has an end of its own.
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
    const error = new SessError(code, `${sentence}; its cause says more`, { cause, handle })
    this.#events.emit('error', { code, operation, error, ...(handle && { handle }) })
    return error
  }
}

/** Lets go of an iteration before its end. Nobody waits for that: a step that hangs would hold it back. */
function leave(iterator: AsyncIterator<unknown> | undefined): void {
  iterator?.return?.().catch(() => {})
}

/** True for a write that may or may not have been applied. */
export function isUnknown(error: unknown): boolean {
  return isSessError(error, 'unknown_outcome')
}

/** True for a failure that a second try may cure. */
export function mayRetry(error: unknown): boolean {
  return isSessError(error, 'unknown_outcome', 'store_unavailable')
}
