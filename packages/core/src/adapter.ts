/**
 * For authors of stores: the contract, and what every store needs.
 *
 * @module
 */
export { asExpected } from './store.ts'
export type * from './store.ts'
export { SessError, type SessErrorCode } from './error.ts'
export { invalid } from './options.ts'
export { DAMAGED_RECORD, decodeRecord, encodeRecord, expiryIn, isSound, RECORD_HEAD } from './record.ts'
export { PageSize, sum } from './pages.ts'

/**
 * How much later than a record's end a backend may remove it, in ms: a clock that runs up to so much ahead never removes a
 * live record.
 */
export const GRACE_MS = 60_000

/**
 * What a sweep may remove: records with `expiresAt` at or before this. A record is swept only if it ended {@link GRACE_MS} ago or
 * earlier by core's clock and by the store's as well.
 *
 * @param now - By core's clock.
 * @param storeNow - By the clock of the store's server. Default: this process's.
 */
export function sweepableUntil(now: number, storeNow: number = Date.now()): number {
  return Math.min(now, storeNow) - GRACE_MS
}
