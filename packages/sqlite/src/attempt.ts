import { setTimeout as delay } from 'node:timers/promises'
import { SessError } from '@sess/core'
import type { SqliteClient } from './client.ts'

/** How long SQLite itself waits for a lock, in ms: it blocks the event loop for that time. */
export const BUSY_TIMEOUT = 10

/** How long a call is tried again before it is an error, in ms: less than core waits for an answer. */
const PATIENCE = 3000

/**
 * Runs statements that take effect as one. A lock held by another process is waited for without blocking the event loop.
 *
 * @throws {SessError} `store_unavailable`, `store_full`, `unsupported`: not applied. Anything else: unknown.
 */
export async function attempt<T>(client: SqliteClient, run: () => T): Promise<T> {
  const deadline = performance.now() + PATIENCE
  for (;;) {
    if (!client.open)
      throw new SessError(
        'store_unavailable',
        'the SQLite database was closed; open it for as long as sessions are used',
      )
    if (client.inTransaction)
      throw new SessError(
        'unsupported',
        'sessions were used inside a transaction of the same SQLite connection, whose rollback would undo what was acknowledged; use them outside, or give sqliteStore a connection of its own',
      )
    try {
      return run()
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      if (!/^SQLITE_(BUSY|LOCKED)/.test(code)) throw translated(code, error)
      if (performance.now() > deadline)
        throw new SessError(
          'store_unavailable',
          `the SQLite database was locked for ${PATIENCE} ms; look for a long transaction in another process`,
          { cause: error },
        )
    }
    await delay(1 + Math.random() * BUSY_TIMEOUT)
  }
}

/** A statement that fails is rolled back whole; only where the disk failed is it not known what will be read later. */
function translated(code: string, error: unknown): unknown {
  if (!code.startsWith('SQLITE_') || code.startsWith('SQLITE_IOERR')) return error
  if (code === 'SQLITE_FULL')
    return new SessError('store_full', 'the disk of the SQLite database is full; free some, and nothing is lost', {
      cause: error,
    })
  return new SessError(
    'store_unavailable',
    `SQLite refused (${code}): look at the file, its folder and their permissions`,
    { cause: error },
  )
}
