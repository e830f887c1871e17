import { setTimeout as delay } from 'node:timers/promises'
import { SessError } from '@sess/core/adapter'
import type { Driver } from './driver.ts'

/** How long SQLite itself waits for a lock, in ms: it blocks the event loop for that time. */
export const BUSY_TIMEOUT_MS = 2

/** The longest pause between two tries for a lock, in ms. */
const LONGEST_PAUSE_MS = 10

/** How long a call waits for a lock before it is an error, in ms: less than core waits for an answer. */
const PATIENCE_MS = 3000

/** SQLite's primary result codes that matter here. See https://www.sqlite.org/rescode.html */
const BUSY = 5
const LOCKED = 6
const IO_ERROR = 10
const FULL = 13
const CODES: Readonly<Record<string, number>> = { BUSY, LOCKED, IOERR: IO_ERROR, FULL }

/** What better-sqlite3 says when a statement of the same connection is being iterated. It refuses before SQLite is asked. */
const ITERATING = /^This database connection is busy executing a query/

/**
 * Runs statements on one connection, and waits for locks that others hold without blocking the event loop.
 *
 * Of the calls that wait, one at a time tries to get the lock: each try may block the event loop for
 * {@link BUSY_TIMEOUT_MS}, and the others would only add to that.
 */
export class Attempts {
  readonly #driver: Driver
  /** Settles when the last of those that wait has had its turn. Undefined: nobody waits. */
  #lastTurn: Promise<unknown> | undefined

  constructor(driver: Driver) {
    this.#driver = driver
  }

  /** A reader is not held up by a writer, so it does not wait behind those that want to write. */
  read<T>(run: () => T): Promise<T> {
    return this.#attempt(run, false)
  }

  /**
   * Statements that write, and take effect as one.
   *
   * @throws {SessError} `store_unavailable`, `store_full`, `unsupported`: not applied. Anything else: unknown.
   */
  write<T>(run: () => T): Promise<T> {
    return this.#attempt(run, this.#lastTurn !== undefined)
  }

  async #attempt<T>(run: () => T, behindOthers: boolean): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS
    if (!behindOthers) {
      const outcome = this.#try(run)
      if ('value' in outcome) return outcome.value
    }
    const turn = this.#inTurn(run, deadline, this.#lastTurn)
    const settled = turn.then(
      () => {},
      () => {},
    )
    this.#lastTurn = settled
    try {
      return await turn
    } finally {
      if (this.#lastTurn === settled) this.#lastTurn = undefined
    }
  }

  async #inTurn<T>(run: () => T, deadline: number, before: Promise<unknown> | undefined): Promise<T> {
    if (before) await before
    else await pause()
    for (;;) {
      const outcome = this.#try(run)
      if ('value' in outcome) return outcome.value
      if (performance.now() > deadline) throw locked(outcome.busy)
      await pause()
    }
  }

  /** @returns The value, or the error that says that somebody else holds the lock. */
  #try<T>(run: () => T): { readonly value: T } | { readonly busy: unknown } {
    if (!this.#driver.isOpen()) throw closed()
    if (this.#driver.inTransaction())
      throw new SessError(
        'unsupported',
        'sessions were used inside a transaction of the same SQLite connection, whose rollback would undo what was acknowledged; use them outside, or give sqliteStore a connection of its own',
      )
    try {
      return { value: run() }
    } catch (error) {
      if (isBusy(error)) return { busy: error }
      throw this.#driver.isOpen() ? failureOf(error) : closed(error)
    }
  }
}

function pause(): Promise<void> {
  return delay(1 + Math.random() * (LONGEST_PAUSE_MS - 1))
}

/** True for an error that says that somebody else holds the lock: nothing was done, and a later try may succeed. */
export function isBusy(error: unknown): boolean {
  const code = primaryCodeOf(error)
  return code === BUSY || code === LOCKED || (error instanceof Error && ITERATING.test(error.message))
}

/** The primary result code of SQLite in a driver's error: a name in `code`, or a number in `errcode`. Undefined: not of SQLite. */
function primaryCodeOf(error: unknown): number | undefined {
  const { code, errcode } = (error ?? {}) as { readonly code?: unknown; readonly errcode?: unknown }
  if (typeof errcode === 'number') return errcode & 255
  const name = typeof code === 'string' ? /^SQLITE_([A-Z]+)/.exec(code)?.[1] : undefined
  return name === undefined ? undefined : (CODES[name] ?? 1)
}

/** A statement that fails is rolled back whole; only where the disk failed is it not known what will be read later. */
function failureOf(error: unknown): unknown {
  const code = primaryCodeOf(error)
  if (code === undefined || code === IO_ERROR) return error
  if (code === FULL)
    return new SessError('store_full', 'the disk of the SQLite database is full; free some, and nothing is lost', {
      cause: error,
    })
  return new SessError(
    'store_unavailable',
    'SQLite refused a statement; look at the file, its folder and their permissions, and at the cause',
    { cause: error },
  )
}

function locked(cause: unknown): SessError {
  const iterating = cause instanceof Error && ITERATING.test(cause.message)
  return new SessError(
    'store_unavailable',
    iterating
      ? `a statement of the same SQLite connection was being iterated for ${PATIENCE_MS} ms, and better-sqlite3 writes nothing meanwhile; give sqliteStore a connection of its own`
      : `the SQLite database was locked for ${PATIENCE_MS} ms; look for a long transaction in another process`,
    { cause },
  )
}

function closed(cause?: unknown): SessError {
  return new SessError(
    'store_unavailable',
    'the SQLite database was closed; open it for as long as sessions are used',
    cause === undefined ? undefined : { cause },
  )
}
