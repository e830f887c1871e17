import { invalid, type SessionStore } from '@sess/core/adapter'
import { checkClient, warnOf } from './client-check.ts'
import type { RedisClient, RedisServer } from './client.ts'
import type { RedisStoreOptions } from './options.ts'
import { storeOn } from './store.ts'

/** What {@link redisStore} calls of a `Redis` of ioredis. */
export interface SingleRedisClient extends RedisClient, RedisServer {
  readonly isCluster: boolean
  readonly options: RedisClient['options'] & {
    readonly readOnly?: boolean | undefined
    readonly role?: string | undefined
    readonly sentinels?: unknown
    readonly failoverDetector?: boolean | undefined
    readonly socketTimeout?: number | undefined
  }
}

/**
 * Sessions in Redis or Valkey: one server, or a master that Sentinel names.
 *
 * A write is one script: compare-and-set, and the subject's index with it. It is sent once, and within 10 s, whatever the
 * client is set to resend. Expired records go by themselves.
 *
 * @param client - A `Redis` of ioredis 5 or 6, which stays yours to close. Connected to a master: from a replica, which may show
 *   a session that has ended, every answer is `store_unavailable`. One with Sentinels that lacks what leaves a master that
 *   hangs is warned of, once, by `process.emitWarning`.
 * @throws {SessError} `invalid_option`, also for what is no `Redis`, and for a client that is set to read from a replica.
 */
export function redisStore(client: SingleRedisClient, options: RedisStoreOptions = {}): SessionStore {
  checkClient(client, 'Redis', 'redisClusterStore of @sess/redis-cluster')
  const { readOnly, role, sentinels, failoverDetector, socketTimeout } = client.options
  if (readOnly) throw invalid('client', 'must read from the master: leave readOnly out')
  if (role === 'slave') throw invalid('client', 'must be connected to the master: leave role out')
  const lacking = [!failoverDetector && 'failoverDetector: true', !socketTimeout && 'socketTimeout: 3000']
  if (sentinels) warnOf(client, lacking, 'the README of @sess/redis')
  return storeOn(client, options, {
    name: 'redis',
    needsPepper: false,
    masters: async () => [client],
    onLoss: (listener) => {
      const lost = (): void => listener(true)
      client.on('close', lost)
      return () => client.off('close', lost)
    },
  })
}
