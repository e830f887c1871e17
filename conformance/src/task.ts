import type { SessionKey } from '@sess/core'
import type { Play } from './history/client.ts'

/** What another process may be asked to do. */
export type Task =
  /** Adds one by read and replace, at least this many times and for this many ms. Answers how often. */
  | {
      readonly kind: 'increment'
      readonly key: SessionKey
      readonly times: number
      readonly ms: number
      readonly now: number
    }
  /** Creates each key. Answers which it won. */
  | { readonly kind: 'create'; readonly keys: readonly SessionKey[]; readonly expiresAt: number; readonly now: number }
  /** Reads and replaces each record until it is missing, in turn. Answers how often a replace found it so. */
  | { readonly kind: 'replace-past-delete'; readonly keys: readonly SessionKey[]; readonly now: number }
  /** Sweeps. Answers how many records went. */
  | { readonly kind: 'sweep'; readonly now: number }
  /** Reads, and closes. */
  | { readonly kind: 'read'; readonly key: SessionKey; readonly now: number }
  /** Plays each in its turn. Answers the operations of each. */
  | { readonly kind: 'history'; readonly plays: readonly Play[]; readonly now: number }
