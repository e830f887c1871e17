import { SessError, type SessionKey, type SessionRecord } from '@sess/core/adapter'
import { batchOrAlone } from './batch-or-alone.ts'
import type { Database, Row } from './database.ts'
import type { Cause } from './errors.ts'
import { minuteOf, recordOf } from './row.ts'
import { MOST_TOGETHER, type Statements } from './statements.ts'

/** A call of the store's `replace`. */
export interface Replacement {
  readonly key: SessionKey
  /** The revision that the record must have. */
  readonly revision: number
  readonly next: SessionRecord
  readonly now: number
}

/**
 * Makes a read that sends the reads of one turn of the event loop as one statement. It resolves to null if there is no record. The
 * record may have expired.
 *
 * @param alone - Reads one record by a statement of its own.
 */
export function readsTogether(
  database: Database,
  statements: Statements,
  prefix: string,
  alone: (key: SessionKey) => Promise<SessionRecord | null>,
): (key: SessionKey) => Promise<SessionRecord | null> {
  return batchOrAlone(MOST_TOGETHER, alone, (keys) =>
    unlessRefused(async () => {
      const rows = await database.read(statements.reads, [prefix, ...keysOf(keys)])
      const answers = keys.map((): SessionRecord | null | undefined => null)
      // The statement leaves out a payload that is too long for it.
      for (const row of rows) answers[placeOf(row)] = row['payload'] === null ? undefined : recordOf(row)
      return answers
    }),
  )
}

/**
 * Makes a replacement that sends the replacements of one turn of the event loop as one statement. Each item compares its own revision.
 * It resolves to false for a record that is missing or has another revision, and for a record that another transaction has locked.
 *
 * @param alone - Replaces one record by a statement of its own.
 */
export function replacementsTogether(
  database: Database,
  statements: Statements,
  prefix: string,
  alone: (item: Replacement) => Promise<boolean>,
): (item: Replacement) => Promise<boolean> {
  return batchOrAlone(MOST_TOGETHER, alone, (items) =>
    unlessRefused(async () => {
      const starts: number[] = []
      let length = 0
      for (const { next } of items) {
        starts.push(length + 1)
        length += next.payload.length
      }
      const { rows } = await database.write(statements.replaces, [
        prefix,
        ...keysOf(items.map(({ key }) => key)),
        numbers(items.map(({ now }) => now)),
        numbers(items.map(({ revision }) => revision)),
        numbers(items.map(({ next }) => next.revision)),
        numbers(items.map(({ next }) => next.expiresAt)),
        numbers(items.map(({ next }) => minuteOf(next.expiresAt))),
        numbers(starts),
        numbers(items.map(({ next }) => next.payload.length)),
        Buffer.concat(items.map(({ next }) => next.payload)),
      ])
      const answers = items.map(() => false)
      for (const row of rows) answers[placeOf(row)] = true
      return answers
    }),
  )
}

/** Resolves to undefined if the server refused the statement: nothing was applied, and one item may be the cause, so each goes alone. */
async function unlessRefused<T>(send: () => Promise<T>): Promise<T | undefined> {
  try {
    return await send()
  } catch (error) {
    // Only an error of the server has a severity.
    const ofServer = error instanceof SessError && (error.cause as Cause | undefined)?.severity !== undefined
    if (ofServer && error.code !== 'unknown_outcome') return undefined
    throw error
  }
}

const placeOf = (row: Row): number => Number(row['n']) - 1

/** Makes the literals of two arrays of PostgreSQL. Keys are base64url, which needs no escapes. */
const keysOf = (keys: readonly SessionKey[]): string[] => [
  `{${keys.map(({ tag }) => `"${tag}"`).join()}}`,
  `{${keys.map(({ id }) => `"${id}"`).join()}}`,
]

const numbers = (all: readonly number[]): string => `{${all.join()}}`
