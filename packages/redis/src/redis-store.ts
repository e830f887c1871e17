import { invalid, type SessionStore } from '@sess/core/adapter'
import { checkClient, warnOf } from './client-check.ts'
import type { RedisClient, RedisServer } from './client.ts'
import type { RedisStoreOptions } from './options.ts'
import { storeOn } from './store.ts'

/** The members of a `Redis` of ioredis that {@link redisStore} uses. */
export interface SingleRedisClient extends RedisClient, RedisServer {
  readonly isCluster: boolean
  readonly options: RedisClient['options'] & {
    readonly readOnly?: boolean | undefined
    readonly role?: string | undefined
    readonly sentinels?: unknown
    readonly tls?: unknown
    readonly enableTLSForSentinelMode?: boolean | undefined
    readonly failoverDetector?: boolean | undefined
    readonly socketTimeout?: number | undefined
  }
}

/**
 * Makes a store in Redis or Valkey: one server, or a master with replicas under Sentinel.
 *
 * A write is one script, which compares and sets the record and updates the subject's index. It is applied at most once, and is sent
 * within 10 s, even if the client resends commands. Redis removes expired records itself.
 *
 * @param client - A `Redis` of ioredis 5 or 6, connected to a master. You close it. On a replica, which may show a session that has
 *   ended, every call rejects with `store_unavailable`. If a client with Sentinels lacks the options to leave a master that hangs,
 *   there is one warning, by `process.emitWarning`.
 * @throws {SessError} `invalid_option`, also if `client` is not a `Redis`, or has options to read from a replica,
 *   or has Sentinels and a `tls` that ioredis would not use.
 */
export function redisStore(client: SingleRedisClient, options: RedisStoreOptions = {}): SessionStore {
  checkClient(client, 'Redis', 'redisClusterStore of @sess/redis-cluster')
  const { readOnly, role, sentinels, tls, enableTLSForSentinelMode, failoverDetector, socketTimeout } = client.options
  if (readOnly) throw invalid('client', 'must read from the master: leave out readOnly')
  if (role === 'slave') throw invalid('client', 'must be connected to the master: leave out role')
  if (sentinels && tls && !enableTLSForSentinelMode)
    throw invalid('client', 'must use its option tls: with sentinels it needs enableTLSForSentinelMode: true')
  const lacking = [!failoverDetector && 'failoverDetector: true', !socketTimeout && 'socketTimeout: 3000']
  if (sentinels) warnOf(client, lacking, 'the README of @sess/redis')
  return storeOn(client, options, {
    name: 'redis',
    needsPepper: false,
    masters: async () => [client],
    onLoss: (listener) => {
      const lost = (): void => {
        listener(true)
        endFailoverDetector(client)
      }
      client.on('close', lost)
      return () => client.off('close', lost)
    },
  })
}

/**
 * Ends the failover detector of a client without a connection. ioredis begins another detector on the next connection.
 *
 * A Sentinel's message of a failover that arrives while ioredis asks a Sentinel for the master would end the client for good: the detector
 * takes the attempt to connect for the connection to the old master, and ioredis takes its end for a call of `disconnect`.
 */
function endFailoverDetector(client: object): void {
  const { connector } = client as { connector?: { failoverDetector?: { cleanup?(): void } | null } }
  if (!connector?.failoverDetector) return
  connector.failoverDetector.cleanup?.()
  connector.failoverDetector = null
}
