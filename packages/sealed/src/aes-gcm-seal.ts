import type { Seal } from '@sess/core'
import { checkOptions, invalid, type OptionNames } from '@sess/core/adapter'
import { KeyRing, type KeyRingOptions } from './key-ring.ts'

/** Options of {@link aesGcmSeal}. */
export interface AesGcmSealOptions extends KeyRingOptions {
  /**
   * For the move from a store that is not encrypted: true reads records that are not sealed, too. Whoever can write to
   * the store can then forge sessions as before, so take it out again when the longest session has ended. Default: false.
   */
  readonly acceptPlaintext?: boolean
}

/** A seal, and the IDs of its keys. */
export interface AesGcmSeal extends Seal {
  /** In the order of the keys; to be logged when a key is changed. An ID tells nothing of its key. */
  readonly keyIds: readonly string[]
}

const OPTIONS: OptionNames<AesGcmSealOptions> = { keys: true, revokedKeyIds: true, acceptPlaintext: true }

/**
 * Encrypts sessions in any store: the whole envelope, bound to its record, revision and subject.
 *
 * @throws {SessError} `invalid_option`, naming a key by its place.
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
