import { invalid, type SessionStore } from '@sess/core/adapter'
import { storeOn, type RedisStoreOptions } from '@sess/redis/store'
import { checkClient } from './client-check.ts'
import type { NodeRedisClient, NodeRedisSentinel } from './client.ts'
import { sentinelOf } from './sentinel.ts'
import { singleOf } from './single.ts'

/**
 * Makes a store in Redis or Valkey, on the npm package `redis`: one server, or a master that Sentinel names.
 *
 * A write is one script, which compares and sets, and updates the subject's index. The store sends a write once, and within 10 s.
 * The server removes expired records.
 *
 * @param client - A client of `createClient` or `createSentinel` of `redis` 5 or 6. You connect and close it. The client must be
 *   connected to a master: on a replica, which may show a session that has ended, every call fails with `store_unavailable`.
 * @throws {SessError} `invalid_option`, also for a value that is not such a client.
 */
export function redisStore(client: NodeRedisClient | NodeRedisSentinel, options: RedisStoreOptions = {}): SessionStore {
  const kind = checkClient(client, ['client', 'sentinel'], 'redisClusterStore of @sess/node-redis')
  const single = client as NodeRedisClient
  const { readonly: fromReplica } = (single.options ?? {}) as { readonly readonly?: boolean }
  if (fromReplica) throw invalid('client', 'must read from the master: leave readonly out')
  const redis = kind === 'sentinel' ? sentinelOf(client as NodeRedisSentinel) : singleOf(single)
  return storeOn(redis, options, {
    name: 'node-redis',
    needsPepper: false,
    masters: async () => [redis],
    onLoss: (listener) => {
      const lost = (): void => listener(true)
      redis.on('close', lost)
      return () => redis.off('close', lost)
    },
  })
}
