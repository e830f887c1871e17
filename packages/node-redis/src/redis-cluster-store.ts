import { invalid, type SessionStore } from '@sess/core/adapter'
import { storeOn, type RedisStoreOptions } from '@sess/redis/store'
import { checkClient } from './client-check.ts'
import type { NodeRedisCluster } from './client.ts'
import { clusterOf } from './cluster.ts'

/**
 * Makes a store in Redis Cluster, on the npm package `redis`. A subject's sessions and their index share a slot, so each write is one
 * script on one master.
 *
 * With this store `createSessions` needs the option `pepper`: the slot follows from the subject, and without the pepper nobody can
 * compute the slot of a subject.
 *
 * @param cluster - A client of `createCluster` of `redis` 5 or 6. You connect and close it.
 * @throws {SessError} `invalid_option`, also for a value that is not such a client, and for a client with `useReplicas`: it may read
 *   a session that has ended from a node that was a replica.
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
