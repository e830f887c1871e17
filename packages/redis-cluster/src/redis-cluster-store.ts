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

/** The members of a `Cluster` of ioredis that {@link redisClusterStore} uses. */
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

/** A range of slots in the answer to CLUSTER SLOTS: the first and last slot, and the master; its replicas follow. */
type Slots = readonly [from: number, to: number, master: readonly [address: string, port: number, id: string]]

const ALL_SLOTS = 16_384

/**
 * Makes a store in Redis Cluster. A subject's sessions and their index share a slot, so each write is one script on one master, as in
 * `@sess/redis`.
 *
 * `createSessions` requires a `pepper` with this store: without it anybody could compute the slot of a subject.
 *
 * @param cluster - A `Cluster` of ioredis 5 or 6. You close it. If it lacks the options to leave a master that hangs, there is one
 *   warning, by `process.emitWarning`.
 * @throws {SessError} `invalid_option`, also if `cluster` is not a `Cluster`, or reads from replicas, which may show a session that has
 *   ended.
 */
export function redisClusterStore(cluster: RedisClusterClient, options: RedisStoreOptions = {}): SessionStore {
  checkClient(cluster, 'Cluster', 'redisStore of @sess/redis')
  const { scaleReads, slotsRefreshInterval, clusterNodeRetryStrategy, redisOptions } = cluster.options
  if (![undefined, 'master'].includes(scaleReads as string))
    throw invalid('cluster', 'must read from masters: leave out scaleReads')
  if (clusterNodeRetryStrategy && redisOptions?.autoResendUnfulfilledCommands === false)
    throw invalid(
      'cluster',
      'must resend commands that a node has not answered: leave out autoResendUnfulfilledCommands',
    )
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
      // Other nodes still work, and ioredis resends to them the commands that this node has not answered.
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

/** Returns all masters. It throws if one cannot be reached, since a count without it would be wrong. */
async function mastersOf(cluster: RedisClusterClient, anyKey: string): Promise<readonly RedisServer[]> {
  // This read waits until the client knows the nodes.
  await cluster.getrangeBuffer(anyKey, 0, 0)
  const slots = (await cluster.cluster('SLOTS')) as readonly Slots[]
  const masters = cluster.nodes('master')
  const served = slots.reduce((sum, [from, to]) => sum + to - from + 1, 0)
  if (served < ALL_SLOTS || new Set(slots.map(([, , [, , id]]) => id)).size !== masters.length)
    throw new Error('a master of the cluster cannot be reached, or a slot has no master')
  return masters
}
