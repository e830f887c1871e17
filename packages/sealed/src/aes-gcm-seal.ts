import type { Seal } from '@sess/core'
import { checkOptions, invalid, type OptionNames } from '@sess/core/adapter'
import { KeyRing, type KeyRingOptions } from './key-ring.ts'

/** Options of {@link aesGcmSeal}. */
export interface AesGcmSealOptions extends KeyRingOptions {
  /**
   * True: also reads records that are not sealed, while a store that is in use moves to sealing. As long as it is true, anybody who can
   * write to the store can forge sessions, so remove it when the longest session has ended. Default: false.
   */
  readonly acceptPlaintext?: boolean
}

/** A seal, and the IDs of its keys. */
export interface AesGcmSeal extends Seal {
  /** The IDs of the keys, in their order. Log them when you change a key. An ID does not reveal its key. */
  readonly keyIds: readonly string[]
}

const OPTIONS: OptionNames<AesGcmSealOptions> = { keys: true, revokedKeyIds: true, acceptPlaintext: true }

/**
 * Makes a seal for the option `seal` of `createSessions`. It encrypts the whole payload of a record, and binds it to the record's key,
 * revision and subject.
 *
 * @throws {SessError} `invalid_option`; the message names a key by its place in the list.
 * @see https://c2sp.org/XAES-256-GCM
 */
export function aesGcmSeal(options: AesGcmSealOptions): AesGcmSeal {
  if (options === undefined) throw invalid('options', 'are needed, as in aesGcmSeal({ keys: [key] })')
  checkOptions(options, 'aesGcmSeal()', OPTIONS)
  const { acceptPlaintext = false, ...ringOptions } = options
  if (typeof acceptPlaintext !== 'boolean') throw invalid('acceptPlaintext', 'must be true or false')
  const ring = new KeyRing(ringOptions)
  return Object.freeze({
    keyIds: Object.freeze([...ring.ids]),
    acceptPlaintext,
    seal: (bytes: Uint8Array, bound: Uint8Array) => ring.seal(bytes, bound),
    open: (bytes: Uint8Array, bound: Uint8Array) => ring.open(bytes, bound),
  })
}
