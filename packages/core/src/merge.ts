import type { Content, SessionNames } from './codec.ts'
import type { Context } from './context.ts'
import { copy, equal, get, keysOf, put, type Plain } from './data.ts'
import { SessError } from './error.ts'

/**
 * Settles conflicts between a request's changes and later writes of other requests, for each top-level key.
 *
 * @param names - The names of the session in events.
 * @param changes - The new value of each key; undefined for a deletion. If `onConflict` is a function, its results replace values.
 * @param seen - The stored content on which the changes are based.
 * @param stored - The content that is stored now.
 * @throws {SessError} `conflict`, with `onConflict: 'throw'`.
 */
export function settleConflicts(
  { events, settings: { onConflict } }: Context,
  names: SessionNames,
  changes: Map<string, unknown>,
  seen: Content,
  stored: Content,
): void {
  for (const [key, mine] of changes) {
    const theirs = get(stored.data, key)
    const base = get(seen.data, key)
    if (equal(theirs, base) || equal(theirs, mine)) continue
    events.emit('conflict', { ...names, key })
    if (onConflict === 'throw')
      throw new SessError(
        'conflict',
        `another request changed data.${key}; nothing was written. Use update() for it, or load again`,
        names,
      )
    if (typeof onConflict === 'function') changes.set(key, copy(onConflict(copy({ key, base, theirs, mine }))))
  }
}

/**
 * Merges the stored data into the data of a request. Keys that the request has not changed since `sent` get the stored value; later
 * changes of the request stay.
 *
 * @param sent - The data as it was when the write began.
 */
export function takeOver(data: Plain, stored: Plain, sent: Plain): void {
  for (const key of keysOf(stored, data)) {
    const mine = get(data, key)
    if (equal(mine, get(sent, key)) && (mine === undefined || !equal(mine, get(stored, key))))
      put(data, key, copy(get(stored, key)))
  }
}
