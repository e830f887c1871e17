import type { RedisClient } from './client.ts'

/** Options of `redisStore` and `redisClusterStore`. */
export interface RedisStoreOptions {
  /** What all keys begin with; none of `{}[]*?\`. Default: `sess:`. A `keyPrefix` of the client stands before it. */
  readonly prefix?: string
  /**
   * The largest payload, in bytes; at most 500,000,000. Default: 1 MiB. No more is read either: a session that is larger, because
   * somebody else wrote it or because this was lowered, counts as damaged.
   */
  readonly maxPayloadBytes?: number
  /**
   * What a logout and a revocation wait for once the master has them: see {@link waitReplicas}. Default: nothing more.
   */
  readonly confirm?: Confirm
}

/**
 * Makes sure of what a master has done. Rejects where that cannot be said: the outcome is then unknown.
 *
 * @param nothing - A key on that master that holds nothing.
 */
export type Confirm = (client: RedisClient, nothing: string) => Promise<void>
