/**
 * For authors of stores: the contract of stores, and helpers.
 *
 * @module
 */
export { batch } from './batch.ts'
export { asExpected } from './store.ts'
export type * from './store.ts'
export { SessError, type SessErrorCode } from './error.ts'
export { checkOptions, checkStore, invalid, type OptionNames } from './option-check.ts'
export {
  DAMAGED_RECORD,
  decodeRecord,
  encodeRecord,
  expiryIn,
  isSound,
  LONGEST_RECORD_HEAD,
  RECORD_HEAD,
} from './record.ts'
export { defineStore, GRACE_MS, type StoreImplementation } from './define-store.ts'
export { PageSize, sum } from './pages.ts'
export { wrapStore, type StoreAround } from './wrap-store.ts'
