import { invalid, type SessionStore } from '@sess/core/adapter'
import {
  checkClient,
  storeOn,
  warnOf,
  type ClientEvent,
  type RedisClient,
  type RedisServer,
  type RedisStoreOptions,
} from '@sess/redis/store'

/** What {@link redisClusterStore} calls of a `Cluster` of ioredis. */
export interface RedisClusterClient extends RedisClient {
  readonly isCluster: boolean
  readonly options: RedisClient['options'] & {
    readonly scaleReads?: unknown
    readonly slotsRefreshInterval?: number | undefined
    readonly clusterNodeRetryStrategy?: unknown
    readonly redisOptions?:
      | { readonly socketTimeout?: number | undefined; readonly autoResendUnfulfilledCommands?: boolean | undefined }
      | undefined
  }
  nodes(role: 'all' | 'master'): RedisClusterNode[]
  cluster(command: 'SLOTS'): Promise<unknown>
  on(event: ClientEvent, listener: (error: Error) => void): unknown
  on(event: '+node', listener: (node: RedisClusterNode) => void): unknown
  off(event: ClientEvent, listener: (error: Error) => void): unknown
  off(event: '+node', listener: (node: RedisClusterNode) => void): unknown
}

/** A connection of a `Cluster` to one of its nodes. */
export interface RedisClusterNode extends RedisServer {
  on(event: 'close', listener: () => void): unknown
  off(event: 'close', listener: () => void): unknown
}

/** A line of CLUSTER SLOTS: from, to, and the master as address, port and ID; its replicas follow. */
type Slots = readonly [from: number, to: number, master: readonly [address: string, port: number, id: string]]

const ALL_SLOTS = 16_384

/**
 * Sessions in Redis Cluster. A subject's sessions and their index share a slot, so that whatever is done to them is one
 * script on one master, as in `@sess/redis`.
 *
 * Core wants a `pepper` with it: the slot follows from the subject, and nobody else shall compute it.
 *
 * @param cluster - A `Cluster` of ioredis 5 or 6, which stays yours to close. One that lacks what leaves a master that hangs is
 *   warned of, once, by `process.emitWarning`.
 * @throws {SessError} `invalid_option`, also for what is no `Cluster`, and for one that reads from replicas, which may show
 *   what has ended.
 */
export function redisClusterStore(cluster: RedisClusterClient, options: RedisStoreOptions = {}): SessionStore {
  checkClient(cluster, 'Cluster', 'redisStore of @sess/redis')
  const { scaleReads, slotsRefreshInterval, clusterNodeRetryStrategy, redisOptions } = cluster.options
  if (![undefined, 'master'].includes(scaleReads as string))
    throw invalid('cluster', 'must read from masters: leave scaleReads out')
  if (clusterNodeRetryStrategy && redisOptions?.autoResendUnfulfilledCommands === false)
    throw invalid('cluster', 'must send again what a node has not answered: leave autoResendUnfulfilledCommands out')
  const lacking = [
    !slotsRefreshInterval && 'slotsRefreshInterval: 2000',
    !redisOptions?.socketTimeout && 'redisOptions: { socketTimeout: 3000 }',
  ]
  warnOf(cluster, lacking, 'the README of @sess/redis-cluster')
  return storeOn(cluster, options, {
    name: 'redis-cluster',
    needsPepper: true,
    masters: () => mastersOf(cluster, options.prefix ?? 'sess:'),
    onLoss(listener) {
      // Other nodes go on, and ioredis asks them what this one has not answered.
      const nodeLost = (): void => listener(false)
      const allLost = (): void => listener(true)
      const watch = (node: RedisClusterNode): void => void node.on('close', nodeLost)
      for (const node of cluster.nodes('all')) watch(node)
      cluster.on('+node', watch)
      cluster.on('close', allLost)
      return () => {
        cluster.off('+node', watch)
        cluster.off('close', allLost)
        for (const node of cluster.nodes('all')) node.off('close', nodeLost)
      }
    },
  })
}

/** All masters, or none: a count without one of them would be wrong. */
async function mastersOf(cluster: RedisClusterClient, anyKey: string): Promise<readonly RedisServer[]> {
  // Waits until the client knows the cluster.
  await cluster.getrangeBuffer(anyKey, 0, 0)
  const slots = (await cluster.cluster('SLOTS')) as readonly Slots[]
  const masters = cluster.nodes('master')
  const served = slots.reduce((sum, [from, to]) => sum + to - from + 1, 0)
  if (served < ALL_SLOTS || new Set(slots.map(([, , [, , id]]) => id)).size !== masters.length)
    throw new Error('not every slot of the cluster has a master that can be reached')
  return masters
}
