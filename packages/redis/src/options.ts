import type { RedisClient } from './client.ts'

/** Options of `redisStore` and `redisClusterStore`. */
export interface RedisStoreOptions {
  /** The start of every key, without `{}[]*?\`. A `keyPrefix` of the client comes before it. Default: `sess:`. */
  readonly prefix?: string
  /**
   * The largest payload, in bytes; at most 500,000,000. It also limits reads: a larger session in Redis (written by another program,
   * or before this option was lowered) counts as damaged. Default: 1 MiB.
   */
  readonly maxPayloadBytes?: number
  /**
   * Called for each logout and revocation after the master has applied it; they resolve once it has resolved. See
   * {@link waitReplicas}. Default: none.
   */
  readonly confirm?: Confirm
}

/**
 * Confirms a write that a master has applied. If it rejects, the outcome of the write is unknown.
 *
 * @param nothing - A key on the same master that never exists.
 */
export type Confirm = (client: RedisClient, nothing: string) => Promise<void>
