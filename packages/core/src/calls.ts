import type { Events } from './events.ts'
import { SessError, type SessErrorCode } from './error.ts'
import type { SessionKey, SessionRecord, SessionStore } from './store.ts'
import { handleOf } from './token.ts'

/** Codes by which a store promises that nothing was applied. */
const NOT_APPLIED: ReadonlySet<SessErrorCode> = new Set(['store_unavailable', 'store_full', 'too_large', 'unsupported'])

/** Every call into the store: bounded in time, and with one reading of what a rejection means. */
export class Calls {
  readonly store: SessionStore
  readonly #clock: () => number
  readonly #timeout: number
  readonly #events: Events

  constructor(store: SessionStore, clock: () => number, timeout: number, events: Events) {
    this.store = store
    this.#clock = clock
    this.#timeout = timeout
    this.#events = events
  }

  /** @throws {SessError} `store_unavailable`: an outage is not a missing record. */
  async read(key: SessionKey, fresh?: boolean): Promise<SessionRecord | undefined> {
    const now = this.#clock()
    try {
      const record = await this.#bounded(fresh ? this.store.read(key, now, true) : this.store.read(key, now))
      return record && now < record.expiresAt ? record : undefined
    } catch (cause) {
      throw this.#failed('store_unavailable', 'read', `it could not be asked; nobody was signed out`, cause, key)
    }
  }

  create(key: SessionKey, record: SessionRecord): Promise<boolean> {
    return this.#write('create', key, (now) => this.store.create(key, record, now))
  }

  replace(
    key: SessionKey,
    record: SessionRecord,
    expected: SessionRecord,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    return this.#write('replace', key, (now) => this.store.replace(key, record, expected, now))
  }

  /** Sent again once if its answer is lost: moving the clock twice does no harm. */
  touch(key: SessionKey, expiresAt: number, expected: SessionRecord): Promise<'touched' | 'conflict' | 'missing'> {
    return this.again('touch', key, (now) => this.store.touch(key, expiresAt, expected, now))
  }

  /** Sent again once if its answer is lost: a delete is idempotent. */
  delete(key: SessionKey): Promise<boolean> {
    return this.again('delete', key, (now) => this.store.delete(key, now))
  }

  /** An idempotent write, sent again once if it fails. */
  async again<T>(operation: string, key: SessionKey | undefined, send: (now: number) => Promise<T>): Promise<T> {
    try {
      return await this.#write(operation, key, send)
    } catch (first) {
      if (!mayRetry(first)) throw first
      try {
        return await this.#write(operation, key, send)
      } catch (second) {
        throw isUnknown(first) ? first : second
      }
    }
  }

  /** Something that the store does outside any one session. */
  async whole<T>(operation: string, send: (now: number) => Promise<T>): Promise<T> {
    try {
      return await send(this.#clock())
    } catch (cause) {
      throw this.#failed('store_unavailable', operation, 'it did not finish', cause)
    }
  }

  async #write<T>(operation: string, key: SessionKey | undefined, send: (now: number) => Promise<T>): Promise<T> {
    try {
      return await this.#bounded(send(this.#clock()))
    } catch (cause) {
      const known = cause instanceof SessError && NOT_APPLIED.has(cause.code)
      throw this.#failed(
        known ? cause.code : 'unknown_outcome',
        operation,
        known ? `nothing was written` : `its answer never came, so it may have been applied; commit() again settles it`,
        cause,
        key,
      )
    }
  }

  #failed(code: SessErrorCode, operation: string, what: string, cause: unknown, key?: SessionKey): SessError {
    const own = cause instanceof SessError && cause.code === code
    const error = own
      ? cause
      : new SessError(
          code,
          `${operation} on the ${this.store.name} store failed${key ? ` for session ${handleOf(key)}` : ''}: ${what} (${reason(cause)})`,
          { cause },
        )
    this.#events.emit('error', {
      code: error.code,
      operation,
      error,
      ...(key && { handle: handleOf(key) }),
    })
    return error
  }

  #bounded<T>(answer: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${this.#timeout} ms (storeTimeout)`)), this.#timeout)
    })
    return Promise.race([answer, late]).finally(() => clearTimeout(timer))
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

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
