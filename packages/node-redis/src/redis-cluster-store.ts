import { invalid, type SessionStore } from '@sess/core/adapter'
import { storeOn, type RedisStoreOptions } from '@sess/redis/store'
import { checkClient } from './client-check.ts'
import type { NodeRedisCluster } from './client.ts'
import { clusterOf } from './cluster.ts'

/**
 * Sessions in Redis Cluster, on the npm package `redis`. A subject's sessions and their index share a slot, so that whatever is
 * done to them is one script on one master.
 *
 * Core wants a `pepper` with it: the slot follows from the subject, and nobody else shall compute it.
 *
 * @param cluster - A client of `createCluster` of `redis` 5 or 6, which stays yours to connect and to close.
 * @throws {SessError} `invalid_option`, also for what is no such client, and for one that connects to replicas: it may read from
 *   a node that was one what has ended.
 */
export function redisClusterStore(cluster: NodeRedisCluster, options: RedisStoreOptions = {}): SessionStore {
  checkClient(cluster, ['cluster'], 'redisStore of @sess/node-redis')
  const { _options } = cluster
  const { useReplicas } = _options as { readonly useReplicas?: boolean }
  if (useReplicas) throw invalid('cluster', 'must read from masters: leave useReplicas out')
  const redis = clusterOf(cluster)
  return storeOn(redis, options, {
    name: 'node-redis-cluster',
    needsPepper: true,
    masters: () => redis.masters(options.prefix ?? 'sess:'),
    onLoss: (listener) => redis.onLoss(listener),
  })
}
