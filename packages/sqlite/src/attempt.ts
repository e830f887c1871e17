import { setTimeout as delay } from 'node:timers/promises'
import { SessError } from '@sess/core/adapter'
import type { Driver } from './driver.ts'

/** How long SQLite itself waits for a lock, in ms. It blocks the event loop during this time. */
export const BUSY_TIMEOUT_MS = 2

/** The longest pause between two tries for a lock, in ms. */
const LONGEST_PAUSE_MS = 10

/** How long a call waits for a lock before it fails, in ms: less than core's default `storeTimeout`. */
const LOCK_WAIT_MS = 3000

/** The primary result codes of SQLite that this file handles. See https://www.sqlite.org/rescode.html */
const BUSY = 5
const LOCKED = 6
const IO_ERROR = 10
const FULL = 13
const CODES: Readonly<Record<string, number>> = { BUSY, LOCKED, IOERR: IO_ERROR, FULL }

/** The message of better-sqlite3 while a statement of the same connection is iterated. It refuses before it calls SQLite. */
const ITERATING = /^This database connection is busy executing a query/

/**
 * Runs statements on one connection. It waits for locks of other connections without blocking the event loop.
 *
 * Of the waiting calls, only one tries to get the lock at a time: each try may block the event loop for {@link BUSY_TIMEOUT_MS}.
 */
export class Attempts {
  readonly #driver: Driver
  /** Settles after the turn of the last waiting call. Undefined if no call waits. */
  #lastTurn: Promise<unknown> | undefined

  constructor(driver: Driver) {
    this.#driver = driver
  }

  /** Runs statements that read. A writer does not block them, so they do not wait for the turn of waiting calls. */
  read<T>(run: () => T): Promise<T> {
    return this.#attempt(run, false)
  }

  /**
   * Runs statements that write, as one transaction.
   *
   * @throws {SessError} `store_unavailable`, `store_full`, `unsupported`: nothing was written. Any other error: the outcome is unknown.
   */
  write<T>(run: () => T): Promise<T> {
    return this.#attempt(run, this.#lastTurn !== undefined)
  }

  async #attempt<T>(run: () => T, behindOthers: boolean): Promise<T> {
    const deadline = performance.now() + LOCK_WAIT_MS
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

  /** @returns The value; or `busy`, the error that another connection holds the lock. */
  #try<T>(run: () => T): { readonly value: T } | { readonly busy: unknown } {
    if (!this.#driver.isOpen()) throw closed()
    if (this.#driver.inTransaction())
      throw new SessError(
        'unsupported',
        'sessions were used inside a transaction of the same SQLite connection, whose rollback would undo acknowledged writes; use sessions outside the transaction, or give sqliteStore a connection of its own',
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

/** True for the error that another connection holds the lock. Nothing was done, and a later try may succeed. */
export function isBusy(error: unknown): boolean {
  const code = primaryCodeOf(error)
  return code === BUSY || code === LOCKED || (error instanceof Error && ITERATING.test(error.message))
}

/** The primary result code in a driver's error: a name in `code`, or a number in `errcode`. Undefined if the error is not from SQLite. */
function primaryCodeOf(error: unknown): number | undefined {
  const { code, errcode } = (error ?? {}) as { readonly code?: unknown; readonly errcode?: unknown }
  if (typeof errcode === 'number') return errcode & 255
  const name = typeof code === 'string' ? /^SQLITE_([A-Z]+)/.exec(code)?.[1] : undefined
  return name === undefined ? undefined : (CODES[name] ?? 1)
}

/** Turns the error of a statement into a `SessError`. A failed statement is rolled back; only after a disk error the outcome is unknown. */
function failureOf(error: unknown): unknown {
  const code = primaryCodeOf(error)
  if (code === undefined || code === IO_ERROR) return error
  if (code === FULL)
    return new SessError(
      'store_full',
      'the disk of the SQLite database is full; nothing was written. Free some space, and call again',
      { cause: error },
    )
  return new SessError(
    'store_unavailable',
    'SQLite refused a statement; nothing was written. Check the cause, and the permissions of the file and its folder',
    { cause: error },
  )
}

function locked(cause: unknown): SessError {
  const iterating = cause instanceof Error && ITERATING.test(cause.message)
  return new SessError(
    'store_unavailable',
    iterating
      ? `a statement of the same SQLite connection was iterated for ${LOCK_WAIT_MS} ms, and better-sqlite3 cannot write meanwhile; give sqliteStore a connection of its own`
      : `the SQLite database was locked for ${LOCK_WAIT_MS} ms; nothing was written. Look for a long transaction in another process`,
    { cause },
  )
}

function closed(cause?: unknown): SessError {
  return new SessError(
    'store_unavailable',
    'the SQLite database is closed; keep it open while sessions are used',
    cause === undefined ? undefined : { cause },
  )
}
