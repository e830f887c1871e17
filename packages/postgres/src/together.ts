import { SessError, type SessionKey, type SessionRecord } from '@sess/core/adapter'
import { batch } from './batch.ts'
import type { Database, Row } from './database.ts'
import type { Cause } from './errors.ts'
import { minuteOf, recordOf } from './row.ts'
import { MOST_TOGETHER, type Statements } from './statements.ts'

/** A replacement of a record that has this revision. */
export interface Replacement {
  readonly key: SessionKey
  readonly revision: number
  readonly next: SessionRecord
  readonly now: number
}

/** Reads by one statement what one turn of the event loop asks for. The answer is null for no record; a record may have expired. */
export function readsTogether(
  database: Database,
  statements: Statements,
  prefix: string,
  alone: (key: SessionKey) => Promise<SessionRecord | null>,
): (key: SessionKey) => Promise<SessionRecord | null> {
  return batch(MOST_TOGETHER, alone, (keys) =>
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
 * Replaces by one statement what one turn of the event loop asks for; each compares by itself. The answer is false for a record that
 * is missing or has another revision, and for one that another transaction has locked.
 */
export function replacementsTogether(
  database: Database,
  statements: Statements,
  prefix: string,
  alone: (item: Replacement) => Promise<boolean>,
): (item: Replacement) => Promise<boolean> {
  return batch(MOST_TOGETHER, alone, (items) =>
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

/** Answers nothing when the server refused the statement, and so applied nothing: one item may be the reason, so each goes alone. */
async function unlessRefused<T>(send: () => Promise<T>): Promise<T | undefined> {
  try {
    return await send()
  } catch (error) {
    // Only an error of the server has a severity, in the server's language.
    const ofServer = error instanceof SessError && (error.cause as Cause | undefined)?.severity !== undefined
    if (ofServer && error.code !== 'unknown_outcome') return undefined
    throw error
  }
}

const placeOf = (row: Row): number => Number(row['n']) - 1

/** As arrays of PostgreSQL. Keys are base64url, which needs no escapes. */
const keysOf = (keys: readonly SessionKey[]): string[] => [
  `{${keys.map(({ tag }) => `"${tag}"`).join()}}`,
  `{${keys.map(({ id }) => `"${id}"`).join()}}`,
]

const numbers = (all: readonly number[]): string => `{${all.join()}}`
