import type { SessionStore } from '@sess/core'
import type { RedisClient, RedisServer } from './client.ts'
import { invalid } from './errors.ts'
import type { RedisStoreOptions } from './options.ts'
import { storeOn } from './store.ts'

/** What {@link redisStore} calls of a `Redis` of ioredis. */
export interface SingleRedisClient extends RedisClient, RedisServer {
  readonly isCluster: boolean
  readonly options: RedisClient['options'] & {
    readonly readOnly?: boolean | undefined
    readonly role?: string | undefined
  }
}

/**
 * Sessions in Redis or Valkey: one server, or a master that Sentinel names.
 *
 * A write is one script: compare-and-set, and the subject's index with it. It is sent once, and within 10 s, whatever the
 * client is set to resend. Expired records go by themselves.
 *
 * @param client - A `Redis` of ioredis 6, which stays yours to close. Connected to a master: from a replica, which may show
 *   a session that has ended, every answer is `store_unavailable`.
 * @throws {SessError} `invalid_option`, also for a Cluster and for a client that is set to read from a replica.
 */
export function redisStore(client: SingleRedisClient, options: RedisStoreOptions = {}): SessionStore {
  if (client.isCluster || client.options.readOnly || client.options.role === 'slave')
    throw invalid('client', 'must be a Redis on a master, no Cluster')
  return storeOn(client, options, {
    name: 'redis',
    tagIsShard: false,
    masters: async () => [client],
    onLoss: (listener) => {
      const lost = (): void => listener(true)
      client.on('close', lost)
      return () => client.off('close', lost)
    },
  })
}
