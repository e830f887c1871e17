/** The stores of an application on each client, with the options that the READMEs recommend for failovers. */
import { Redis } from 'ioredis'
import type { SessionStore } from '@sess/core'
import * as nodeRedis from '@sess/node-redis'
import { redisStore, waitReplicas } from '@sess/redis'
import { redisClusterStore } from '@sess/redis-cluster'
import type { SentinelGroup } from '@sess/test-servers'
import * as nodeClients from '../../packages/node-redis/test/client.ts'
import { clusterOf } from '../../packages/redis-cluster/test/client.ts'
import { clientOf } from '../../packages/redis/test/client.ts'

/** The clients of Redis: packages of npm, with their major versions. */
export const CLIENTS = ['ioredis 6', 'redis 6', 'redis 5'] as const
export type Client = (typeof CLIENTS)[number]

/** An application's store, and how to close the client under it. */
export interface App {
  readonly store: SessionStore
  close(): unknown
}

/** What a logout waits for. */
type Confirm = ReturnType<typeof waitReplicas>
/** How long a logout waits for replicas, in ms. */
const CONFIRM_MS = 500

/**
 * Makes a value of `confirm` by which every replica that a failover may promote confirms a logout.
 *
 * @param replicas - Returns how many such replicas there are now.
 */
export const confirmedBy =
  (replicas: () => number): Confirm =>
  (client, nothing) =>
    waitReplicas(replicas(), CONFIRM_MS)(client, nothing)

const majorOf = (client: Client): 5 | 6 => (client === 'redis 5' ? 5 : 6)

export function onOneServer(client: Client, port: number): App {
  if (client === 'ioredis 6') {
    const redis = clientOf(port)
    return { store: redisStore(redis), close: () => redis.disconnect() }
  }
  const redis = nodeClients.clientOf(port, { major: majorOf(client) })
  return { store: nodeRedis.redisStore(redis), close: () => redis.destroy() }
}

export function onSentinels(client: Client, group: SentinelGroup, confirm?: Confirm): App {
  const ports = group.sentinels.map(({ port }) => port)
  const options = confirm ? { confirm } : {}
  if (client === 'ioredis 6') {
    const redis = new Redis({
      sentinels: ports.map((port) => ({ host: '127.0.0.1', port })),
      name: group.name,
      sentinelRetryStrategy: () => 50,
      retryStrategy: () => 50,
      failoverDetector: true,
      socketTimeout: 3000,
    })
    redis.on('error', () => {})
    return { store: redisStore(redis, options), close: () => redis.disconnect() }
  }
  const sentinel = nodeClients.sentinelOf(group.name, ports, { major: majorOf(client), scanInterval: 1000 })
  return { store: nodeRedis.redisStore(sentinel, options), close: () => sentinel.destroy() }
}

export function onCluster(client: Client, ports: readonly number[], confirm?: Confirm): App {
  const options = confirm ? { confirm } : {}
  if (client === 'ioredis 6') {
    const cluster = clusterOf(ports, { slotsRefreshInterval: 2000, redisOptions: { socketTimeout: 3000 } })
    return { store: redisClusterStore(cluster, options), close: () => cluster.disconnect() }
  }
  const cluster = nodeClients.clusterOf(ports, { major: majorOf(client) })
  return { store: nodeRedis.redisClusterStore(cluster, options), close: () => cluster.destroy() }
}
