import type { Content, SessionNames } from './codec.ts'
import type { Context } from './context.ts'
import { copy, equal, get, keysOf, put, type Plain } from './data.ts'
import { SessError } from './error.ts'

/**
 * Settles conflicts by top-level key, between a request's changes and what others wrote since these were made.
 *
 * @param names - What events name the session by.
 * @param changes - By key; undefined for a deletion. A function given as `onConflict` changes them.
 * @param seen - The content that the changes were made of.
 * @param stored - The content as it is now.
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
 * Merges, into the data that a request has at hand, what is stored now: keys that are as they were sent follow the store, and
 * what the request changed since stays.
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
