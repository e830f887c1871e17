import type { SessionKey } from '@sess/core'
import type { Play } from './history/client.ts'

/** A task for another process. */
export type Task =
  /** Adds 1 by read and replace, at least `times` times and for at least `ms` ms. It answers the number of additions. */
  | {
      readonly kind: 'increment'
      readonly key: SessionKey
      readonly times: number
      readonly ms: number
      readonly now: number
    }
  /** Creates each key. It answers the indexes of the keys that it created. */
  | { readonly kind: 'create'; readonly keys: readonly SessionKey[]; readonly expiresAt: number; readonly now: number }
  /** Reads and replaces each record in turn until the record is missing. It answers how many replaces found a record missing. */
  | { readonly kind: 'replace-past-delete'; readonly keys: readonly SessionKey[]; readonly now: number }
  /** Sweeps. It answers the number of removed records. */
  | { readonly kind: 'sweep'; readonly now: number }
  /** Reads a record. It answers whether the record exists. */
  | { readonly kind: 'read'; readonly key: SessionKey; readonly now: number }
  /** Makes the plays one after another. It answers the operations of each play. */
  | { readonly kind: 'history'; readonly plays: readonly Play[]; readonly now: number }
